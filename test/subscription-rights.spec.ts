// Rights that change during subscriptions: changed on one instance, effective on the other, in log order.
import { EventLog } from '../src/engine/events/event-log.js';
import { LogFollower } from '../src/engine/events/log-follower.js';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import { GraphqlClient, type Data } from './support/graphql-client.js';
import { startRedis, type TestRedis } from './support/redis.js';
import { RawSocket, type SubscriptionResult, type Watch } from './support/socket-client.js';
import { type Person, TestTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq kind update { title internalNote } project { budget } } }';
const WATCH_ALL = 'subscription { projectsUpdated { seq kind project { id } } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const SET_ROLE = 'mutation ($u: ID!, $r: Role!) { setUserRole(userId: $u, role: $r) { id } }';
const DISABLE = 'mutation ($u: ID!) { setUserDisabled(userId: $u, disabled: true) { id } }';
const DELETE = 'mutation ($id: ID!) { deleteProject(id: $id) }';
const BUDGET = 'query ($id: ID!) { project(id: $id) { budget } }';

let redis: TestRedis;
let here: TestTidings;
let there: TestTidings;
let owner: Person;
let admin: Person;
let project: TestProject;

beforeAll(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  here = await TestTidings.start({ env });
  there = await TestTidings.start({ database: here.database, env });
  [owner, admin] = [await here.asUser('EDITOR'), await here.asUser('ADMIN')];
});
beforeEach(async () => {
  project = await createProject(owner, { budget: 4711 });
});
afterEach(() => there.watching(0));
afterAll(async () => {
  await there?.stop();
  await here?.stop();
  await redis?.stop();
});

/** Resolves when the other node has applied all that is committed: whoever subscribes then is told of nothing before. */
async function caughtUp(): Promise<void> {
  const [head] = await here.database.query<{ pos: number }>('select pos::int as pos from log_head');
  await until(() => there.app.get(LogFollower).applied >= head!.pos, 'the other node had caught up');
}

const remove = (from: Person) => owner.data(REMOVE, { p: project.id, u: from.id });
const setRole = (person: Person, role: string) => admin.data(SET_ROLE, { u: person.id, r: role });
const codeOf = (result: SubscriptionResult) => result.errors?.map(({ extensions }) => extensions.code).join() ?? 'OK';

const denied = (field: string) => [`projectUpdated.${field}`, { code: 'FORBIDDEN', requires: 'EDITOR' }];
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Resolves with the code that the operation ended with. */
async function endOf(watch: Watch): Promise<string> {
  const ended = watch.ended.then(
    () => 'complete',
    ({ cause }: { cause: readonly { extensions: { code: string } }[] }) => cause[0]!.extensions.code,
  );
  return within(60_000, ended, 'the subscription ended');
}

