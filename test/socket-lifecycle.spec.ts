// Lifetime of a socket: extended by session renewals, ended by maximum age, limits and restarts, never too early.
import { MikroORM } from '@mikro-orm/postgresql';
import { createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { assertNothingLogged } from './support/live.js';
import { sharedRedisUrl, stopSharedRedis } from './support/redis.js';
import { RawSocket, SocketClient, Watch } from './support/socket-client.js';
import { Person, TestTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';
import {
  MAX_ACCOUNT_OPERATIONS,
  MAX_OPERATIONS,
  MAX_SOCKETS,
  OpenSockets,
} from '../src/engine/realtime/sockets/open-sockets.js';
import { type Socket } from '../src/engine/realtime/sockets/socket.js';

const GRACE_MS = 10_000;
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken refreshToken accessTokenExpiresAt } }';
const RENEW = 'mutation ($t: String!) { renewConnection(accessToken: $t) }';
const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { cursor subjectId } }';

let here: TestTidings;
let there: TestTidings;
/** Its sockets grow old quickly, and limits are on. */
let strict: TestTidings;
let editor: Person;

beforeAll(async () => {
  const REDIS_URL = await sharedRedisUrl();
  const env = { REDIS_URL, ACCESS_TOKEN_TTL: '4s' };
  here = await TestTidings.start({ env });
  [there, strict] = await Promise.all([
    TestTidings.start({ database: here.database, env }),
    TestTidings.start({
      database: here.database,
      env: { REDIS_URL, SOCKET_MAX_AGE: '2s', RATE_LIMITS: 'on' },
    }),
  ]);
  editor = await strict.asUser('EDITOR');
});
afterEach(() => [here, there, strict].forEach(assertNothingLogged));
afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop(), strict?.stop()]);
  await stopSharedRedis();
});

/** Another session of the account. */
const signedIn = (person = editor, node = here) => node.signIn(person.id, person.email);

/** New tokens of the person's session. */
async function refreshed(person: Person): Promise<Person> {
  const { refresh } = await here.anonymous.data(REFRESH, { t: person.refreshToken });
  return new Person(here.url, person.id, person.email, refresh.accessToken, refresh.refreshToken, person.sessionId);
}

/** What the server holds of the only socket of a session. */
function serversEnd(node: TestTidings, { id, sessionId }: Person): Socket {
  const socket = [...node.app.get(OpenSockets).of(id)].find(({ credential }) => credential?.sessionId === sessionId);
  if (!socket) throw new Error('The server does not know this socket');
  return socket;
}

let count = 0;
/** The payload of the answer to an operation over `socket`, or the errors that refuse it. */
async function ask(socket: RawSocket, query: string, variables?: Record<string, unknown>): Promise<Data> {
  const id = `ask ${(count += 1)}`;
  socket.send({ id, type: 'subscribe', payload: { query, variables } });
  const answer = () => socket.messages.find((message) => message.id === id && message.type !== 'complete');
  await until(() => answer() !== undefined, 'an answer came');
  const { type, payload } = answer()!;
  return type === 'error' ? { errors: payload } : payload;
}

const closing = (socket: RawSocket, ms = 5_000) => within(ms, socket.closed, 'the socket was closed');

