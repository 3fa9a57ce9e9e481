// Two instances with one database and one Redis: each delivers the events of the other, through faults of both
// backends.
import { LogFollower, POLL_INTERVAL_MS } from '../src/engine/events/log-follower.js';
import { createProject, addMember, postUpdate, type TestProject } from './support/factories.js';
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
  await wakeUpsArrive();
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
  const { data, errors } = await watch.next();
  expect(errors).toBeUndefined();
  lastSeq += 1;
  expect(data.projectUpdated.seq).toBe(lastSeq);
  return data.projectUpdated.update?.id;
}

/** Posts here, and waits for it there: both ids. */
async function round(): Promise<{ posted: string; arrived: string }> {
  return { posted: await postUpdate(editor, project.id), arrived: await following() };
}

/** Resolves when wake-ups bring two events to the other instance, which does not poll meanwhile. */
async function wakeUpsArrive(): Promise<number> {
  const follower = there.app.get(LogFollower);
  clearInterval(follower['timer']);
  let [posted, arrived] = [0, 0];
  while (arrived < 2) {
    await postUpdate(editor, project.id);
    posted += 1;
    const all = until(() => watch.pending.length >= posted, 'a wake-up arrived', 1_000);
    arrived = await all.then(
      () => arrived + 1,
      () => 0,
    );
  }
  follower['timer'] = setInterval(() => void follower['look'](), POLL_INTERVAL_MS);
  for (; posted > 0; posted -= 1) await following();
  return arrived;
}

describe('two instances with Redis', () => {
  it('deliver an update of the other instance by wake-up, without polling', async () => {
    expect(await wakeUpsArrive()).toBe(2);
  });

  it('deliver a burst of 8 writers at both instances in one order, once', async () => {
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
  ])('close only the sockets of the session, at both with 4401, after %s at one', async (_what, mutation) => {
    const other = await here.asUser();
    const person = await here.asUser();
    const doomed = await Promise.all(
      [here, there, there].map(({ url }) => RawSocket.signedIn(url, person.accessToken!)),
    );
    const kept = await RawSocket.signedIn(there.url, other.accessToken!);
    expect((await person.send(mutation, { id: person.sessionId })).errors).toBeUndefined();
    for (const socket of doomed)
      expect(await within(60_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
    kept.send({ type: 'ping' });
    await kept.next('pong');
    await kept.close();
  });
});

describe('two instances without Redis', () => {
  it('deliver by polling, once and in order, and answer mutations', async () => {
    await redis.kill9();
    for (let n = 0; n < 3; n += 1) {
      const { posted, arrived } = await round();
      expect(arrived).toBe(posted);
    }
    await redis.restart();
    await wakeUpsArrive();
  });

  it('deliver by polling during a Redis black hole', async () => {
    proxy.blackhole();
    for (let n = 0; n < 3; n += 1) {
      const { posted, arrived } = await round();
      expect(arrived).toBe(posted);
    }
    proxy.open();
    await wakeUpsArrive();
  });

  it('apply a revocation by polling', async () => {
    await redis.kill9();
    const person = await here.asUser();
    const socket = await RawSocket.signedIn(there.url, person.accessToken!);
    await person.data('mutation { logout }');
    expect(await within(60_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
    await redis.restart();
    await wakeUpsArrive();
  });
});

describe('rights granted at one instance', () => {
  it('are effective at the other from the reply on, with or without a wake-up', async () => {
    const [boss, worker, reader] = await Promise.all([here.asUser('ADMIN'), here.asUser('USER'), here.asUser('USER')]);
    const [workerThere, readerThere] = await Promise.all(
      [worker, reader].map((person) => here.signIn(person.id, person.email, there.url)),
    );
    // The other instance knows them, as they are now.
    for (const person of [workerThere!, readerThere!]) await person.data('{ me { id } }');
    await redis.kill9();
    await boss.data('mutation ($id: ID!) { setUserRole(userId: $id, role: EDITOR) { id } }', { id: worker.id });
    const made = await workerThere!.data('mutation { createProject(input: { key: "RIGHTS", name: "Rights" }) { id } }');
    const { id } = made.createProject;
    // A list is read from the database, what is in it judged by what the instance knows of rights.
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
    await wakeUpsArrive();
  });
});

const cutAll = () =>
  here.database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tidings'`,
  );

describe('PostgreSQL connections cut during posts', () => {
  it('keep sockets open and lose, duplicate and reorder nothing', async () => {
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
    await round();
  });
});
