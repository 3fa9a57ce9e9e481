// examples/python against a service whose connections break.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type RunningExample, startExample } from '../support/example.js';
import { postUpdate } from '../support/factories.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { useTidings } from '../support/tidings.js';

const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';

// Tokens end while the program runs.
const service = useTidings(() => ({ env: { DEMO: 'true', ACCESS_TOKEN_TTL: '2s' } }));
const folder = mkdtempSync(join(tmpdir(), 'tidings-python-'));
const running: RunningExample[] = [];
let proxy: TcpProxy;
let projectId: Promise<string> | undefined;
beforeAll(async () => {
  proxy = await startTcpProxy(Number(new URL(service.current.url).port));
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  await proxy?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function watch(password = 'tidings-demo'): RunningExample {
  const program = [resolve('examples/python/watch.py'), 'editor@example.com', password];
  const started = startExample(folder, [PYTHON, ...program, `http://127.0.0.1:${proxy.port}`], {});
  running.push(started);
  return started;
}

async function post(title: string): Promise<void> {
  const login = 'mutation { login(input: { email: "editor@example.com", password: "tidings-demo" }) { accessToken } }';
  const editor = new GraphqlClient(
    service.current.url,
    (await service.current.anonymous.data(login)).login.accessToken,
  );
  const create = 'mutation { createProject(input: { key: "COMET", name: "Comet" }) { id } }';
  projectId ??= editor.data(create).then(({ createProject }) => createProject.id);
  await postUpdate(editor, await projectId, { title });
}

const titles = (output: string) => [...output.matchAll(/UPDATE_POSTED (\w+)/g)].map(([, title]) => title);

it('prints each event once across expired tokens, a cut and a restart', async () => {
  const program = watch();
  await service.current.watching(1);
  await post('One');
  await program.saying(/UPDATE_POSTED One/);
  proxy.cut();
  await post('Two');
  await program.saying(/UPDATE_POSTED Two/);
  proxy.answer503();
  proxy.cut();
  await program.saying(/Not connected/);
  await post('Three');
  proxy.open();
  await program.saying(/UPDATE_POSTED Three/);
  await program.stop();
  await post('Four');
  const again = watch();
  await again.saying(/UPDATE_POSTED Four/);
  expect([titles(program.output()), titles(again.output())]).toEqual([['One', 'Two', 'Three'], ['Four']]);
});

it('reports a wrong password', async () => {
  const program = watch('wrong');
  await program.saying(/Signed out/);
  expect(program.output()).toMatch(/^Signed out: .*password/);
});
