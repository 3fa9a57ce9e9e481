// Access changes over subscriptions: changes of an account's rights are delivered at their position in the log on every
// instance, and the rights in a project are loaded beforehand and shared by accounts with the same rights.
import { randomUUID } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { projectEvent, ProjectEventKind } from '../src/domain/projects/project-events.js';
import { ProjectRole } from '../src/domain/projects/project-role.js';
import { lastSeqOfProject } from '../src/domain/projects/project.loader.js';
import { Reads } from '../src/engine/database/reads.js';
import { decodeCursor } from '../src/engine/events/cursor.js';
import { EventLog } from '../src/engine/events/event-log.js';
import { LogFollower } from '../src/engine/events/log-follower.js';
import { LogReader } from '../src/engine/events/log-reader.js';
import { Hub } from '../src/engine/realtime/fan-out/hub.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { sharedRedisUrl } from './support/redis.js';
import type { SocketClient } from './support/socket-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';

const CHANGES = 'subscription ($after: String) { accessChanged(after: $after) { cursor projectId role accountRole } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const SET_ROLE = 'mutation ($u: ID!, $r: Role!) { setUserRole(userId: $u, role: $r) { id } }';
const DELETE = 'mutation ($id: ID!) { deleteProject(id: $id) }';

const withRedis = async () => ({ REDIS_URL: await sharedRedisUrl() });
const here = useTidings(async () => ({ env: await withRedis() }));
let there: TestTidings;
let owner: Person;
let admin: Person;
beforeAll(async () => {
  there = await TestTidings.start({ database: here.current.database, env: await withRedis() });
  owner = await here.current.asUser('EDITOR', 'Owner');
  admin = await here.current.asUser('ADMIN', 'Admin');
});
afterAll(() => there.stop());

/** A signed-in account with a socket at the other instance. */
async function member(role: 'USER' | 'EDITOR' = 'EDITOR'): Promise<Person & { elsewhere: SocketClient }> {
  const person = await here.current.asUser(role);
  return Object.assign(person, { elsewhere: person.socket(there.url) });
}
const placeOf = ({ cursor }: { cursor: string }) => decodeCursor(cursor).pos;
const changeOf = (data: Data) => {
  const { cursor: _cursor, ...change } = data.accessChanged;
  return change;
};