describe('renewConnection', () => {
  it('extends a socket by a newer token of its session and restores queries after expiry', async () => {
    const person = await signedIn();
    const socket = await RawSocket.signedIn(here.url, person.accessToken!);
    const before = serversEnd(here, person).credential!.expiresAt;
    await until(async () => (await ask(socket, '{ me { id } }')).errors !== undefined, 'the token had expired');
    expect((await ask(socket, '{ me { id } }')).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    const expired = await ask(socket, RENEW, { t: person.accessToken });
    expect(expired.errors[0]).toMatchObject({ extensions: { code: 'UNAUTHENTICATED' }, path: ['renewConnection'] });

    const renewed = await refreshed(person);
    // Over HTTP the session has moved the deadline already; what the socket itself may do has not changed by that.
    expect(
      (await ask(socket, `mutation { logout renewConnection(accessToken: "${renewed.accessToken}") }`)).data,
    ).toBeNull();
    const answer = await ask(socket, RENEW, { t: renewed.accessToken });
    const { expiresAt } = serversEnd(here, person).credential!;
    expect(expiresAt).toBeGreaterThan(before);
    expect(answer).toEqual({ data: { renewConnection: new Date(expiresAt + GRACE_MS).toISOString() } });
    expect(await ask(socket, '{ me { id } }')).toEqual({ data: { me: { id: person.id } } });
    await socket.close();
  });

  it('ignores an older token of the session', async () => {
    const person = await signedIn();
    const newer = await refreshed(person);
    const socket = await RawSocket.signedIn(here.url, newer.accessToken!);
    const { credential, deadline } = serversEnd(here, person);
    expect((await ask(socket, RENEW, { t: person.accessToken })).errors).toBeUndefined();
    expect(serversEnd(here, person)).toMatchObject({ credential, deadline });
    await socket.close();
  });

  it('refuses an invalid token, a token of another session, and HTTP', async () => {
    const [person, other] = await Promise.all([signedIn(), signedIn()]);
    const socket = await RawSocket.signedIn(here.url, person.accessToken!);
    const { deadline } = serversEnd(here, person);
    for (const t of ['', 'garbage', person.refreshToken, `${person.accessToken!.slice(0, -8)}AAAAAAAA`]) {
      expect((await ask(socket, RENEW, { t })).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    }
    expect((await ask(socket, RENEW, { t: other.accessToken })).errors[0].extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'accessToken' }],
    });
    expect(serversEnd(here, person).deadline).toBe(deadline);
    expect((await person.error(RENEW, { t: person.accessToken })).extensions.code).toBe('BAD_USER_INPUT');
    await socket.close();
  });
});

describe('a refresh over HTTP', () => {
  it('extends the deadline of all sockets of the session on all instances', async () => {
    const [person, other] = await Promise.all([signedIn(), signedIn()]);
    const sockets = await Promise.all([
      RawSocket.signedIn(here.url, person.accessToken!),
      RawSocket.signedIn(there.url, person.accessToken!),
      RawSocket.signedIn(there.url, other.accessToken!),
    ]);
    const ends = [serversEnd(here, person), serversEnd(there, person)];
    const before = ends.map(({ deadline }) => deadline);
    const untouched = serversEnd(there, other).deadline;
    const connectedAt = Date.now();
    await until(() => Date.now() > connectedAt + 1_000, 'a later token has a later expiry');
    await refreshed(person);
    await until(() => ends.every(({ deadline }, at) => deadline > before[at]!), 'both deadlines had moved');
    expect(serversEnd(there, other).deadline).toBe(untouched);
    for (const socket of sockets) await socket.close();
  });

  it('with a lost wake-up is looked up before a socket is closed with 4403', async () => {
    const [person, other] = await Promise.all([signedIn(), signedIn()]);
    const sockets = await Promise.all(
      [person, other].map(({ accessToken }) => RawSocket.signedIn(there.url, accessToken!)),
    );
    await refreshed(person);
    const end = serversEnd(there, person);
    await until(() => end.deadline > end.credential!.expiresAt + GRACE_MS - 1_000, 'the wake-up had come');
    for (const one of [end, serversEnd(there, other)]) one.deadline = Date.now();
    expect(await closing(sockets[1]!)).toEqual({ code: 4403, reason: 'Access token expired' });
    expect(end.deadline).toBeGreaterThan(Date.now());
    expect((await ask(sockets[0]!, '{ __typename }')).data).toEqual({ __typename: 'Query' });
    await sockets[0]!.close();
  });
});

