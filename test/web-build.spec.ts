// Builds of pages: incremental and atomic, also beside a service that is starting. Uses small pages.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { PageBuild } from '../src/pages/page-build.js';
import { startTidings, type Tidings } from '../src/app.js';
import { freePort } from '../src/boot/free-port.js';
import { loadConfig } from '../src/engine/config/config.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { isAlive } from './support/process.js';
import { SECRET, TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';
import { service as names } from '../src/boot/service.js';

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'tidings-build-'));
  folders.push(made);
  return made;
}
afterAll(() => folders.forEach((made) => rmSync(made, { recursive: true, force: true })));

function write(parent: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(parent, name)), { recursive: true });
    writeFileSync(join(parent, name), content);
  }
}

/** A project with two pages. */
const project = folder();
const dist = join(project, 'web/dist');
const page = (name: string) => ({
  [`web/${name}/index.html`]: '<!doctype html><script type="module" src="/main.js"></script>',
  [`web/${name}/main.js`]: `import { what } from '../shared/what.js'; document.title = '${name} ' + what;`,
  [`web/${name}/vite.config.ts`]: 'export default { root: import.meta.dirname };',
});
async function runBuild(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [join(project, 'web/build.mjs'), ...words]);
  const ended = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number];
  return { code, out, err };
}
const files = (name: string) => readdirSync(join(dist, name, 'assets')).toSorted();
const scriptOf = (name: string) =>
  readFileSync(
    join(
      dist,
      name,
      'assets',
      files(name).find((file) => file.endsWith('.js'))!,
    ),
    'utf8',
  );
const built = ({ code, out, err }: Awaited<ReturnType<typeof runBuild>>) => [
  code,
  [...out.matchAll(/^Built the (\w{1,20}) in [\d.]{1,10} s$/gm)].map(([, name = '']) => name).toSorted(),
  err,
];

/** Changes the dashboard and builds it. */
const buildNext = async (what: string, ...words: string[]) => {
  write(project, { 'web/dashboard/main.js': `document.title = '${what.padEnd(2_000)}';` });
  expect(built(await runBuild('dashboard', ...words))).toEqual([0, ['dashboard'], '']);
};

