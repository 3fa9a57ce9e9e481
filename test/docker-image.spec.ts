// The Dockerfile, checked without Docker: the build context suffices, and the result serves the pages.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const dockerfile = readFileSync('Dockerfile', 'utf8');
const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8')) as { workspaces: readonly string[] };

const rules = readFileSync('.dockerignore', 'utf8')
  .split('\n')
  .filter((line) => line && !line.startsWith('#'))
  .map((line) => ({ pattern: line.replace('!', ''), given: line.startsWith('!') }));

/** Whether the build is given the file: the last rule that matches it, or a folder that it is in, decides. */
function isGiven(file: string): boolean {
  const parents = file.split('/').map((_, at, all) => all.slice(0, at + 1).join('/'));
  return rules.findLast(({ pattern }) => parents.some((path) => matchesGlob(path, pattern)))?.given ?? true;
}

it('copies the package.json of every workspace before npm ci', () => {
  const copied = [...dockerfile.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)].map(([, folder]) => folder);
  expect(new Set(copied)).toEqual(new Set(workspaces));
  for (const workspace of workspaces)
    expect([workspace, isGiven(`${workspace}/package.json`)]).toEqual([workspace, true]);
});

it('keeps the pages of the image it replaces, and starts without any', () => {
  expect(dockerfile).toMatch(/^ARG PREVIOUS=none$/m);
  expect(dockerfile.indexOf('ARG PREVIOUS')).toBeLessThan(dockerfile.indexOf('FROM '));
  expect(dockerfile).toMatch(
    /^FROM \S+ AS none\nRUN mkdir -p \/app\/web\/dist\/dashboard \/app\/web\/dist\/playground\n/m,
  );
  expect(dockerfile).toMatch(/^FROM \$\{PREVIOUS\} AS previous$/m);
  for (const page of ['dashboard', 'playground'])
    expect(dockerfile).toContain(`COPY --from=previous /app/web/dist/${page} web/dist/previous/${page}\n`);
});

describe('the build context', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-image-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('suffices to build the programs and pages', async () => {
    const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard']);
    const files = stdout.split('\n').filter((file) => file && existsSync(file) && isGiven(file));
    for (const file of files) cpSync(file, join(folder, file), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const [command = ''] = /^RUN (npm run build .*)$/m.exec(dockerfile)?.slice(1) ?? [];
    // Compression takes longest, and is no matter of what is given.
    const PATH = `${resolve('node_modules/.bin')}:${process.env['PATH']}`;
    await run('sh', ['-c', command.replace(' -- --compressed', '')], { cwd: folder, env: { ...process.env, PATH } });
    for (const [, from = ''] of dockerfile.matchAll(/^COPY --from=build \/app\/(\S+) /gm)) {
      expect([from, existsSync(join(folder, from))]).toEqual([from, true]);
    }
    for (const page of ['dashboard', 'playground']) {
      const html = readFileSync(join(folder, 'web/dist', page, 'index.html'), 'utf8');
      const [, script = ''] = /<script [^>]*src="\/(?:graphql\/)?(assets\/[^"]{1,100})"/.exec(html) ?? [];
      expect(existsSync(join(folder, 'web/dist', page, script))).toBe(true);
    }
    expect(files.filter((file) => /\.(spec|contract)\.ts$|^test\/|^docs\/|\.env/.test(file))).toEqual([]);
  });
});
