// Two nodes over one database and one Redis: what one is told the other delivers, whatever happens to the backends.
import { createProject, addMember, postUpdate, type TestProject } from './support/factories.js';
import { figure } from './support/live.js';
import { startRedis, type TestRedis } from './support/redis.js';
import { RawSocket, type Watch } from './support/socket-client.js';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.js';
import { type Person, TestTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq cursor update { id title } } }';

let redis: TestRedis;
let proxy: TcpProxy;
let here: TestTidings;
let there: TestTidings;
let editor: Person;
let viewer: Person;
let project: TestProject;
let watch: Watch;
let lastSeq: number;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startTcpProxy(redis.port);
  here = await TestTidings.start({ env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` } });
  there = await TestTidings.start({ database: here.database, env: { REDIS_URL: `redis://127.0.0.1:${proxy.port}` } });
  editor = await here.asUser('EDITOR');
  viewer = await here.asUser('USER');
  project = await createProject(editor);
  await addMember(editor, project.id, viewer, 'VIEWER');
  watch = viewer.socket(there.url).subscribe(WATCH, { id: project.id, after: project.lastCursor });
  lastSeq = 0;
  for (let n = 0; n < 2; n += 1) await following();
  await ringing();
});
afterAll(async () => {
  await viewer?.leave();
  await there?.stop();
  await here?.stop();
  await proxy?.stop();
  await redis?.stop();
});

/** The next event: exactly the one after the last. */
async function following(): Promise<string> {
  const { data, errors } = await watch.next(20_000);
  expect(errors).toBeUndefined();
  lastSeq += 1;
  expect(data.projectUpdated.seq).toBe(lastSeq);
  return data.projectUpdated.update?.id;
}

interface Round {
  readonly mutation: number;
  readonly delivery: number;
}

/** Posts here, and waits for it there. ms of the mutation, and from its reply to the arrival. */
async function round(): Promise<Round> {
  const began = performance.now();
  const id = await postUpdate(editor, project.id);
  const replied = performance.now();
  expect(await following()).toBe(id);
  return { mutation: replied - began, delivery: performance.now() - replied };
}

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function rounds(count: number, what: string): Promise<{ mutation: number; delivery: number; slowest: number }> {
  const all: Round[] = [];
  for (let n = 0; n < count; n += 1) all.push(await round());
  const deliveries = all.map(({ delivery }) => delivery);
  figure(`${what}: delivery`, deliveries);
  figure(
    `${what}: mutation`,
    all.map(({ mutation }) => mutation),
  );
  return {
    mutation: Math.max(...all.map(({ mutation }) => mutation)),
    delivery: middle(deliveries),
    slowest: Math.max(...deliveries),
  };
}

/**
 * Figures that exceed their bounds (ms) in each of three tries. What the service waits for, it waits for every time; a machine
 * that stands still for a moment does not do so three times.
 */
async function excess(bounds: Partial<Awaited<ReturnType<typeof rounds>>>, count: number, what: string) {
  for (let left = 2; ; left -= 1) {
    const figures = await rounds(count, what);
    const over = Object.entries(figures).filter(
      ([name, ms]) => ms >= (bounds[name as keyof typeof bounds] ?? Infinity),
    );
    if (over.length === 0 || left === 0) return over;
  }
}

/** Resolves when a ring brings an event to the other node: much sooner than a poll would, several times in a row. */
async function ringing(): Promise<void> {
  let quick = 0;
  await until(
    async () => {
      quick = (await round()).delivery < 60 ? quick + 1 : 0;
      return quick >= 4;
    },
    'rings arrived',
    60_000,
  );
}

describe('with Redis', () => {
  it('an update posted at one node arrives at the other within 100 ms of the reply', async () => {
    expect(await excess({ delivery: 100 }, 11, 'two nodes')).toEqual([]);
  });

  it('a burst by 8 writers at both nodes arrives in one order, once', async () => {
    const elsewhere = await here.signIn(editor.id, editor.email, there.url);
    const posted = await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        const ids: string[] = [];
        for (let n = 0; n < 10; n += 1) ids.push(await postUpdate(writer % 2 ? elsewhere : editor, project.id));
        return ids;
      }),
    );
    const arrived: string[] = [];
    while (arrived.length < 80) arrived.push(await following());
    expect(arrived.toSorted()).toEqual(posted.flat().toSorted());
  });

  it.each([
    ['logout', 'mutation { logout }'],
    ['logoutEverywhere', 'mutation { logoutEverywhere }'],
    ['revokeSession', 'mutation ($id: ID!) { revokeSession(id: $id) }'],
  ])('%s at one node closes the sockets of the session at both with 4401, and no others', async (_what, mutation) => {
    const other = await here.asUser();
    const person = await here.asUser();
    const doomed = await Promise.all(
      [here, there, there].map(({ url }) => RawSocket.signedIn(url, person.accessToken!)),
    );
    const kept = await RawSocket.signedIn(there.url, other.accessToken!);
    expect((await person.send(mutation, { id: person.sessionId })).errors).toBeUndefined();
    const replied = performance.now();
    for (const socket of doomed)
      expect(await within(2_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
    figure(`${_what}: sockets closed after the reply`, [performance.now() - replied]);
    kept.send({ type: 'ping' });
    await kept.next('pong');
    await kept.close();
  });
});