describe('the maximum age of a socket', () => {
  it('closes it with 4403, and a stock client reconnects without losing events', async () => {
    const project = await createProject(editor);
    const person = await signedIn(editor, strict);
    const raw = await RawSocket.signedIn(strict.url, person.accessToken!);
    const { openedAt } = serversEnd(strict, person);
    const renewed = await ask(raw, RENEW, { t: person.accessToken });
    expect(renewed).toEqual({ data: { renewConnection: new Date(openedAt + 2_000).toISOString() } });

    let connections = 0;
    const client = new SocketClient(strict.url, person.accessToken, {
      retryAttempts: 5,
      retryWait: () => Promise.resolve(),
      on: { connected: () => void (connections += 1) },
    });
    const watch = client.subscribe(WATCH, { id: project.id, after: project.lastCursor });
    const posted = [await postUpdate(editor, project.id)];
    expect(await closing(raw)).toEqual({ code: 4403, reason: 'Connection too old' });
    expect(Date.now() - openedAt).toBeGreaterThanOrEqual(2_000);
    await until(() => connections === 2, 'the stock client was back');
    posted.push(await postUpdate(editor, project.id));
    const seen = new Set<string>();
    // Stock clients repeat the subscription as it was: what is sent again can be told by its cursor.
    while (!posted.every((id) => seen.has(id))) seen.add((await watch.next()).data.projectUpdated.subjectId);
    await client.close();
  });
});

describe('socket limits per account', () => {
  it('refuse another socket of an instance with 1013 until one closes', async () => {
    const person = await signedIn(await here.asUser(), strict);
    const open = (url: string) => RawSocket.signedIn(url, person.accessToken!);
    const sockets = await Promise.all(Array.from({ length: MAX_SOCKETS }, () => open(strict.url)));
    const late = await RawSocket.open(strict.url);
    late.send({ type: 'connection_init', payload: { authorization: `Bearer ${person.accessToken}` } });
    expect(await closing(late)).toEqual({ code: 1013, reason: 'Too many connections of this account; retry=5-15' });
    await sockets.pop()!.close();
    await until(() => [...strict.app.get(OpenSockets).of(person.id)].length < MAX_SOCKETS, 'there was room');
    sockets.push(await open(strict.url));
    for (const { ws } of sockets) ws.terminate();
    await until(() => [...strict.app.get(OpenSockets).of(person.id)].length === 0, 'all were forgotten');
  });

  it('refuse operations over the limit of one socket or of all with RATE_LIMITED', async () => {
    const person = await signedIn(await here.asUser(), strict);
    const listen = { query: 'subscription { announcementPosted { id } }' };
    const perSocket = MAX_OPERATIONS;
    const sockets = await Promise.all(
      Array.from({ length: MAX_ACCOUNT_OPERATIONS / perSocket + 1 }, () =>
        RawSocket.signedIn(strict.url, person.accessToken!),
      ),
    );
    const running = () => {
      let sum = 0;
      for (const { operations } of strict.app.get(OpenSockets).of(person.id)) sum += operations.size;
      return sum;
    };
    for (let n = 0; n < perSocket; n += 1) sockets[0]!.send({ id: `${n}`, type: 'subscribe', payload: listen });
    sockets[0]!.send({ id: 'too many', type: 'subscribe', payload: listen });
    const { id, payload } = await sockets[0]!.next('error');
    expect([id, payload[0].extensions.code]).toEqual(['too many', 'RATE_LIMITED']);
    for (const socket of sockets.slice(1, -1)) {
      for (let n = 0; n < perSocket; n += 1) socket.send({ id: `${n}`, type: 'subscribe', payload: listen });
    }
    await until(() => running() === MAX_ACCOUNT_OPERATIONS, 'all were running');
    const answer = await ask(sockets.at(-1)!, '{ me { id } }');
    expect(answer.errors[0].extensions.code).toBe('RATE_LIMITED');
    for (const { ws } of sockets) ws.terminate();
    await until(() => running() === 0, 'none was running');
  });

  it('replace a half-open socket when another of the account needs its place', async () => {
    const env = { REDIS_URL: await sharedRedisUrl(), RATE_LIMITS: 'on' };
    const patient = await TestTidings.start({ database: here.database, env });
    const person = await patient.asUser();
    const listen = { query: 'subscription { announcementPosted { id } }' };
    const open = () => RawSocket.signedIn(patient.url, person.accessToken!);
    const known = () => [...patient.app.get(OpenSockets).of(person.id)];
    const running = () => known().reduce((sum, { operations }) => sum + operations.size, 0);
    const sockets = await Promise.all(Array.from({ length: MAX_SOCKETS }, open));
    for (const socket of sockets.slice(0, MAX_ACCOUNT_OPERATIONS / MAX_OPERATIONS)) {
      for (let n = 0; n < MAX_OPERATIONS; n += 1) socket.send({ id: `${n}`, type: 'subscribe', payload: listen });
    }
    await until(() => running() === MAX_ACCOUNT_OPERATIONS, 'all were running');
    const [, gone, alsoGone] = sockets;
    // The connection is there, and nobody at its other end.
    for (const { ws } of [gone!, alsoGone!]) ws.pause();
    const before = known();
    for (const socket of before) socket.checkAlive();
    const silent = () => before.filter((socket) => socket.awaitingPong);
    await until(() => silent().length === 2, 'the others had answered');
    expect((await ask(sockets.at(-1)!, '{ me { id } }')).errors[0].extensions.code).toBe('RATE_LIMITED');
    for (const socket of silent()) socket.clock = () => performance.now() + 6_000;

    expect(await ask(sockets.at(-1)!, '{ me { id } }')).toEqual({ data: { me: { id: person.id } } });
    expect([silent().filter(({ open: isOpen }) => isOpen).length, running()]).toEqual([
      1,
      MAX_ACCOUNT_OPERATIONS - MAX_OPERATIONS,
    ]);
    sockets.push(await open());
    expect(known().length).toBe(MAX_SOCKETS);
    sockets.push(await open());
    expect(known().length).toBe(MAX_SOCKETS);
    const late = await RawSocket.open(patient.url);
    late.send({ type: 'connection_init', payload: { authorization: `Bearer ${person.accessToken}` } });
    expect((await closing(late)).code).toBe(1013);
    for (const socket of [gone!, alsoGone!]) {
      socket.ws.resume();
      expect((await closing(socket)).code).toBe(1013);
    }
    for (const { ws } of sockets) ws.terminate();
    await patient.stop();
    assertNothingLogged(patient);
  });
});