describe('accessChanged', () => {
  it('reports gained, changed and lost projects at another instance', async () => {
    const person = await member();
    const watch = person.elsewhere.subscribe(CHANGES);
    await there.watching(1);
    const { id: projectId } = await createProject(owner);
    await addMember(owner, projectId, person, 'VIEWER');
    await addMember(owner, projectId, person, 'EDITOR');
    await owner.data(REMOVE, { p: projectId, u: person.id });
    const changes = [await watch.next(), await watch.next(), await watch.next()].map(({ data }) => changeOf(data));
    // It is shown as it is now: what has been taken since is not shown any more.
    expect(changes.map((change) => change.projectId)).toEqual([projectId, projectId, projectId]);
    expect(changes.at(-1)).toEqual({ projectId, role: null, accountRole: 'EDITOR' });
    watch.stop();
  });

  it('reports created and deleted projects and changes of the account role', async () => {
    const person = await member();
    const watch = person.elsewhere.subscribe(CHANGES);
    await there.watching(1);
    const next = async () => changeOf((await watch.next()).data);
    const { id: projectId } = await createProject(person);
    expect(await next()).toEqual({ projectId, role: 'OWNER', accountRole: 'EDITOR' });
    await admin.data(SET_ROLE, { u: person.id, r: 'USER' });
    expect(await next()).toEqual({ projectId: null, role: null, accountRole: 'USER' });
    const { id: other } = await createProject(owner);
    await addMember(owner, other, person, 'OWNER');
    expect(await next()).toEqual({ projectId: other, role: 'VIEWER', accountRole: 'USER' });
    await admin.data(DELETE, { id: other });
    expect(await next()).toEqual({ projectId: other, role: null, accountRole: 'USER' });
    watch.stop();
  });

  it('resumes from any log cursor at any instance', async () => {
    const person = await member();
    const { id: projectId, lastCursor } = await createProject(owner);
    await addMember(owner, projectId, person, 'EDITOR');
    await postUpdate(owner, projectId);
    await owner.data(REMOVE, { p: projectId, u: person.id });
    for (const socket of [person.elsewhere, person.socket()]) {
      const all = socket.subscribe(CHANGES, { after: lastCursor });
      const cursors = [await all.next(), await all.next()].map(({ data }) => data.accessChanged.cursor);
      const places = cursors.map((cursor) => decodeCursor(cursor).pos);
      expect(places[1]! - places[0]!).toBeGreaterThan(1);
      const rest = socket.subscribe(CHANGES, { after: cursors[0] });
      expect((await rest.next()).data.accessChanged.cursor).toBe(cursors[1]);
      for (const watch of [all, rest]) watch.stop();
    }
  });

  it('arrives after its cause and before later events', async () => {
    const person = await member();
    const { id: projectId, lastCursor } = await createProject(owner);
    await addMember(owner, projectId, person, 'EDITOR');
    await postUpdate(owner, projectId);
    const events = person.elsewhere.subscribe(
      'subscription ($after: String) { projectsUpdated(after: $after) { cursor kind } }',
      { after: lastCursor },
    );
    const changes = person.elsewhere.subscribe(CHANGES, { after: lastCursor });
    const kinds = new Map<string, number>();
    while (!kinds.has('UPDATE_POSTED')) {
      const { projectsUpdated: event } = (await events.next()).data;
      kinds.set(event.kind, placeOf(event));
    }
    const place = placeOf((await changes.next()).data.accessChanged);
    expect(place).toBe(kinds.get('MEMBER_ADDED')! + 1);
    expect(place).toBeLessThan(kinds.get('UPDATE_POSTED')!);
    for (const watch of [events, changes]) watch.stop();
  });

  it('reaches every session of the account once and no other account', async () => {
    const [person, other] = [await member(), await member()];
    const twice = [1, 2].map(() => person.elsewhere.subscribe(CHANGES));
    const second = (await here.current.signIn(person.id, person.email)).socket(there.url).subscribe(CHANGES);
    const stranger = other.elsewhere.subscribe(CHANGES);
    await there.watching(4);
    const { id: projectId } = await createProject(owner);
    await addMember(owner, projectId, person, 'VIEWER');
    for (const watch of [...twice, second]) {
      expect(changeOf((await watch.next()).data)).toEqual({ projectId, role: 'VIEWER', accountRole: 'EDITOR' });
    }
    // What comes to the stranger first is its own.
    const { id: own } = await createProject(other);
    expect(changeOf((await stranger.next()).data).projectId).toBe(own);
    expect([...twice, second].flatMap(({ pending }) => pending)).toEqual([]);
    for (const watch of [...twice, second, stranger]) watch.stop();
  });

  it('reaches all members of a deleted project', async () => {
    const { id } = await createProject(owner);
    const person = await member();
    await addMember(owner, id, person, 'VIEWER');
    const watch = person.elsewhere.subscribe(CHANGES);
    await there.watching(1);
    await here.current.database.query(
      `with made as (
         insert into account (id, email, name, role, password_hash)
           select gen_random_uuid(), 'many-' || n || '@example.com', 'Many', 'USER', 'none' from generate_series(1, 2000) as n returning id)
       insert into project_member (id, project_id, account_id, role) select gen_random_uuid(), $1, id, 'VIEWER' from made`,
      [id],
    );
    const head = async () => (await here.current.app.get(LogReader).head()).pos;
    const before = await head();
    await admin.data(DELETE, { id });
    expect((await head()) - before).toBe(2);
    expect(changeOf((await watch.next()).data)).toEqual({ projectId: id, role: null, accountRole: 'EDITOR' });
    watch.stop();
  });

  it('reports a deletion to the members at that time, connected or resuming', async () => {
    const { id, lastCursor } = await createProject(owner);
    const { id: other } = await createProject(owner);
    const [stayed, left, returned, stranger] = [await member(), await member(), await member(), await member()];
    const put = (person: Person, projectId = id) => addMember(owner, projectId, person, 'VIEWER');
    const remove = (person: Person) => owner.data(REMOVE, { p: id, u: person.id });
    for (const person of [stayed, left, returned]) await put(person);
    for (const person of [left, returned]) await remove(person);
    await put(returned);
    const people = [
      { person: stayed, told: [id, id, other] },
      { person: left, told: [id, id, other] },
      { person: returned, told: [id, id, id, id, other] },
      { person: stranger, told: [other] },
    ];
    // Of an ADMIN's own memberships there is one only.
    await put(admin, other);
    const live = [...people, { person: admin, told: [other] }].map(({ person, told }) => ({
      watch: person.socket(there.url).subscribe(CHANGES, { after: lastCursor }),
      told,
    }));
    await there.watching(live.length);
    await admin.data(DELETE, { id });
    for (const { person } of people) await put(person, other);
    // An instance that has followed none of this reads it from the log.
    const late = await TestTidings.start({ database: here.current.database, env: await withRedis() });
    const resumed = people.flatMap(({ person, told }) =>
      [here.current, late].map(({ url }) => ({
        watch: person.socket(url).subscribe(CHANGES, { after: lastCursor }),
        told,
      })),
    );
    for (const { watch, told } of [...live, ...resumed]) {
      const changes = [];
      for (const _ of told) changes.push((await watch.next()).data.accessChanged);
      expect(changes.map(({ projectId }) => projectId)).toEqual(told);
      const places = changes.map(placeOf);
      expect(places).toEqual(places.toSorted((one, next) => one - next));
      expect(watch.pending).toEqual([]);
      watch.stop();
    }
    await late.stop();
  });

  it('resumes page by page in log order, own changes and deletions included', async () => {
    const person = await member();
    const { id, lastCursor } = await createProject(owner);
    await addMember(owner, id, person, 'VIEWER');
    const rows = Array.from({ length: 130 }, () => ({ own: randomUUID(), foreign: randomUUID() }));
    await here.current.database.query(
      `insert into project (id, key, name, deleted_at)
         select id, 'GONE-' || upper(substr(id::text, 1, 12)), 'Gone', now() from unnest($1::uuid[]) as list (id)`,
      [rows.flatMap(({ own, foreign }) => [own, foreign])],
    );
    await here.current.database.query(
      `insert into project_member (id, project_id, account_id, role)
         select gen_random_uuid(), id, $2, 'VIEWER' from unnest($1::uuid[]) as list (id)`,
      [rows.map(({ own }) => own), person.id],
    );
    const expected: string[] = [];
    await here.current.app.get(EventLog).transaction(async ({ record }) => {
      for (const { own, foreign } of rows) {
        for (const gone of [own, foreign]) {
          record(projectEvent({ accountId: owner.id }, gone, ProjectEventKind.PROJECT_DELETED, { subjectId: gone }));
        }
        record(
          projectEvent({ accountId: owner.id }, id, ProjectEventKind.MEMBER_CHANGED, {
            subjectId: person.id,
            role: ProjectRole.EDITOR,
          }),
        );
        expected.push(own, id);
      }
    });
    const late = await TestTidings.start({ database: here.current.database, env: await withRedis() });
    const watch = person.socket(late.url).subscribe(CHANGES, { after: lastCursor });
    const told: string[] = [];
    while (told.length < expected.length + 1) told.push((await watch.next()).data.accessChanged.projectId);
    expect(told).toEqual([id, ...expected]);
    expect(watch.pending).toEqual([]);
    watch.stop();
    await late.stop();
  });

  it('ends in the final role under concurrent changes at two instances', async () => {
    const person = await member();
    const { id } = await createProject(owner);
    await addMember(owner, id, person, 'VIEWER');
    const away = await here.current.signIn(owner.id, owner.email, there.url);
    const watches = [here.current, there].map(({ url }) => person.socket(url).subscribe(CHANGES));
    await Promise.all([here.current.watching(1), there.watching(1)]);
    const { lastCursor } = await createProject(owner);
    const roles = ['VIEWER', 'EDITOR', 'OWNER'] as const;
    const membership = async (by: Person, lane: number) => {
      for (let n = 0; n < 15; n += 1) {
        if (n % 4 === 3) await by.data(REMOVE, { p: id, u: person.id });
        else await addMember(by, id, person, roles[(n + lane) % 3]!);
      }
    };
    const account = async () => {
      for (let n = 0; n < 6; n += 1) await admin.data(SET_ROLE, { u: person.id, r: n % 2 ? 'EDITOR' : 'USER' });
    };
    await Promise.all([membership(owner, 0), membership(away, 1), account()]);
    // Which of them is the last is not known beforehand. Behind it comes a project.
    const { id: last } = await createProject(person);
    const stored = await here.current.database.query<{ pos: number; project: string }>(
      `select pos::int as pos, facts ->> 'projectId' as project from event
        where resource_kind = 'account' and resource_id = $1 and kind in ('ACCESS_CHANGED', 'ROLE_CHANGED') and pos > $2 order by pos`,
      [person.id, decodeCursor(lastCursor).pos],
    );
    expect(stored.length).toBeGreaterThan(10);
    watches.push(person.socket(there.url).subscribe(CHANGES, { after: lastCursor }));
    const truth = await here.current.database.query<{ role: string }>(
      'select role from project_member where project_id = $1 and account_id = $2',
      [id, person.id],
    );
    for (const watch of watches) {
      const changes = [];
      while (changes.at(-1)?.projectId !== last) changes.push((await watch.next()).data.accessChanged);
      expect(changes.map((change) => ({ pos: placeOf(change), project: change.projectId }))).toEqual(stored);
      expect(changes.findLast(({ projectId }) => projectId === id)!.role).toBe(truth[0]?.role ?? null);
      expect(changes.at(-1)!.accountRole).toBe('EDITOR');
      watch.stop();
    }
  });

  it('ends with the account', async () => {
    const person = await member();
    const watch = person.elsewhere.subscribe(CHANGES);
    await there.watching(1);
    await admin.data('mutation ($u: ID!) { setUserDisabled(userId: $u, disabled: true) { id } }', { u: person.id });
    await expect(watch.ended).rejects.toBeDefined();
  });
});