describe('without Redis', () => {
  it('killed: events arrive within the poll, once and in order, and mutations do not wait', async () => {
    await redis.kill9();
    expect(await excess({ mutation: 500, slowest: 1_500 }, 8, 'Redis killed')).toEqual([]);
    await redis.restart();
    await ringing();
    expect(await excess({ delivery: 100 }, 7, 'Redis back')).toEqual([]);
  });

  it('behind a black hole: the same', async () => {
    proxy.blackhole();
    expect(await excess({ mutation: 500, slowest: 1_500 }, 8, 'Redis in a black hole')).toEqual([]);
    proxy.open();
    await ringing();
    expect(await excess({ delivery: 100 }, 7, 'Redis reachable again')).toEqual([]);
  });

  it('a revocation is felt at the other node within the poll', async () => {
    await redis.kill9();
    const person = await here.asUser();
    const socket = await RawSocket.signedIn(there.url, person.accessToken!);
    await person.data('mutation { logout }');
    const replied = performance.now();
    expect(await within(2_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
    figure('logout without Redis: closed at the other node after', [performance.now() - replied]);
    await redis.restart();
    await ringing();
  });
});

describe('rights that one node has given', () => {
  it('hold at the other from the reply on, whether or not it has been rung', async () => {
    const [boss, worker, reader] = await Promise.all([here.asUser('ADMIN'), here.asUser('USER'), here.asUser('USER')]);
    const [workerThere, readerThere] = await Promise.all(
      [worker, reader].map((person) => here.signIn(person.id, person.email, there.url)),
    );
    // The other node knows them, as they are now.
    for (const person of [workerThere!, readerThere!]) await person.data('{ me { id } }');
    await redis.kill9();
    await boss.data('mutation ($id: ID!) { setUserRole(userId: $id, role: EDITOR) { id } }', { id: worker.id });
    const made = await workerThere!.data('mutation { createProject(input: { key: "RIGHTS", name: "Rights" }) { id } }');
    const { id } = made.createProject;
    // A list is read from the database, what is in it judged by what the node knows of rights.
    const own = await createProject(worker);
    const listed = await workerThere!.data('{ projects(first: 1) { edges { node { id budget } } } }');
    expect(listed.projects.edges).toEqual([{ node: { id: own.id, budget: null } }]);
    await addMember(worker, id, reader, 'VIEWER');
    const seen = await readerThere!.data(
      'query ($id: ID!) { project(id: $id) { name updates(first: 1) { edges { cursor } } } }',
      { id },
    );
    expect(seen.project.name).toBe('Rights');
    const shown = readerThere!
      .socket(there.url)
      .subscribe('subscription ($id: ID!) { presenceChanged(projectId: $id) { count } }', { id });
    expect((await shown.next()).data.presenceChanged.count).toBe(1);
    shown.stop();
    await redis.restart();
    await ringing();
  });
});

const cutAll = () =>
  here.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tidings'`,
  );

describe('with PostgreSQL connections cut', () => {
  it('again and again while posts go on: sockets stay, nothing is lost, doubled or out of order', async () => {
    const sockets = [here, there].map(({ url }) => RawSocket.signedIn(url, viewer.accessToken!));
    const known = await Promise.all(sockets);
    const work = { goesOn: true };
    const posted = new Set<string>();
    let failed = 0;
    const writers = Array.from({ length: 4 }, async () => {
      while (work.goesOn) {
        const { data, errors } = await editor.send('mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }', {
          i: { projectId: project.id, title: 'In the storm', health: 'ON_TRACK' },
        });
        if (data?.postUpdate) posted.add(data.postUpdate.id);
        else if (errors) failed += 1;
      }
    });
    const arrived = new Set<string>();
    for (let cut = 0; cut < 8; cut += 1) {
      await cutAll();
      for (let n = 0; n < 8; n += 1) arrived.add(await following());
    }
    work.goesOn = false;
    await Promise.all(writers);
    const last = await postUpdate(editor, project.id);
    while (!arrived.has(last)) arrived.add(await following());
    process.stdout.write(
      `figure: 8 cuts of all connections: ${posted.size} posted, ${failed} refused, ${arrived.size} arrived\n`,
    );
    expect([...posted].filter((id) => !arrived.has(id))).toEqual([]);
    for (const socket of known) {
      socket.send({ type: 'ping' });
      await socket.next('pong');
      await socket.close();
    }
    expect(await excess({ slowest: 1_500 }, 3, 'after the cuts')).toEqual([]);
  });
});
