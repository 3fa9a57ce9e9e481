// examples/node-bot, started by its own command: what it forwards, and what it catches up on after a restart.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../src/boot/free-port.js';
import { startExample, type RunningExample } from './support/example.js';
import { postUpdate } from './support/factories.js';
import { GraphqlClient } from './support/graphql-client.js';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.js';
import { useTidings } from './support/tidings.js';

const service = useTidings(() => ({ env: { DEMO: 'true' } }));
const folder = mkdtempSync(join(tmpdir(), 'tidings-bot-'));
const running: RunningExample[] = [];
let proxy: TcpProxy;
let receiverPort: number;
let editor: GraphqlClient;
let projectId: string;
beforeAll(async () => {
  proxy = await startTcpProxy(Number(new URL(service.current.url).port));
  receiverPort = await freePort('127.0.0.1');
  const login = 'mutation { login(input: { email: "editor@example.com", password: "tidings-demo" }) { accessToken } }';
  editor = new GraphqlClient(service.current.url, (await service.current.anonymous.data(login)).login.accessToken);
  const create = 'mutation { createProject(input: { key: "COMET", name: "Comet" }) { id } }';
  projectId = (await editor.data(create)).createProject.id;
});
afterAll(async () => {
  await Promise.all(running.map((example) => example.stop()));
  await proxy?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(...script: [string, ...string[]]): RunningExample {
  const example = startExample('examples/node-bot', ['npm', ...script], {
    TIDINGS_URL: `http://127.0.0.1:${proxy.port}`,
    WEBHOOK_URL: `http://127.0.0.1:${receiverPort}/`,
    TIDINGS_EMAIL: 'editor@example.com',
    CURSOR_FILE: join(folder, 'cursor.txt'),
    PORT: String(receiverPort),
  });
  running.push(example);
  return example;
}

it('examples/node-bot forwards each update once and in order across a cut, an absent receiver and a restart', async () => {
  const receiver = start('run', 'receiver');
  await receiver.saying(/Receiving/);
  const bot = start('start');
  await bot.saying(/Forwarding/);
  await service.current.watching(1);
  await postUpdate(editor, projectId, { title: 'One' });
  await receiver.saying(/Comet: One/);

  proxy.cut();
  await postUpdate(editor, projectId, { title: 'Two' });
  await receiver.saying(/Comet: Two/);

  await bot.end();
  await postUpdate(editor, projectId, { title: 'Three' });
  await receiver.stop();
  const stopped = start('start');
  await stopped.saying(/Not forwarded, again in a moment/);
  await stopped.end();
  const again = start('start');
  await again.saying(/Not forwarded, again in a moment/);
  const later = start('run', 'receiver');
  await later.saying(/Comet: Three/);
  await postUpdate(editor, projectId, { title: 'Four' });
  await later.saying(/Comet: Four/);

  const titles = [receiver, later].flatMap((one) =>
    [...one.output().matchAll(/Comet: (\w+)/g)].map(([, title]) => title),
  );
  expect(titles).toEqual(['One', 'Two', 'Three', 'Four']);
});

it('examples/node-bot ends at once while it waits for a service that does not answer', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const bot = startExample('examples/node-bot', ['npm', 'start'], {
    TIDINGS_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    CURSOR_FILE: join(folder, 'unused.txt'),
  });
  running.push(bot);
  await once(silent, 'connection');
  await bot.end();
  silent.close();
  expect(bot.output()).not.toContain('Error');
});

it('examples/node-bot refuses an invalid signature', async () => {
  const port = await freePort('127.0.0.1');
  const receiver = startExample('examples/node-bot', ['npm', 'run', 'receiver'], {
    PORT: String(port),
    WEBHOOK_SECRET: 'x',
  });
  running.push(receiver);
  await receiver.saying(/Receiving/);
  const headers = { 'webhook-id': '1', 'webhook-timestamp': String(Date.now() / 1000), 'webhook-signature': 'v1,no' };
  const { status } = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{}' });
  expect(status).toBe(401);
});