/** Starts a build that stands still once Vite has made its folder. */
async function standing(): Promise<ChildProcess> {
  write(project, {
    'web/dashboard/vite.config.ts': `import { writeFileSync, mkdirSync } from 'node:fs';
      export default { root: import.meta.dirname, plugins: [{ name: 'still', buildStart() {
        const { outDir } = this.environment.config.build;
        mkdirSync(outDir, { recursive: true });
        writeFileSync(outDir + '/part', '');
        return new Promise((resolve) => setTimeout(resolve, 60_000));
      } }] };`,
  });
  const child = fork(join(project, 'web/build.mjs'), ['dashboard'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const place = join(dist, `.building-dashboard-${child.pid}`, 'part');
  await until(() => existsSync(place), 'the build is under way');
  return child;
}
const left = () => readdirSync(dist).filter((name) => name.startsWith('.'));

describe('web/build.mjs', () => {
  beforeAll(() => {
    write(project, {
      'package.json': '{ "type": "module" }',
      'package-lock.json': '{}',
      'schema.gql': 'type Query { a: Int }',
      'client/src/index.ts': 'export const a = 1;',
      'web/shared/what.js': `export const what = 'one'; ${'// '.padEnd(50, '-')}`,
      ...page('dashboard'),
      ...page('playground'),
    });
    cpSync('web/build.mjs', join(project, 'web/build.mjs'));
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  });

  it('builds all pages first and none when nothing has changed', async () => {
    expect(built(await runBuild())).toEqual([0, ['dashboard', 'playground'], '']);
    expect(scriptOf('dashboard')).toContain('one');
    const { ino } = statSync(join(dist, 'dashboard'));
    expect(await runBuild()).toEqual({ code: 0, out: '', err: '' });
    expect(statSync(join(dist, 'dashboard')).ino).toBe(ino);
  });

  it('builds the changed page and keeps the files of the previous build', async () => {
    const [before] = files('dashboard');
    write(project, { 'web/dashboard/main.js': `document.title = 'another';` });
    expect(built(await runBuild())).toEqual([0, ['dashboard'], '']);
    expect(files('dashboard')).not.toContain(before);
    expect(files('previous/dashboard')).toEqual([before]);
  });

  it.each([
    ['what they share', 'web/shared/what.js', `export const what = 'two';`],
    ['the client', 'client/src/index.ts', 'export const a = 2;'],
    ['the schema', 'schema.gql', 'type Query { b: Int }'],
    ['the lock', 'package-lock.json', '{ }'],
    ['a configuration', 'web/page.config.ts', 'export {};'],
  ])('builds all pages after %s has changed', async (_what, file, content) => {
    const kept = files('previous/dashboard');
    write(project, { [file]: content });
    expect(built(await runBuild())).toEqual([0, ['dashboard', 'playground'], '']);
    // Nothing of it is in the dashboard: a build with the same files is no new one.
    expect(files('previous/dashboard')).toEqual(kept);
  });

  it('keeps the previous build when a source is broken and reports the file', async () => {
    const before = scriptOf('playground');
    write(project, { 'web/playground/main.js': 'const = ;' });
    const { code, out, err } = await runBuild();
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/The playground could not be built: [^]*main\.js/);
    expect(scriptOf('playground')).toBe(before);
    expect(readdirSync(dist).toSorted()).toEqual(['dashboard', 'playground', 'previous']);
    write(project, page('playground'));
    expect(built(await runBuild())).toEqual([0, [], '']);
  });

  it('compresses on request and accepts a compressed build otherwise', async () => {
    write(project, { 'web/dashboard/main.js': `document.title = '${'long '.repeat(400)}';` });
    expect(built(await runBuild('--compressed', 'dashboard'))).toEqual([0, ['dashboard'], '']);
    const [script = ''] = files('dashboard');
    expect(files('dashboard')).toEqual([script, `${script}.br`, `${script}.gz`]);
    const zipped = readFileSync(join(dist, 'dashboard/assets', `${script}.gz`));
    expect(gunzipSync(zipped).toString()).toBe(scriptOf('dashboard'));
    expect(await runBuild('dashboard')).toEqual({ code: 0, out: '', err: '' });
    expect(built(await runBuild('--compressed'))).toEqual([0, ['playground'], '']);
  });

  it('runs twice concurrently', async () => {
    write(project, { 'web/shared/what.js': `export const what = 'three';` });
    const both = await Promise.all([runBuild(), runBuild()]);
    expect(both.map(({ code, err }) => [code, err])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    expect(scriptOf('playground')).toContain('three');
    expect(readdirSync(dist).toSorted()).toEqual(['dashboard', 'playground', 'previous']);
  });

  describe('beside a running service', () => {
    let service: TestTidings;
    beforeAll(async () => {
      await runBuild();
      service = await TestTidings.start({ web: join(project, 'web') });
    });
    afterAll(() => service.stop());

    const statusOf = async (address: string) => (await fetch(service.url + address)).status;
    const shown = async () => {
      const html = await (await fetch(service.url, { headers: { accept: 'text/html' } })).text();
      return /src="([^"]{1,100})"/.exec(html)?.[1] ?? html;
    };

    it('keeps the files of served pages and is served afterwards', async () => {
      const before = await shown();
      await buildNext('first');
      // Of a page that was loaded before.
      expect(await statusOf(before)).toBe(200);
      const after = await shown();
      expect([after === before, await statusOf(after), await statusOf(before)]).toEqual([false, 200, 200]);
      await buildNext('second');
      await buildNext('third');
      const newest = await shown();
      expect([newest === after, await statusOf(newest)]).toEqual([false, 200]);
    });

    it('finds files of a document served by another instance', async () => {
      await buildNext('fourth');
      const [script = ''] = files('dashboard');
      expect(await statusOf(`/assets/${script}`)).toBe(200);
    });

    it('is served compressed after a compressed build of the same files', async () => {
      const script = await shown();
      const codingOf = async () => {
        const response = await fetch(service.url + script, { headers: { 'accept-encoding': 'br' } });
        return response.headers.get('content-encoding');
      };
      expect(await codingOf()).toBeNull();
      const { ino } = statSync(join(dist, 'dashboard'));
      expect(built(await runBuild('dashboard', '--compressed'))).toEqual([0, ['dashboard'], '']);
      expect([await shown(), await codingOf(), statSync(join(dist, 'dashboard')).ino]).toEqual([script, 'br', ino]);
    });

    it('never serves a document without its files', async () => {
      const seen = new Set<string>();
      const building = new AbortController();
      const visits = (async () => {
        while (!building.signal.aborted) {
          const script = await shown();
          expect([script, await statusOf(script)]).toEqual([script, 200]);
          seen.add(script);
        }
      })();
      try {
        for (const what of ['fifth', 'sixth', 'seventh']) await buildNext(what);
      } finally {
        building.abort();
        await visits;
      }
      expect(seen.size).toBeGreaterThan(1);
    });
  });

  describe('when interrupted', () => {
    it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s leaves no files', async (signal) => {
      const child = await standing();
      child.kill(signal);
      await once(child, 'exit');
      expect(left()).toEqual([]);
    });

    it('by the end of its parent process leaves no files', async () => {
      const child = await standing();
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
      expect(left()).toEqual([]);
    });

    it('by SIGKILL leaves a folder that the next build removes', async () => {
      const child = await standing();
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(left()).toHaveLength(1);
      write(project, page('dashboard'));
      expect(built(await runBuild())).toEqual([0, ['dashboard'], '']);
      expect(left()).toEqual([]);
    });
  });
});

