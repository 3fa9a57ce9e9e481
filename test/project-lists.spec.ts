// Lists of projects as the dashboard shows them: order by attention, counts by health, recent updates, and viewers.
import { MikroORM } from '@mikro-orm/postgresql';
import { activityOfProject } from '../src/domain/projects/project-activity.js';
import { Reads } from '../src/engine/database/reads.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const LIST = `query ($o: ProjectOrder, $f: ProjectFilter, $first: Int, $after: String, $last: Int, $before: String) {
  projects(orderBy: $o, filter: $f, first: $first, after: $after, last: $last, before: $before) {
    lastCursor pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor } nodes { name health }
    healthCounts { offTrack atRisk onTrack unknown } } }`;
const EDIT = 'mutation ($id: ID!, $i: EditUpdateInput!) { editUpdate(id: $id, input: $i) { id } }';
const REMOVE = 'mutation ($id: ID!) { removeUpdate(id: $id) }';
const DELETE = 'mutation ($id: ID!) { deleteProject(id: $id) }';
const ORDERS = ['HEALTH', 'LATEST_UPDATE', 'NAME'] as const;

const tidings = useTidings();
let owner: Person;
let viewer: Person;
let admin: Person;
const ids = new Map<string, string>();
beforeAll(async () => {
  owner = await tidings.current.asUser('EDITOR');
  viewer = await tidings.current.asUser('USER');
  admin = await tidings.current.asUser('ADMIN');
  for (const name of ['delta', 'Alpha', 'echo', 'Bravo', 'charlie']) {
    ids.set(name, (await createProject(owner, { name })).id);
  }
  for (const [name, health] of [
    ['Alpha', 'OFF_TRACK'],
    ['Bravo', 'ON_TRACK'],
    ['charlie', 'AT_RISK'],
    ['delta', 'OFF_TRACK'],
  ] as const)
    await postUpdate(owner, ids.get(name)!, { health });
  for (const name of ['Alpha', 'echo']) await addMember(owner, ids.get(name)!, viewer, 'VIEWER');
});

/** The beginning of the day that lies so many days back. */
const day = (back: number) => `${new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10)}T00:00:00.000Z`;
const list = async (by: Person, args: Record<string, unknown>): Promise<Data> => (await by.data(LIST, args)).projects;
const names = ({ nodes }: Data) => nodes.map(({ name }: { name: string }) => name);
const WANTED = {
  HEALTH: ['delta', 'Alpha', 'charlie', 'Bravo', 'echo'],
  LATEST_UPDATE: ['delta', 'charlie', 'Bravo', 'Alpha', 'echo'],
  NAME: ['Alpha', 'Bravo', 'charlie', 'delta', 'echo'],
};

describe.each(ORDERS)('projects in the order %s', (o) => {
  it('lists all projects, for a member and for an ADMIN', async () => {
    for (const by of [owner, admin]) expect(names(await list(by, { o }))).toEqual(WANTED[o]);
    expect(names(await list(viewer, { o }))).toEqual(WANTED[o].filter((name) => ['Alpha', 'echo'].includes(name)));
  });

  it('are paged forwards and backwards without a gap', async () => {
    const forwards = [];
    for (let after: string | null = null; ;) {
      const page: Data = await list(owner, { o, first: 2, after });
      forwards.push(...names(page));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect(forwards).toEqual(WANTED[o]);
    const backwards = [];
    for (let before: string | null = null; ;) {
      const page: Data = await list(owner, { o, last: 2, before });
      backwards.unshift(...names(page));
      if (!page.pageInfo.hasPreviousPage) break;
      before = page.pageInfo.startCursor;
    }
    expect(backwards).toEqual(WANTED[o]);
  });

  it('applies filters', async () => {
    expect(names(await list(admin, { o, f: { health: ['OFF_TRACK'] } }))).toEqual(
      WANTED[o].filter((name) => ['Alpha', 'delta'].includes(name)),
    );
    expect(names(await list(owner, { o, f: { search: 'ALPH' } }))).toEqual(['Alpha']);
    expect(names(await list(owner, { o, f: { search: '%' } }))).toEqual([]);
    expect(names(await list(admin, { o, f: { mine: true } }))).toEqual([]);
  });

  it('refuses cursors of another order and invalid ones', async () => {
    const { endCursor } = (await list(owner, { o, first: 1 })).pageInfo;
    for (const other of [...ORDERS, null]) {
      if (other === o) continue;
      expect((await owner.error(LIST, { o: other, after: endCursor })).extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'after' }],
      });
    }
    for (const after of ['', 'x', Buffer.from(JSON.stringify([o, 'x'])).toString('base64url')])
      expect((await owner.error(LIST, { o, after })).extensions.code).toBe('BAD_USER_INPUT');
  });

  it('takes one statement, and one for healthCounts', async () => {
    const plain = `query ($o: ProjectOrder) { projects(orderBy: $o) { nodes { name } } }`;
    expect(await fewestStatementsOf(() => owner.data(plain, { o }))).toHaveLength(1);
    const counted = `query ($o: ProjectOrder) { projects(orderBy: $o) { healthCounts { offTrack } nodes { name } } }`;
    expect(await fewestStatementsOf(() => owner.data(counted, { o }))).toHaveLength(2);
  });
});

describe('healthCounts', () => {
  it('counts visible projects regardless of the page', async () => {
    const all = { offTrack: 2, atRisk: 1, onTrack: 1, unknown: 1 };
    expect((await list(admin, { first: 1, f: { search: 'echo' } })).healthCounts).toEqual(all);
    expect((await list(owner, { first: 1 })).healthCounts).toEqual(all);
    expect((await list(viewer, {})).healthCounts).toEqual({ offTrack: 1, atRisk: 0, onTrack: 0, unknown: 1 });
    expect((await list(admin, { f: { mine: true } })).healthCounts).toEqual({
      offTrack: 0,
      atRisk: 0,
      onTrack: 0,
      unknown: 0,
    });
  });
});

describe('healthCounts after thousands of deletions', () => {
  it('counts the remaining projects', async () => {
    const person = await tidings.current.asUser('EDITOR');
    const run = (sql: string, ...values: unknown[]) => tidings.current.database.query(sql, values);
    await run(`insert into project (id, key, name, deleted_at)
      select lpad(i::text, 32, '0')::uuid, 'GONE-' || i, 'Gone', now() from generate_series(1, 1000) as i`);
    await run(
      `insert into project_member (id, project_id, account_id, role)
       select gen_random_uuid(), id, $1, 'OWNER' from project where key like 'GONE-%'`,
      person.id,
    );
    await createProject(person);
    expect((await list(person, {})).healthCounts).toEqual({ offTrack: 0, atRisk: 0, onTrack: 0, unknown: 1 });
  });
});

describe('Project.health', () => {
  it('follows posted, edited and removed updates', async () => {
    const person = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(person);
    const counts = async () => (await list(person, { o: 'HEALTH' })).healthCounts;
    const none = { offTrack: 0, atRisk: 0, onTrack: 0, unknown: 0 };
    expect(await counts()).toEqual({ ...none, unknown: 1 });
    const first = await postUpdate(person, id, { health: 'AT_RISK' });
    expect(await counts()).toEqual({ ...none, atRisk: 1 });
    const second = await postUpdate(person, id, { health: 'ON_TRACK' });
    expect(await counts()).toEqual({ ...none, onTrack: 1 });
    await person.data(EDIT, { id: second, i: { health: 'OFF_TRACK' } });
    expect(await counts()).toEqual({ ...none, offTrack: 1 });
    await person.data(EDIT, { id: first, i: { health: 'ON_TRACK' } });
    expect(await counts()).toEqual({ ...none, offTrack: 1 });
    await person.data(REMOVE, { id: second });
    expect(await counts()).toEqual({ ...none, onTrack: 1 });
    await person.data(REMOVE, { id: first });
    expect(await counts()).toEqual({ ...none, unknown: 1 });
    await admin.data(DELETE, { id });
    expect(await counts()).toEqual(none);
    expect(names(await list(person, { o: 'NAME' }))).toEqual([]);
  });

  it('is that of the newest update under concurrent posts', async () => {
    const { id } = await createProject(owner);
    const posts = Array.from({ length: 20 }, (_, n) =>
      postUpdate(owner, id, { health: n % 2 ? 'AT_RISK' : 'ON_TRACK' }),
    );
    await Promise.all(posts);
    const [state] = await tidings.current.database.query<Data>(
      `select health_rank(health) as wanted, health_rank as kept, id = latest_update_id as newest
         from project_state, lateral (select id, health from project_update where project_id = $1 order by id desc limit 1) as latest
        where project_state.project_id = $1`,
      [id],
    );
    expect(state).toEqual({ wanted: state.kept, kept: state.kept, newest: true });
    await admin.data(DELETE, { id });
  });
});

describe('Project.activity', () => {
  const ACTIVITY = 'query ($id: ID!, $d: Int) { project(id: $id) { activity(days: $d) { date updates comments } } }';

  it('counts posts per day, including removed ones', async () => {
    const { id } = await createProject(owner);
    const update = await postUpdate(owner, id);
    await postUpdate(owner, id);
    await owner.data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', {
      i: { projectId: id, body: 'Said' },
    });
    await owner.data(REMOVE, { id: update });
    await tidings.current.database.query(
      `insert into project_activity values ($1, (now() at time zone 'UTC')::date - 2, 5, 7), ($1, (now() at time zone 'UTC')::date - 40, 1, 1)`,
      [id],
    );
    const activity = async (d?: number) => (await owner.data(ACTIVITY, { id, d })).project.activity;
    expect(await activity(3)).toEqual([
      { date: day(2), updates: 5, comments: 7 },
      { date: day(1), updates: 0, comments: 0 },
      { date: day(0), updates: 2, comments: 1 },
    ]);
    const month = await activity();
    expect([month.length, month[0].date, month.at(-1).updates]).toEqual([30, day(29), 2]);
    for (const d of [0, 32])
      expect((await owner.error(ACTIVITY, { id, d })).extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'days' }],
      });
    await admin.data(DELETE, { id });
  });

  it('uses the date of the database', async () => {
    const { id } = await createProject(owner);
    await postUpdate(owner, id);
    const reads = new Reads(tidings.current.app.get(MikroORM));
    const { now } = Date;
    const asked = activityOfProject.batch;
    const daysAt = async (shift: number) => {
      Date.now = () => now() + shift * 86_400_000;
      return asked(reads, [{ projectId: id, days: 2 }]).finally(() => (Date.now = now));
    };
    const [days] = await daysAt(0);
    expect(days!.map(({ date, updates }) => [date.toISOString(), updates])).toEqual([
      [day(1), 0],
      [day(0), 1],
    ]);
    for (const shift of [-3, 3]) expect(await daysAt(shift)).toEqual([days]);
    await admin.data(DELETE, { id });
  });

  it('is read for a page in one statement', async () => {
    const page = '{ projects { nodes { activity { updates } } } }';
    expect(await fewestStatementsOf(() => owner.data(page))).toHaveLength(2);
  });
});

describe('watching', () => {
  const WATCHING = 'query ($p: [ID!]!) { watching(projectIds: $p) { projectId count viewers { id } } }';
  let there: TestTidings;
  beforeAll(async () => {
    there = await TestTidings.start({ database: tidings.current.database });
  });
  afterAll(() => there.stop());

  it('lists viewers on any instance, without the caller', async () => {
    const [alpha, echo] = [ids.get('Alpha')!, ids.get('echo')!];
    const feed = 'subscription ($p: ID!) { projectUpdated(projectId: $p) { seq } }';
    const watches = [
      owner.socket(there.url).subscribe(feed, { p: alpha }),
      viewer.socket().subscribe(feed, { p: alpha }),
    ];
    const watching = async (by: Person) => (await by.data(WATCHING, { p: [alpha, echo, alpha] })).watching;
    await until(async () => (await watching(admin))[0].count === 2, 'both were seen');
    for (const by of [viewer, owner, admin]) {
      const [first, second, ...more] = await watching(by);
      expect(first).toMatchObject({ projectId: alpha, count: 2 });
      expect(first.viewers.map(({ id }: { id: string }) => id).toSorted()).toEqual([owner.id, viewer.id].toSorted());
      expect([second, more]).toEqual([{ projectId: echo, count: 0, viewers: [] }, []]);
    }
    for (const watch of watches) watch.stop();
    await until(async () => (await watching(admin))[0].count === 0, 'both were gone');
  });

  it('omits invisible projects at the cost of absent ones', async () => {
    const [delta, nobody] = [ids.get('delta')!, '00000000-0000-7000-8000-000000000000'];
    const gone = (await createProject(owner)).id;
    await admin.data(DELETE, { id: gone });
    for (const by of [viewer, admin, owner])
      expect((await by.data(WATCHING, { p: [gone, nobody] })).watching).toEqual([]);
    expect((await viewer.data(WATCHING, { p: [delta] })).watching).toEqual([]);
    const cost = (p: string) => fewestStatementsOf(() => viewer.data(WATCHING, { p: [p] }));
    expect(await cost(delta)).toEqual(await cost(nobody));
  });

  it('accepts at most 50 projects', async () => {
    const p = Array.from({ length: 51 }, () => ids.get('echo')!);
    expect((await owner.error(WATCHING, { p })).extensions.code).toBe('BAD_USER_INPUT');
    expect((await owner.data(WATCHING, { p: p.slice(1) })).watching).toHaveLength(1);
  });
});
