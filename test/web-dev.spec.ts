// The dev server of the pages, started by `npm run dev -w web`: serves pages from source and proxies everything else to
// the service.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { freePort } from '../src/boot/free-port.js';
import { GraphqlClient } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
let server: ChildProcess;
let url: string;
let output = '';

beforeAll(async () => {
  const port = String(await freePort('localhost'));
  url = `http://localhost:${port}`;
  const env = { ...process.env, PORT: port, TIDINGS_URL: tidings.current.url };
  server = spawn(process.execPath, ['web/dev.mjs'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [server.stdout!, server.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk));
  await until(() => output.includes(`The service: ${tidings.current.url}`), 'it is up', 60_000);
});
afterAll(async () => {
  const closed = once(server, 'close');
  server.kill();
  await closed;
});

const open = async (path: string) => {
  const response = await fetch(url + path, { headers: { accept: 'text/html' } });
  return { status: response.status, text: await response.text() };
};

it('the dev server shows both pages from their sources', async () => {
  for (const [path, base] of [
    ['/', '/'],
    ['/register', '/'],
    ['/graphql', '/graphql/'],
  ] as const) {
    const { status, text } = await open(path);
    expect([path, status]).toEqual([path, 200]);
    expect(text).toContain(`src="${base}@vite/client"`);
    expect(text).toContain(`src="${base}src/main.tsx`);
    expect(await open(`${base}src/main.tsx`)).toMatchObject({ status: 200, text: expect.stringContaining('import ') });
  }
});

it('the dev server reloads changed pages', async () => {
  for (const [page, base] of [
    ['the dashboard', ''],
    ['the playground', '/graphql'],
  ] as const) {
    const token = /const wsToken = "([\w-]{1,50})"/.exec((await open(`${base}/@vite/client`)).text)?.[1];
    const socket = new WebSocket(`${url.replace('http', 'ws')}${base}/?token=${token}`, 'vite-hmr');
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect([page, JSON.parse(String(message))]).toEqual([page, { type: 'connected' }]);
    socket.close();
  }
});

it('the dev server proxies requests and sockets', async () => {
  const person = await tidings.current.asUser();
  const through = new GraphqlClient(url, person.accessToken);
  expect(await through.data('{ me { id } }')).toEqual({ me: { id: person.id } });
  const query = await fetch(`${url}/graphql?query=%7B__typename%7D`, { headers: { 'x-tidings-csrf': '1' } });
  expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
  for (const path of ['/health/live', '/metrics', '/demo.json', '/.well-known/jwks.json']) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
  }
  const socket = await RawSocket.signedIn(url, person.accessToken!);
  socket.send({ id: '1', type: 'subscribe', payload: { query: '{ me { id } }' } });
  expect((await socket.next('next')).payload).toEqual({ data: { me: { id: person.id } } });
  await socket.close();
});

it('the dev server sets the origin of the service for its own pages only', async () => {
  const allowed = async (origin: string) => {
    const headers = { origin, 'content-type': 'application/json' };
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
    return response.headers.get('access-control-allow-origin');
  };
  expect(await allowed(url)).toBe(new URL(tidings.current.url).origin);
  expect(await allowed('http://evil.example')).toBeNull();
});
