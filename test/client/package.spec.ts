// The package as it is published: what is in it, and that Node can use it. test/frontend.spec.ts uses it in scripts, in pages that Vite
// builds, and with Jest.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { useTidings } from '../support/tidings.js';

const ROOT = process.cwd();
const BIN = join(ROOT, 'node_modules/.bin');
const run = promisify(execFile);
const tidings = useTidings();
let folder: string;
let tarball: string;
let said: string;

/** npm as a user calls it. */
const npm = (...args: string[]) =>
  run('npm', args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: folder, npm_config_cache: join(folder, '.npm') },
  });
const node = (cwd: string, ...args: string[]) => run(process.execPath, args, { cwd });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-client-'));
  // It is built; other tests read what is built at this very moment.
  const { stdout } = await npm('pack', '-w', 'client', '--ignore-scripts', '--pack-destination', folder);
  said = stdout;
  tarball = join(folder, stdout.trim());
  const installed = join(folder, 'node_modules/@tidings/client');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  for (const name of ['@apollo', '@urql', 'react', 'graphql', 'rxjs', 'wonka', '@0no-co'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('npm pack prints the file name only', () => {
  expect(said).toMatch(/^tidings-client-[\d.]+\.tgz\n$/);
});

it('publint and attw report no problem', async () => {
  const publint = await run(join(BIN, 'publint'), ['run', tarball, '--strict']);
  expect(publint.stdout).toContain('All good');
  // Fails by its exit code: what CommonJS of TypeScript cannot have is left out by the profile.
  await run(join(BIN, 'attw'), [tarball, '--profile', 'esm-only', '--no-color', '--no-emoji']);
});

it('each entry is within its size limit', async () => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/size-limit/bin.js'), '--json'], {
    cwd: resolve('client'),
  });
  const sizes = JSON.parse(stdout) as { name: string; passed: boolean }[];
  expect(sizes.map(({ name, passed }) => [name, passed])).toEqual(
    ['core', 'apollo', 'urql', 'react'].map((name) => [name, true]),
  );
});

it.each(['', '/apollo', '/urql', '/react'])('@tidings/client%s is imported and required by Node', async (entry) => {
  const name = `@tidings/client${entry}`;
  await node(folder, '--input-type=module', '-e', `await import('${name}')`);
  const required = node(folder, '--no-warnings', '--input-type=commonjs', '-e', `require('${name}')`);
  await expect(required).resolves.toBeDefined();
});

it('the core entry needs no other package', async () => {
  const bare = join(folder, 'bare/node_modules/@tidings');
  mkdirSync(bare, { recursive: true });
  symlinkSync(join(folder, 'node_modules/@tidings/client'), join(bare, 'client'));
  const script = `import { createTidings } from '@tidings/client';
    const tidings = createTidings({ url: '${tidings.current.url}/graphql', transport: 'body' });
    tidings.close();`;
  const bareNode = node(join(folder, 'bare'), '--preserve-symlinks', '--input-type=module', '-e', script);
  await expect(bareNode).resolves.toBeDefined();
});