describe('viewerRole', () => {
  const ROLES = 'query ($id: ID!) { project(id: $id) { viewerRole } }';

  it('is the effective role of the caller', async () => {
    const { id } = await createProject(owner);
    const [viewer, editor, user] = [await member(), await member(), await member('USER')];
    await addMember(owner, id, viewer, 'VIEWER');
    await addMember(owner, id, editor, 'EDITOR');
    await addMember(owner, id, user, 'OWNER');
    const roles = [];
    for (const person of [owner, viewer, editor, user, admin])
      roles.push((await person.data(ROLES, { id })).project.viewerRole);
    expect(roles).toEqual(['OWNER', 'VIEWER', 'EDITOR', 'VIEWER', 'OWNER']);
    expect(await fewestStatementsOf(() => viewer.data(ROLES, { id }))).toHaveLength(1);
  });

  it('splits executions of an event by role only', async () => {
    const { id } = await createProject(owner);
    const members = [];
    for (const role of ['VIEWER', 'VIEWER', 'EDITOR', 'EDITOR', 'OWNER'] as const) {
      const person = await member();
      await addMember(owner, id, person, role);
      members.push({ role, person });
    }
    // A subscription begins where its instance is in the log: behind these members.
    await there.app.get(LogFollower).catchUp();
    const people = members.map(({ role, person }) => ({
      role,
      watch: person.elsewhere.subscribe(
        'subscription ($id: ID!) { projectUpdated(projectId: $id) { seq project { viewerRole lastSeq } } }',
        { id },
      ),
    }));
    await there.watching(5);
    const hub = there.app.get(Hub);
    const before = hub.stats.executions;
    await postUpdate(owner, id);
    for (const { role, watch } of people) {
      const { seq, project } = (await watch.next()).data.projectUpdated;
      expect(project).toEqual({ viewerRole: role, lastSeq: seq });
    }
    expect(hub.stats.executions - before).toBe(3);
    const metrics = await fetch(`${there.url}/metrics`).then((response) => response.text());
    expect(metrics).toContain('\ntidings_demotions_total 0\n');
    for (const { watch } of people) watch.stop();
  });
});

