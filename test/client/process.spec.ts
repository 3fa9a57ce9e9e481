// `@tidings/client` in programs: they end by themselves, and know what they need.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { payloadOf, ScriptedService } from '../support/scripted-service.js';
import { until } from '../support/wait.js';

const run = promisify(execFile);
const program = (script: string) =>
  run(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], { timeout: 60_000 });

it('a program that has left its events() exits by itself', async () => {
  const service = await ScriptedService.start(() => ({}));
  try {
    const ended = program(`
      import { createTidings } from '@tidings/client';
      const tidings = createTidings({ url: '${service.url}', transport: 'body' });
      await tidings.adopt(${JSON.stringify(payloadOf('ada'))});
      for await (const { cursor } of tidings.events({ after: 'a' })) if (cursor === 'b') break;
    `);
    const subscription = await service.subscription('projectsUpdated');
    subscription.next({ projectsUpdated: { cursor: 'b', seq: 2 } });
    await until(() => service.open.size === 0, 'it had left');
    expect((await ended).stderr).toBe('');
  } finally {
    await service.stop();
  }
});

it('a program that has closed its client exits by itself, also while the session is pending', async () => {
  const service = await ScriptedService.start(() => ({}));
  try {
    const { stdout } = await program(`
      import { createTidings } from '@tidings/client';
      const tidings = createTidings({ url: '${service.url}', transport: 'cookie' });
      tidings.session.subscribe(({ status, error }) => {
        console.log(status, error.name);
        tidings.close();
      });
    `);
    expect(stdout).toBe('restoring Unavailable\n');
  } finally {
    await service.stop();
  }
});

it('a missing WebSocket is reported', async () => {
  const { stdout } = await program(`
    delete globalThis.WebSocket;
    const { createTidings } = await import('@tidings/client');
    try { createTidings({ url: 'http://localhost/graphql', transport: 'body' }); } catch (error) { console.log(String(error)); }
  `);
  expect(stdout).toBe('Error: @tidings/client needs WebSocket: Node 22 or later.\n');
});
