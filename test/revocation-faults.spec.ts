// Revocations stay effective while the instance is paused, killed, cut off from the log or restarted.
import { randomUUID, sign } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LogFollower } from '../src/engine/events/log-follower.js';
import { deriveSigningKey } from '../src/engine/sessions/signing-keys.js';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import { GraphqlClient, type Reply } from './support/graphql-client.js';
import { killAll, ServiceProcess } from './support/process.js';
import { RawSocket } from './support/socket-client.js';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.js';
import { POOL_SIZE, type Person, SECRET, TestTidings, useTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const REDIS_URL = process.env['TEST_REDIS_URL']!;
const ME = '{ me { id } }';
const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq update { title } } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';

const tidings = useTidings(() => ({ env: { REDIS_URL } }));
const codeOf = ({ errors }: Reply) => errors?.[0]?.extensions.code;

/** Subscribes each of `sockets` to the project, and waits until all have been given everything that was posted so far. */
async function watching(
  sockets: readonly RawSocket[],
  owner: Person,
  { id, lastCursor: after }: TestProject,
): Promise<void> {
  const title = `Before ${randomUUID()}`;
  await postUpdate(owner, id, { title });
  for (const socket of sockets) {
    socket.send({ id: 'watch', type: 'subscribe', payload: { query: WATCH, variables: { id, after } } });
    const titleOf = async () => (await socket.next('next')).payload?.data.projectUpdated.update?.title;
    while ((await titleOf()) !== title);
  }
}

describe('an instance that receives no wake-ups', () => {
  let there: ServiceProcess;
  let owner: Person;
  let project: TestProject;

  beforeAll(async () => {
    there = await ServiceProcess.start({
      DATABASE_URL: tidings.current.database.url,
      DATABASE_POOL_SIZE: POOL_SIZE,
      APP_SECRET: SECRET,
      DATA_DIR: join(tmpdir(), 'tidings-test-unused'),
      PORT: '0',
      RATE_LIMITS: 'off',
    });
    owner = await tidings.current.asUser('EDITOR');
    project = await createProject(owner);
  });
  afterAll(killAll);

  // Longer than a node may go without having seen the log's head, and not so long: it must know that it has slept.
  it.each([2_200, 1_000])(
    'paused for %d ms during a revocation and a removal serves nothing afterwards',
    async (ms) => {
      const [ended, removed] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser()];
      await addMember(owner, project.id, ended, 'EDITOR');
      await addMember(owner, project.id, removed, 'VIEWER');
      const sockets = await Promise.all(
        [ended, removed].map(({ accessToken }) => RawSocket.signedIn(there.url, accessToken!)),
      );
      const [socket, spared] = sockets as [RawSocket, RawSocket];
      await watching(sockets, owner, project);
      const elsewhere = new GraphqlClient(there.url, ended.accessToken);
      expect(await elsewhere.data(ME)).toEqual({ me: { id: ended.id } });
      for (const { messages } of sockets) messages.length = 0;

      there.signal('SIGSTOP');
      await ended.data('mutation { logout }');
      await owner.data(REMOVE, { p: project.id, u: removed.id });
      await postUpdate(owner, project.id, { title: 'Not for them' });
      // All of this waits in the paused node's buffers, and nothing there tells it of the end.
      const title = `From beyond ${ms}`;
      const input = { projectId: project.id, title, health: 'ON_TRACK' };
      const requests = [elsewhere.send(ME), elsewhere.send(POST, { i: input }), elsewhere.send(ME)];
      socket.send({ id: 'me', type: 'subscribe', payload: { query: ME } });
      socket.send({ id: 'post', type: 'subscribe', payload: { query: POST, variables: { i: input } } });
      await pause(ms);
      there.signal('SIGCONT');

      for (const reply of await Promise.all(requests))
        expect(codeOf(reply)).toMatch(/^(UNAUTHENTICATED|SERVICE_UNAVAILABLE)$/);
      expect(await within(60_000, socket.closed, 'the socket was closed')).toMatchObject({ code: 4401 });
      expect(socket.messages.filter(({ type }) => type === 'next')).toEqual([]);
      const { payload } = await spared.next('error');
      expect(payload).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
      expect(spared.messages).toEqual([]);
      expect(await tidings.current.database.query('select 1 from project_update where title = $1', [title])).toEqual(
        [],
      );
      expect(codeOf(await elsewhere.send(ME))).toBe('UNAUTHENTICATED');
      await spared.close();
    },
  );

  it('loses its connections from the list within 15 seconds of being killed', async () => {
    const person = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(there.url, person.accessToken!);
    const open = async () => (await person.data('{ sessions { openSockets { address } } }')).sessions[0].openSockets;
    await until(async () => (await open()).length === 1, 'the socket was announced');
    await there.stop('SIGKILL');
    await socket.closed;
    await until(async () => (await open()).length === 0, 'the socket was forgotten');
    expect(await open()).toEqual([]);
  });
});