describe('a sign-out over a socket', () => {
  it.each([
    ['logout', { logout: true }],
    ['logoutEverywhere', { logoutEverywhere: 1 }],
  ])('%s is answered, then the socket is closed with 4401, and nothing comes between', async (mutation, data) => {
    const account = await here.asUser();
    const socket = await RawSocket.signedIn(here.url, account.accessToken!);
    socket.send({ id: 'live', type: 'subscribe', payload: { query: 'subscription { notificationReceived { id } }' } });
    socket.send({ id: 'out', type: 'subscribe', payload: { query: `mutation { ${mutation} }` } });
    expect(await closing(socket)).toEqual({ code: 4401, reason: 'Session ended' });
    const answers = socket.messages.filter(({ id }) => id === 'out');
    expect(answers).toEqual([
      { id: 'out', type: 'next', payload: { data } },
      { id: 'out', type: 'complete' },
    ]);
    expect(socket.messages.at(-1)).toEqual(answers.at(-1));
  });
});

describe('a session that ends during an operation', () => {
  it('closes its socket without sending or starting anything else', async () => {
    const project = await createProject(editor);
    const person = await signedIn(editor, strict);
    const socket = await RawSocket.signedIn(strict.url, person.accessToken!);
    socket.send({ id: 'live', type: 'subscribe', payload: { query: WATCH, variables: { id: project.id } } });
    await strict.watching(1);
    const letGo = await heldProject(project.id);
    const post = (title: string) =>
      `mutation { postUpdate(input: { projectId: "${project.id}", title: "${title}", health: AT_RISK }) { title } }`;
    socket.send({ id: 'post', type: 'subscribe', payload: { query: post('Under way') } });
    await until(async () => (await waitingForLock()) > 0, 'the mutation was under way');
    await editor.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: person.sessionId });
    socket.send({ id: 'late', type: 'subscribe', payload: { query: post('Too late') } });
    expect(await closing(socket, 1_000)).toEqual({ code: 4401, reason: 'Session ended' });
    await letGo();
    expect(socket.messages).toEqual([]);
    const titles = async () => {
      const query = 'query ($id: ID!) { project(id: $id) { updates { nodes { title } } } }';
      return (await editor.data(query, { id: project.id })).project.updates.nodes.map(({ title }: Data) => title);
    };
    // What had begun is refused under the lock that it waited for. Whoever asks for the lock later is given it later.
    await editor.data(post('Afterwards'));
    expect(await titles()).toEqual(['Afterwards']);
  });
});