describe('a subscription at another instance', () => {
  it('ends at once when the right is lost during its cursor look-up', async () => {
    const boss = await here.asUser('ADMIN');
    const log = there.app.get(EventLog);
    const [asked, changed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    log.resolveCursor = async (cursor) => {
      asked.resolve();
      await changed.promise;
      return EventLog.prototype.resolveCursor.call(log, cursor);
    };
    const { lastCursor: after } = (await boss.data(`{ project(id: "${project.id}") { lastCursor } }`)).project;
    const watch = boss
      .socket(there.url)
      .subscribe('subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq } }', {
        id: project.id,
        after,
      });
    await asked.promise;
    Reflect.deleteProperty(log, 'resolveCursor');
    const { applied } = there.app.get(LogFollower);
    await setRole(boss, 'USER');
    await until(() => there.app.get(LogFollower).applied > applied, 'the other node knew');
    changed.resolve();
    expect(await endOf(watch)).toBe('FORBIDDEN');
    expect(watch.pending).toEqual([]);
  });

  it('shows and hides guarded fields with project role and account role', async () => {
    const person = await here.asUser('EDITOR');
    await addMember(owner, project.id, person, 'EDITOR');
    const watch = person.socket(there.url).subscribe(WATCH, { id: project.id });
    const asked = new GraphqlClient(there.url, person.accessToken);
    await there.watching(1);
    const membership = (role: 'VIEWER' | 'EDITOR' | 'OWNER') => async () => {
      await addMember(owner, project.id, person, role);
      expect((await watch.next()).data.projectUpdated.kind).toBe('MEMBER_CHANGED');
    };
    const steps: readonly [() => Promise<unknown>, boolean][] = [
      [async () => {}, true],
      [membership('VIEWER'), false],
      [membership('OWNER'), true],
      [() => setRole(person, 'USER'), false],
      [() => setRole(person, 'ADMIN'), true],
      [membership('VIEWER'), true],
      [() => setRole(person, 'EDITOR'), false],
    ];
    for (const [at, [change, allowed]] of steps.entries()) {
      await change();
      const title = `Step ${at}`;
      await postUpdate(owner, project.id, { title, internalNote: 'Hush' });
      const { data, errors = [] } = await watch.next();
      expect(data.projectUpdated).toMatchObject({
        update: { title, internalNote: allowed ? 'Hush' : null },
        project: { budget: allowed ? 4711 : null },
      });
      const denials = [denied('project.budget'), denied('update.internalNote')];
      expect(errors.map(({ path, extensions }) => [path?.join('.'), extensions]).toSorted(byText)).toEqual(
        allowed ? [] : denials,
      );
      // The node has followed the log that far: the next request is answered by the same rights.
      const reply = await asked.send(BUDGET, { id: project.id });
      expect([reply.data.project.budget, codeOf(reply as SubscriptionResult)]).toEqual(
        allowed ? [4711, 'OK'] : [null, 'FORBIDDEN'],
      );
    }
    watch.stop();
  });

  it.each<[string, 'EDITOR' | 'ADMIN', (person: Person) => Promise<unknown>]>([
    ['who is removed', 'EDITOR', remove],
    ['whose project is deleted', 'EDITOR', () => admin.data(DELETE, { id: project.id })],
    ['who was there as an ADMIN, and is none any more', 'ADMIN', (person) => setRole(person, 'EDITOR')],
  ])('ends with FORBIDDEN for an account %s without closing the socket', async (_what, role, lose) => {
    const person = await here.asUser(role);
    if (role !== 'ADMIN') await addMember(owner, project.id, person, 'EDITOR');
    await caughtUp();
    const socket = person.socket(there.url);
    const all = socket.subscribe(WATCH_ALL);
    const watch = socket.subscribe(WATCH, { id: project.id });
    await there.watching(2);
    await lose(person);
    expect(await endOf(watch)).toBe('FORBIDDEN');
    expect(await endOf(socket.subscribe(WATCH, { id: project.id, after: project.lastCursor }))).toBe('NOT_FOUND');
    // The other subscription goes on over the same socket, with what may still be seen, and nothing else.
    await setRole(person, 'EDITOR');
    const [foreign, own] = [await createProject(owner), await createProject(person)];
    await postUpdate(owner, foreign.id);
    const { projectsUpdated } = (await all.next()).data;
    expect(projectsUpdated).toMatchObject({ kind: 'PROJECT_CREATED', project: { id: own.id } });
    expect(all.pending).toEqual([]);
    all.stop();
  });

  it('closes with 4401 for a disabled account, and no other socket closes', async () => {
    const [person, other] = [await here.asUser('EDITOR'), await here.asUser('EDITOR')];
    for (const one of [person, other]) await addMember(owner, project.id, one, 'EDITOR');
    const [socket, kept] = [
      await RawSocket.signedIn(there.url, person.accessToken!),
      await RawSocket.signedIn(there.url, other.accessToken!),
    ];
    for (const one of [socket, kept]) {
      one.send({ id: '1', type: 'subscribe', payload: { query: WATCH, variables: { id: project.id } } });
    }
    await there.watching(2);
    await admin.data(DISABLE, { u: person.id });
    const update = await postUpdate(owner, project.id, { title: 'Too late' });
    expect(update).toBeTruthy();
    expect(await within(60_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
    expect((await kept.next('next')).payload.data.projectUpdated.update.title).toBe('Too late');
    expect(socket.messages.filter(({ type }) => type === 'next')).toEqual([]);
    await kept.close();
  });

  it('delivers nothing committed after a removal, under concurrent posts at both instances', async () => {
    const person = await here.asUser('EDITOR');
    await addMember(owner, project.id, person, 'VIEWER');
    // Behind, the other node would begin with the membership itself.
    await caughtUp();
    const sockets = [here.url, there.url].map((url) => person.socket(url));
    const watches = sockets.map((socket) => socket.subscribe(WATCH, { id: project.id }));
    const lists = sockets.map((socket) => socket.subscribe(WATCH_ALL));
    const elsewhere = await here.signIn(owner.id, owner.email, there.url);
    await Promise.all([here.watching(2), there.watching(2)]);
    await Promise.all(
      Array.from({ length: 101 }, (_, n) =>
        n === 50 ? remove(person) : postUpdate(n % 2 ? owner : elsewhere, project.id, { title: `Straddling ${n}` }),
      ),
    );
    for (const watch of watches) expect(await endOf(watch)).toBe('FORBIDDEN');
    const [removal] = await here.database.query<{ seq: string }>(
      `select seq from event where resource_id = $1 and kind = 'MEMBER_REMOVED'`,
      [project.id],
    );
    // A mark behind everything: what could come has come.
    const own = await createProject(person);
    for (const list of lists) {
      const seen: Data[] = [];
      for (;;) {
        const { projectsUpdated } = (await list.next()).data;
        if (projectsUpdated.project.id === own.id) break;
        seen.push(projectsUpdated);
      }
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => 3 + at));
      expect(seen.filter(({ seq }) => seq >= Number(removal!.seq))).toEqual([]);
      list.stop();
    }
    for (const { pending } of watches) {
      expect(pending.filter(({ data }) => data.projectUpdated.seq >= Number(removal!.seq))).toEqual([]);
    }
    await here.watching(0);
  });
});
