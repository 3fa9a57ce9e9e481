// Limits on all sockets together: sockets that exceed them wait, are refused or reconnect later; others continue.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Gate } from '../src/engine/limits/gate.js';
import { MAX_UNAUTHENTICATED, OpenSockets } from '../src/engine/realtime/sockets/open-sockets.js';
import { MAX_SOCKET_BYTES } from '../src/engine/realtime/sockets/socket-memory.js';
import { subscribe } from './support/bystander.js';
import { createProject, postUpdate } from './support/factories.js';
import { RawSocket } from './support/socket-client.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings(() => ({ env: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1/32' } }));

const upgrade = (address: string) =>
  new WebSocket(`${tidings.current.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { 'x-forwarded-for': address },
  });

describe('sockets before sign-in', () => {
  it('are refused per network with 429 and Retry-After', async () => {
    const strangers = Array.from({ length: MAX_UNAUTHENTICATED.network }, () => upgrade('203.0.113.7'));
    await Promise.all(strangers.map((ws) => once(ws, 'open')));
    const late = upgrade('203.0.113.7');
    late.on('error', () => {});
    const [, response] = (await once(late, 'unexpected-response')) as [
      unknown,
      { statusCode: number; headers: Record<string, string> },
    ];
    expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '1']);
    const other = upgrade('203.0.113.8');
    await once(other, 'open');
    for (const ws of [...strangers, other]) ws.terminate();
    await until(() => tidings.current.app.get(OpenSockets).unauthenticatedCount === 0, 'all were forgotten');
  });

  it('are closed for new ones over the total limit, those of the largest network first', async () => {
    const { network, all } = MAX_UNAUTHENTICATED;
    const crowds = Array.from({ length: Math.ceil(all / network) }, (_, n) => `203.0.113.${n}`);
    const strangers: WebSocket[] = [];
    for (const address of crowds) {
      const crowd = Array.from({ length: all / crowds.length }, () => upgrade(address));
      await Promise.all(crowd.map((ws) => once(ws, 'open')));
      strangers.push(...crowd);
    }
    const [closed, other] = [once(strangers[0]!, 'close'), upgrade('198.51.100.1')];
    await once(other, 'open');
    expect((await closed)[0]).toBe(1013);
    for (const ws of [...strangers, other]) ws.terminate();
    await until(() => tidings.current.app.get(OpenSockets).unauthenticatedCount === 0, 'all were forgotten');
  });

  it('are limited under concurrent connects', async () => {
    const sockets = Array.from({ length: MAX_UNAUTHENTICATED.network + 50 }, () => upgrade('203.0.113.9'));
    const refused = sockets.map(
      (ws) =>
        new Promise<boolean>((resolve) => {
          ws.once('open', () => resolve(false)).once('error', () => resolve(true));
        }),
    );
    expect((await Promise.all(refused)).filter(Boolean)).toHaveLength(50);
    for (const ws of sockets) ws.terminate();
    await until(() => tidings.current.app.get(OpenSockets).unauthenticatedCount === 0, 'all were forgotten');
  });

  it('may not send large messages', async () => {
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init', payload: { x: '['.repeat(20_000) } });
    expect((await socket.closed).code).toBe(4400);
  });
});

const heavy = (n: number) =>
  `query Q${n} { schema: __schema { types { name description fields { name description args { name description } type { name } } } } }`;

describe('messages of a signed-in client', () => {
  it('over the work budget are refused without closing the socket or affecting others', async () => {
    const [greedy, modest] = [await tidings.current.asUser(), await tidings.current.asUser()];
    const socket = await RawSocket.signedIn(tidings.current.url, greedy.accessToken!);
    // Two seconds of work, of which a fifth of a second comes back each second.
    tidings.current.app.get(Gate)['accounts'].charge(greedy.id, 4_000);
    socket.send(subscribe('1', { query: heavy(1) }));
    const refused = await socket.next('error');
    expect(refused.payload).toEqual([
      expect.objectContaining({ extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } }),
    ]);
    expect((await modest.send('{ me { id } }')).data).toEqual({ me: { id: modest.id } });
    const other = await RawSocket.signedIn(tidings.current.url, modest.accessToken!);
    other.send(subscribe('1', { query: heavy(1e6) }));
    expect((await other.next('next')).payload?.data.schema.types.length).toBeGreaterThan(10);
    // It is asked to wait, and not sent away.
    socket.send({ type: 'ping' });
    await socket.next('pong');
    await Promise.all([socket.close(), other.close()]);
  });

  it('of large size are processed in order', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    socket.send(subscribe('large', { query: `{ me { id } } # ${'x'.repeat(200_000)}` }));
    socket.send(subscribe('small', { query: '{ me { name } }' }));
    socket.send({ type: 'ping' });
    await socket.next('pong');
    await until(() => socket.messages.filter(({ type }) => type === 'complete').length === 2, 'both were answered');
    expect(socket.messages.find(({ id }) => id === 'large')?.payload?.data).toEqual({ me: { id: user.id } });
    await socket.close();
  });

  it('in large numbers are read more slowly and all answered', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    const count = 9_000;
    for (let n = 0; n < count; n += 1) socket.send({ type: 'ping', payload: { n } });
    const pongs = () => socket.messages.filter(({ type }) => type === 'pong');
    await until(() => pongs().length === count, 'all were answered', 60_000);
    expect(pongs().map(({ payload }) => payload?.n)).toEqual(Array.from({ length: count }, (_, n) => n));
    const metrics = await (await fetch(`${tidings.current.url}/metrics`)).text();
    expect(metrics).toMatch(/tidings_socket_reads_paused_total\{reason="pace"\} [1-9]/);
    await socket.close();
  }, 90_000);

  it('buffer a bounded amount per account: sockets beyond close with 1013', async () => {
    const user = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(user);
    await postUpdate(user, id, { body: 'x'.repeat(20_000) });
    const fields = Array.from({ length: 300 }, (_, n) => `a${n}: body`).join(' ');
    const query = `{ project(id: "${id}") { latestUpdate { ${fields} } } }`;
    const sockets = await Promise.all(
      Array.from({ length: 10 }, () => RawSocket.signedIn(tidings.current.url, user.accessToken!)),
    );
    for (const socket of sockets) {
      socket.ws.pause();
      socket.send(subscribe('1', { query }));
    }
    const closes = () => tidings.current.app.get(OpenSockets).closes.get(1013) ?? 0;
    await until(() => closes() > 0, 'one was closed', 60_000);
    const held = () =>
      [...tidings.current.app.get(OpenSockets)].reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0);
    await until(() => held() <= MAX_SOCKET_BYTES.account, 'the others hold no more than they may');
    expect((await (await tidings.current.asUser()).send('{ me { id } }')).status).toBe(200);
    for (const { ws } of sockets) ws.terminate();
  }, 90_000);
});