describe('a service that starts during a build of its pages', () => {
  const web = folder();
  const lines: string[] = [];
  const record = (line: string) => void lines.push(line);
  const logger = { log: record, warn: record, error: record };
  let database: TestDatabase;
  let build: PageBuild;
  let tidings: Tidings;

  beforeAll(async () => {
    database = await createDatabase();
    // Does what it is told by files, so that each state lasts until it was looked at.
    write(web, {
      'build.mjs': `import { existsSync, watch } from 'node:fs';
        const reported = new Set();
        const look = () => {
          for (const page of process.argv.slice(2)) for (const state of ['done', 'failed'])
            if (!reported.has(page + state) && existsSync(import.meta.dirname + '/' + page + '.' + state)) {
              reported.add(page + state);
              process.send({ page, state });
            }
          if (existsSync(import.meta.dirname + '/end')) { console.error('no such module'); process.exit(1); }
        };
        watch(import.meta.dirname, look);
        process.on('disconnect', () => process.exit());
        look();`,
    });
    build = PageBuild.start(['dashboard', 'playground'], logger, web)!;
    const PORT = String(await freePort('127.0.0.1'));
    const config = loadConfig({ DATABASE_URL: database.url, APP_SECRET: SECRET, PORT, NODE_ENV: 'test' }, names);
    tidings = await startTidings(config, database.url, logger, { web, build });
  });
  afterAll(async () => {
    build.stop();
    await tidings.stop();
    await database.drop();
  });

  const open = async (path: string) => {
    const response = await fetch(`${tidings.url}${path}`, { headers: { accept: 'text/html' } });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };

  it('answers with a page that reloads until the build is done', async () => {
    expect((await fetch(`${tidings.url}/health/ready`)).status).toBe(200);
    for (const path of ['/', '/register', '/graphql']) {
      const { status, headers, body } = await open(path);
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '1']);
      expect(body).toContain('This page is being built');
      expect(body).toContain('<meta http-equiv="refresh" content="1">');
      expect(headers.get('cache-control')).toBe('no-cache');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    }
    expect((await open('/nothing')).status).toBe(404);
  });

  it('serves each page as soon as it is built', async () => {
    write(web, {
      'dist/dashboard/index.html': '<!doctype html><title>Built</title>',
      'dist/dashboard/assets/index-1.js': 'built',
      'dashboard.done': '',
    });
    await until(async () => (await open('/')).status === 200, 'the dashboard is shown');
    expect((await open('/')).body).toContain('<title>Built</title>');
    expect((await open('/assets/index-1.js')).body).toBe('built');
    expect((await open('/graphql')).status).toBe(503);
  });

  it('continues after a failed build and reports it in the page and the log', async () => {
    write(web, { end: '' });
    await until(async () => (await open('/graphql')).body.includes('could not be built'), 'the page says so');
    const { status, headers, body } = await open('/graphql');
    expect([status, headers.get('retry-after')]).toEqual([503, '10']);
    expect(body).not.toContain('no such module');
    expect(lines).toContain('no such module');
    expect((await open('/')).status).toBe(200);
  });

  it('builds nothing without sources or with pages off', () => {
    expect(PageBuild.start(['dashboard'], logger, join(web, 'dist'))).toBeUndefined();
    expect(PageBuild.start([], logger, web)).toBeUndefined();
  });
});

it('a stopped build ends with the service', async () => {
  const web = folder();
  write(web, {
    'build.mjs': `import { writeFileSync } from 'node:fs';
      setInterval(() => {}, 1_000);
      writeFileSync(import.meta.dirname + '/pid', String(process.pid));`,
  });
  const said: string[] = [];
  const logger = {
    log: (line: string) => void said.push(line),
    warn: (line: string) => void said.push(line),
    error() {},
  };
  const build = PageBuild.start(['dashboard'], logger, web)!;
  await until(() => existsSync(join(web, 'pid')), 'the build has begun');
  const pid = Number(readFileSync(join(web, 'pid'), 'utf8'));
  expect([isAlive(pid), build.stateOf('dashboard'), build.stateOf('playground')]).toEqual([true, 'building', 'done']);
  build.stop();
  await until(() => !isAlive(pid), 'the build has ended');
  expect(said).toEqual([]);
});
