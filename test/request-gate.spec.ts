// Fair queueing over HTTP: clients that exceed their share wait or are refused, without affecting others.
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { Gate } from '../src/engine/limits/gate.js';
import { MAX_MESSAGE_BYTES } from '../src/engine/limits/message-size.js';
import type { WorkBudget } from '../src/engine/limits/work-budget.js';
import { JSON_TYPE, STRICT } from './support/answers.js';
import { createProject, postUpdate } from './support/factories.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings(() => ({ env: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1/32' } }));

const INTROSPECTION = '{ __schema { types { name fields { name description args { name } type { name } } } } }';
let count = 0;
/** A document that nobody has sent before. */
const newDocument = () => `query Q${(count += 1)} ${INTROSPECTION}`;

async function send(address: string, query: string, headers: Record<string, string> = JSON_TYPE) {
  const response = await fetch(`${tidings.current.url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'x-forwarded-for': address },
    body: JSON.stringify({ query }),
  });
  const { errors = [], data } = (await response.json()) as {
    errors?: { extensions: { code: string; retryAfter?: number } }[];
    data?: unknown;
  };
  return { status: response.status, headers: response.headers, code: errors[0]?.extensions.code, data, errors };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${tidings.current.url}/metrics`)).text();
  const line = text.split('\n').find((sample) => sample.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('repeated introspection from one network', () => {
  const address = '203.0.113.7';
  let refused: Awaited<ReturnType<typeof send>>;

  beforeAll(async () => {
    // The burst is two seconds of work; more of them at once wait no longer than one after the other.
    for (let wave = 0; wave < 60 && refused === undefined; wave += 1) {
      const replies = await Promise.all(Array.from({ length: 24 }, () => send(address, newDocument())));
      refused = replies.find(({ status }) => status !== 200)!;
    }
  }, 120_000);

  it('is refused with 429 and Retry-After for every media type', async () => {
    for (const [headers, type] of [
      [JSON_TYPE, 'application/json'],
      [STRICT, 'application/graphql-response+json'],
    ] as const) {
      let reply = await send(address, newDocument(), headers);
      while (reply.status === 200) reply = await send(address, newDocument(), headers);
      expect([reply.status, reply.code]).toEqual([429, 'RATE_LIMITED']);
      expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(reply.errors[0]!.extensions.retryAfter).toBe(Number(reply.headers.get('retry-after')));
      expect(reply.headers.get('content-type')).toContain(type);
    }
    expect(await metric('tidings_gate_refusals_total{caller="anonymous",reason="budget"}')).toBeGreaterThan(0);
  });

  it('exposes Retry-After to allowed origins', async () => {
    const origin = tidings.current.config.allowedOrigins[0]!;
    let reply = await send(address, newDocument(), { ...JSON_TYPE, origin });
    while (reply.status === 200) reply = await send(address, newDocument(), { ...JSON_TYPE, origin });
    expect(reply.headers.get('access-control-allow-origin')).toBe(origin);
    expect(reply.headers.get('access-control-expose-headers')).toContain('Retry-After');
  });

  it('does not affect other networks or signed-in clients of the same one', async () => {
    expect((await send('198.51.100.7', newDocument())).status).toBe(200);
    const user = await tidings.current.asUser();
    const authorization = `Bearer ${user.accessToken}`;
    expect(await send(address, '{ me { id } }', { ...JSON_TYPE, authorization })).toMatchObject({
      status: 200,
      data: { me: { id: user.id } },
    });
  });

  it.each(['/graphqlfoo', '/graphql-', '/graphqls/x', '/nothing'])(
    'is refused at %s as well, with any credentials',
    async (path) => {
      tidings.current.app.get<Gate, { networks: WorkBudget }>(Gate).networks.charge(address, 10_000);
      const presented: readonly Record<string, string>[] = [
        {},
        { authorization: 'Bearer nonsense' },
        { cookie: 'tidings-access=nonsense' },
      ];
      for (const credentials of presented) {
        const headers = { ...credentials, 'x-forwarded-for': address };
        const response = await fetch(`${tidings.current.url}${path}`, { headers });
        expect([response.status, await response.text()]).toEqual([429, expect.stringContaining('RATE_LIMITED')]);
      }
      const elsewhere = await fetch(`${tidings.current.url}${path}`, {
        headers: { 'x-forwarded-for': '198.51.100.7' },
      });
      expect(elsewhere.status).toBe(404);
    },
  );

  it('does not affect health checks', async () => {
    const response = await fetch(`${tidings.current.url}/health/live`, { headers: { 'x-forwarded-for': address } });
    expect(response.status).toBe(200);
  });
});

describe('memory of requests', () => {
  const opened: Socket[] = [];
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.destroy();
  });

  /** Announces a body, and sends nothing of it. */
  const announce = async (address: string, length: number): Promise<Socket> => {
    const { hostname, port } = new URL(tidings.current.url);
    const socket = connect(Number(port), hostname);
    opened.push(socket);
    await once(socket, 'connect');
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${address}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`,
    );
    return socket;
  };

  it('of incomplete bodies is bounded per network: the ninth largest body gets 429', async () => {
    const address = '203.0.113.8';
    for (let at = 0; at < 8; at += 1) await announce(address, MAX_MESSAGE_BYTES);
    await until(async () => (await metric('tidings_request_body_bytes')) >= 8 * MAX_MESSAGE_BYTES, 'eight were known');
    const late = await announce(address, MAX_MESSAGE_BYTES);
    const [answer] = (await once(late, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 429 /);
    expect(answer.toString()).toMatch(/\r\nretry-after: 1\r\n/);
    expect((await send('198.51.100.8', '{ __typename }')).status).toBe(200);
    for (const socket of opened.splice(0)) socket.destroy();
    await until(async () => (await metric('tidings_request_body_bytes')) === 0, 'all were forgotten');
  });

  it('a body of nested lists is refused as invalid in its turn', async () => {
    const response = await fetch(`${tidings.current.url}/graphql`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'x-forwarded-for': '203.0.113.9' },
      body: '['.repeat(100_000),
    });
    expect(response.status).toBe(400);
    expect(await metric('tidings_gate_busy_seconds{lane="anonymous"}')).toBeGreaterThan(0);
  });
});

describe('a client that does not read its responses', () => {
  it('is refused more and disconnected once eight megabytes wait, without affecting others', async () => {
    const user = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(user);
    await postUpdate(user, id, { body: 'x'.repeat(20_000) });
    const fields = Array.from({ length: 300 }, (_, n) => `a${n}: body`).join(' ');
    const body = JSON.stringify({ query: `{ project(id: "${id}") { latestUpdate { ${fields} } } }` });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${user.accessToken}`, 'content-length': body.length };
    const ask = () => {
      const sent = httpRequest(`${tidings.current.url}/graphql`, { method: 'POST', headers, agent: false });
      sent.on('error', () => {});
      sent.end(body);
      return sent;
    };
    const silent = [ask(), ask()];
    const closed = silent.map((sent) => once(sent, 'close'));
    for (const sent of silent) sent.on('response', (response) => response.on('error', () => {}).pause());
    await until(async () => (await metric('tidings_unsent_response_bytes')) > 8 << 20, 'so much waited');
    // What waits is summed up from time to time.
    let refused: Awaited<ReturnType<typeof user.send>> | undefined;
    await until(async () => (refused = await user.send('{ me { id } }')).status !== 200, 'it was refused');
    expect([refused?.status, refused?.errors?.[0]?.extensions.code]).toEqual([429, 'RATE_LIMITED']);
    expect(refused?.headers.get('retry-after')).toBe('10');
    expect((await (await tidings.current.asUser()).send('{ me { id } }')).status).toBe(200);
    for (const sent of silent) sent.socket?.on('close', () => sent.destroy());
    await until(
      async () => (await metric('tidings_connections_cut_total{reason="unread"}')) === 2,
      'both were cut',
      40_000,
    );
    await until(async () => (await metric('tidings_unsent_response_bytes')) === 0, 'nothing was left');
    for (const sent of silent) sent.destroy();
    await Promise.all(closed);
    expect((await user.send('{ me { id } }')).status).toBe(200);
  }, 90_000);
});