const RESTART = /^Service restart; retry=1-3$/;
const withRedis = async () => ({ REDIS_URL: await sharedRedisUrl() });

describe('an instance that stops', () => {
  it('answers running operations, closes with 1012, and refuses new sockets with 503', async () => {
    const node = await TestTidings.start({ database: here.database, env: await withRedis() });
    const project = await createProject(editor);
    const person = await signedIn(editor, node);
    const [busy, idle] = await Promise.all([1, 2].map(() => RawSocket.signedIn(node.url, person.accessToken!)));
    const letGo = await heldProject(project.id);
    const post = `mutation { postUpdate(input: { projectId: "${project.id}", title: "Under way", health: AT_RISK }) { title } }`;
    busy!.send({ id: 'post', type: 'subscribe', payload: { query: post } });
    await until(async () => (await waitingForLock()) > 0, 'the mutation was under way');
    const stopped = node.stop();
    expect(await closing(idle!)).toEqual({ code: 1012, reason: expect.stringMatching(RESTART) });
    await expect(RawSocket.open(node.url)).rejects.toThrow('503');
    busy!.send({ id: 'late', type: 'subscribe', payload: { query: '{ me { id } }' } });
    await letGo();
    expect(await closing(busy!)).toEqual({ code: 1012, reason: expect.stringMatching(RESTART) });
    expect(busy!.messages).toEqual([
      { id: 'post', type: 'next', payload: { data: { postUpdate: { title: 'Under way' } } } },
      { id: 'post', type: 'complete' },
    ]);
    await stopped;
    assertNothingLogged(node);
  });

  it('closes sockets in slices, and stock clients reconnect elsewhere without losing events', async () => {
    const node = await TestTidings.start({ database: here.database, env: await withRedis() });
    const project = await createProject(editor);
    const person = await signedIn(editor, node);
    const crowd = await Promise.all(
      Array.from({ length: 250 }, () => RawSocket.signedIn(node.url, person.accessToken!)),
    );
    const urls = [node.url, strict.url].map((url) => `${url.replace(/^http/, 'ws')}/graphql`);
    let connections = 0;
    const client = new SocketClient(node.url, person.accessToken, {
      url: () => urls[Math.min(connections, 1)]!,
      retryAttempts: 10,
      retryWait: () => Promise.resolve(),
      on: { connected: () => void (connections += 1) },
    });
    const watch: Watch = client.subscribe(WATCH, { id: project.id, after: project.lastCursor });
    const posted = [await postUpdate(editor, project.id)];
    await until(() => watch.pending.length >= 1, 'the client was served');
    const closedAt = crowd.map(async (socket) => (await closing(socket), performance.now()));
    const stopped = node.stop();
    posted.push(await postUpdate(editor, project.id));
    const times = (await Promise.all(closedAt)).toSorted((a, b) => a - b);
    process.stdout.write(`figure: 250 sockets drained over ${(times.at(-1)! - times[0]!).toFixed(0)} ms\n`);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(30);
    await stopped;
    expect(new Set(await Promise.all(crowd.map(async (socket) => (await socket.closed).code)))).toEqual(
      new Set([1012]),
    );
    const seen = new Set<string>();
    while (!posted.every((id) => seen.has(id))) seen.add((await watch.next()).data.projectUpdated.subjectId);
    await until(() => connections >= 2, 'the client was back');
    await client.close();
    assertNothingLogged(node);
  });
});

/** Locks the project's row against whoever posts to it; returns how to let go. */
async function heldProject(id: string): Promise<() => Promise<unknown>> {
  const em = here.app.get(MikroORM).em.fork();
  await em.begin();
  await em.execute('select 1 from project where id = ? for update', [id]);
  return () => em.rollback();
}

async function waitingForLock(): Promise<number> {
  const sql = `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const [row] = (await here.database.query(sql)) as { waiting: number }[];
  return row?.waiting ?? 0;
}