describe('lastSeq', () => {
  const LAST = 'query ($id: ID!) { project(id: $id) { lastSeq } }';
  const lastSeq = async (id: string) => (await owner.data(LAST, { id })).project.lastSeq;

  it('counts with the events of the project', async () => {
    const { id } = await createProject(owner);
    expect(await lastSeq(id)).toBe(1);
    await postUpdate(owner, id);
    expect(await lastSeq(id)).toBe(2);
  });

  it('is never newer than the applied position, pruned or not', async () => {
    const { id } = await createProject(owner);
    for (let n = 0; n < 3; n += 1) await postUpdate(owner, id);
    const events = await here.current.database.query<{ pos: number }>(
      'select pos::int as pos from event where resource_id = $1 order by pos',
      [id],
    );
    const reads = new Reads(here.current.app.get(MikroORM));
    const seqsAt = () =>
      lastSeqOfProject.batch(
        reads,
        [0, ...events.map(({ pos }) => pos)].map((pos) => ({ id, pos })),
      );
    expect(await seqsAt()).toEqual([0, 1, 2, 3, 4]);
    await here.current.database.query('delete from event where resource_id = $1 and pos <= $2', [id, events[1]!.pos]);
    expect(await seqsAt()).toEqual([2, 2, 2, 3, 4]);
  });

  it('survives pruning', async () => {
    const { id } = await createProject(owner);
    await postUpdate(owner, id);
    await here.current.database.query('delete from event where resource_id = $1', [id]);
    expect(await lastSeq(id)).toBe(2);
  });

  it('is read for a page in one statement', async () => {
    const own = await member();
    const page = () => own.data('{ projects { nodes { id lastSeq } } }');
    for (let n = 0; n < 3; n += 1) await createProject(own);
    expect(await fewestStatementsOf(page)).toHaveLength(2);
  });
});