describe('an instance that cannot read the log', () => {
  let proxy: TcpProxy;
  let node: TestTidings;

  beforeAll(async () => {
    const url = new URL(tidings.current.database.url);
    proxy = await startTcpProxy(Number(url.port), url.hostname);
    url.port = String(proxy.port);
    node = await TestTidings.start({
      database: { ...tidings.current.database, url: url.toString() },
      env: { REDIS_URL },
    });
  });
  afterAll(async () => {
    proxy.open();
    await node.stop();
    await proxy.stop();
  });

  it('serves and delivers nothing, keeps its sockets, and recovers', async () => {
    const owner = await tidings.current.asUser('EDITOR');
    const project = await createProject(owner);
    const [viewer, leaver] = [await tidings.current.asUser(), await tidings.current.asUser()];
    await addMember(owner, project.id, viewer, 'VIEWER');
    const socket = await RawSocket.signedIn(node.url, viewer.accessToken!);
    await watching([socket], owner, project);
    const leaving = await RawSocket.signedIn(node.url, leaver.accessToken!);
    const [client, left] = [viewer, leaver].map(({ accessToken }) => new GraphqlClient(node.url, accessToken));
    expect(await left!.data(ME)).toEqual({ me: { id: leaver.id } });
    socket.messages.length = 0;

    proxy.blackhole();
    await leaver.data('mutation { logout }');
    await until(() => !node.app.get(LogFollower).fresh, 'it knows that it does not know');
    expect(codeOf(await client!.send(ME))).toBe('SERVICE_UNAVAILABLE');
    expect(codeOf(await left!.send(ME))).toBe('SERVICE_UNAVAILABLE');
    await postUpdate(owner, project.id, { title: 'Meanwhile' });
    const fresh = await RawSocket.open(node.url);
    fresh.send({ type: 'connection_init', payload: { authorization: `Bearer ${viewer.accessToken}` } });
    expect(await fresh.closed).toMatchObject({ code: 1013 });
    socket.send({ type: 'ping' });
    await socket.next('pong');
    expect(socket.messages).toEqual([]);

    proxy.open();
    const { payload } = await socket.next('next');
    expect(payload?.data).toMatchObject({ projectUpdated: { update: { title: 'Meanwhile' } } });
    expect(await leaving.closed).toMatchObject({ code: 4401 });
    await until(async () => !(await client!.send(ME)).errors, 'it serves again');
    expect(codeOf(await left!.send(ME))).toBe('UNAUTHENTICATED');
    await socket.close();
  });
});

describe('an instance restarted with another ACCESS_TOKEN_TTL', () => {
  const key = deriveSigningKey(Buffer.from(SECRET, 'base64'), 'tidings');

  /** A token of the session as we would have signed it, good for `seconds` from now on. */
  function tokenFor({ id, sessionId }: Person, seconds: number): string {
    const iat = Math.floor(Date.now() / 1000);
    const claims = {
      iss: 'http://localhost',
      aud: 'tidings',
      sub: id,
      sid: sessionId,
      role: 'USER',
      jti: randomUUID(),
    };
    const text = [
      { alg: 'ES256', typ: 'at+jwt', kid: key.kid },
      { ...claims, iat, exp: iat + seconds },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  it.each(['1m', '24h'])('of %s does not revive ended sessions', async (ttl) => {
    const [gone, here] = [await tidings.current.asUser(), await tidings.current.asUser()];
    await gone.data('mutation { logout }');
    const restarted = await TestTidings.start({ database: tidings.current.database, env: { ACCESS_TOKEN_TTL: ttl } });
    try {
      const ask = async (token: string) => codeOf(await new GraphqlClient(restarted.url, token).send(ME));
      for (const token of [gone.accessToken!, tokenFor(gone, 30), tokenFor(gone, 900)]) {
        expect(await ask(token)).toBe('UNAUTHENTICATED');
      }
      // The same of a session that lives: what is refused above is refused because it ended.
      expect(await ask(tokenFor(here, 30))).toBeUndefined();
      // And a token that was given more life than there is any more is refreshed rather than believed.
      expect(await ask(here.accessToken!)).toBe(ttl === '1m' ? 'UNAUTHENTICATED' : undefined);
    } finally {
      await restarted.stop();
    }
  });
});