const get = (socket: Socket) => socket.write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');

describe('the number of connections', () => {
  const strict = useTidings(() => ({
    env: { RATE_LIMITS: 'on', MAX_CONNECTIONS: '12', MAX_CONNECTIONS_PER_ADDRESS: '11' },
  }));
  const opened: Socket[] = [];
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.destroy();
  });

  const open = async (localAddress = '127.0.0.2'): Promise<Socket & { gone: Promise<unknown> }> => {
    const { hostname, port } = new URL(strict.current.url);
    const socket = connect({ port: Number(port), host: hostname, localAddress });
    socket.on('error', () => {});
    opened.push(socket);
    await once(socket, 'connect');
    return Object.assign(socket, { gone: once(socket, 'close') });
  };

  it('is bounded per address', async () => {
    for (let at = 0; at < 11; at += 1) await open();
    const [first] = opened as [Socket];
    await (
      await open()
    ).gone;
    get(first);
    expect(String((await once(first, 'data'))[0])).toContain('200 OK');
    const other = await open('127.0.0.3');
    get(other);
    expect(String((await once(other, 'data'))[0])).toContain('200 OK');
  });

  it('is bounded in total: the connection idle longest is closed for a new one', async () => {
    const first = await open('127.0.0.2');
    for (let at = 1; at < 12; at += 1) await open(`127.0.0.${(at % 3) + 2}`);
    const late = await open('127.0.0.9');
    await first.gone;
    get(late);
    expect(String((await once(late, 'data'))[0])).toContain('200 OK');
  });

  it('is closed when it pipelines more requests than it reads', async () => {
    const socket = await open('127.0.0.5');
    const body = JSON.stringify({ query: '{ __typename }' });
    const one = `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    socket.resume();
    socket.write(one.repeat(60));
    await socket.gone;
    const metrics = await (await fetch(`${strict.current.url}/metrics`)).text();
    expect(metrics).toContain('tidings_connections_cut_total{reason="pipelined"} 1');
  });
});
