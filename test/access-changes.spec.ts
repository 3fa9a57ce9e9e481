// Changes of what an account may do, told to it at their place in the log, on whichever instance it is; and what it may do in a
// project, known beforehand and shared by all who may do the same.
import { MikroORM } from '@mikro-orm/postgresql';
import { lastSeqOfProject } from '../src/domain/projects/project.loader.js';
import { decodeCursor } from '../src/engine/events/cursor.js';
import { Hub } from '../src/engine/realtime/hub.js';
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
  it('tells at another instance of a project that is gained, seen in another role, and lost', async () => {
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

  it('tells of projects that are made or deleted, and of the role of the account, which caps all others', async () => {
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

  it('is resumed by any cursor of the log, at any instance, and has missed nothing', async () => {
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

  it('comes right behind what has caused it, and before what follows there', async () => {
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

  it('tells every session of the account once, and no other account anything', async () => {
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

  it('tells all members of a project that is deleted, however many they are', async () => {
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
    const began = performance.now();
    await admin.data(DELETE, { id });
    process.stdout.write(`figure: project of 2,002 members deleted in ${Math.round(performance.now() - began)} ms\n`);
    expect(changeOf((await watch.next()).data)).toEqual({ projectId: id, role: null, accountRole: 'EDITOR' });
    watch.stop();
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

  it('is the role that counts, of whoever asks', async () => {
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

  it('splits the executions of an event by role, and by nothing else', async () => {
    const { id } = await createProject(owner);
    const people = [];
    for (const role of ['VIEWER', 'VIEWER', 'EDITOR', 'EDITOR', 'OWNER'] as const) {
      const person = await member();
      await addMember(owner, id, person, role);
      people.push({
        role,
        watch: person.elsewhere.subscribe(
          'subscription ($id: ID!) { projectUpdated(projectId: $id) { seq project { viewerRole lastSeq } } }',
          { id },
        ),
      });
    }
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

  it('is never newer than what its reader had applied, pruned or not', async () => {
    const { id } = await createProject(owner);
    for (let n = 0; n < 3; n += 1) await postUpdate(owner, id);
    const events = await here.current.database.query<{ pos: number }>(
      'select pos::int as pos from event where resource_id = $1 order by pos',
      [id],
    );
    const em = here.current.app.get(MikroORM).em.fork();
    const seqsAt = () =>
      lastSeqOfProject.batch(
        em,
        [0, ...events.map(({ pos }) => pos)].map((pos) => ({ id, pos })),
      );
    expect(await seqsAt()).toEqual([0, 1, 2, 3, 4]);
    await here.current.database.query('delete from event where resource_id = $1 and pos <= $2', [id, events[1]!.pos]);
    expect(await seqsAt()).toEqual([2, 2, 2, 3, 4]);
  });

  it('stays when the events are pruned', async () => {
    const { id } = await createProject(owner);
    await postUpdate(owner, id);
    await here.current.database.query('delete from event where resource_id = $1', [id]);
    expect(await lastSeq(id)).toBe(2);
  });

  it('is read for a whole page in one statement', async () => {
    const own = await member();
    const page = () => own.data('{ projects { nodes { id lastSeq } } }');
    for (let n = 0; n < 3; n += 1) await createProject(own);
    expect(await fewestStatementsOf(page)).toHaveLength(2);
  });
});
