// Runs every code block of the documentation as printed. A block of an unknown kind fails.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOperationAST, parse as parseGraphql, buildSchema, validate } from 'graphql';
import { loadConfig } from '../src/engine/config/config.js';
import { removeEmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.js';
import { IDLE_IN_TRANSACTION_MS, STATEMENT_TIMEOUT_MS } from '../src/engine/database/startup-parameters.js';
import { GraphqlClient } from './support/graphql-client.js';
import { OwnPostgres } from './support/own-postgres.js';
import { type Block, blocksOf, fileNameOf } from './support/printed-code.js';
import { isForFrontends } from './support/printed-pages.js';
import { killAll, ServiceProcess } from './support/process.js';
import { SocketClient } from './support/socket-client.js';
import { until, within } from './support/wait.js';
import { service as names } from '../src/boot/service.js';

const ROOT = process.cwd();
const EXAMPLES = 'docs/examples';
const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const examples = readdirSync(EXAMPLES);
const BLOCKS = PAGES.flatMap(blocksOf).filter((block) => !isForFrontends(block));
const titleOf = ({ path, line, language }: Block) => `${path}:${line} (${language || 'no language'})`;

/** A home directory of its own, with commands in front of the others. */
const home = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-documented-')));
const commands = join(home, 'bin');
/** Below the project, where the code finds its packages as that of any reader does. */
const modules = join(ROOT, 'node_modules/.cache/documented-code');
const dataDir = join(home, 'data');

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.start({ DATA_DIR: dataDir, PORT: '0', ACCESS_TOKEN_TTL: '10s', RATE_LIMITS: 'off' });
  const { host } = new URL(service.url);
  mkdirSync(commands);
  // Readers have it at port 4000.
  writeFileSync(join(home, '.curlrc'), `connect-to = "localhost:4000:${host}"\n`);
  // npm itself would build and start what runs already: whether it would find the scripts, and with which environment.
  command(
    'npm',
    `name=$1; [ "$1" = run ] && name=$2
case $name in ci|"") ;; *) jq -e --arg name "$name" '.scripts | has($name)' package.json >/dev/null || exit 1 ;; esac
echo "npm $*" >>"$HOME/npm.log"; env -0 >"$HOME/npm.env"`,
  );
  command('npx', `[ "$1" = node ] && shift; exec ${join(ROOT, 'node_modules/.bin/node')} "$@"`);
});
afterAll(async () => {
  await killAll();
  await removeEmbeddedPostgres(dataDir);
  rmSync(home, { recursive: true, force: true });
});

function command(name: string, script: string): void {
  writeFileSync(join(commands, name), `#!/bin/bash\n${script}\n`);
  chmodSync(join(commands, name), 0o755);
}

/** Runs bash in the project, as a reader does; `output` grows while it runs. */
function bash(script: string) {
  const env = {
    HOME: home,
    PATH: `${commands}:${process.env['PATH']}`,
    NODE_OPTIONS: `--import=${join(ROOT, 'test/fixtures/elsewhere.mjs')}`,
    TIDINGS_UNDER_TEST: new URL(service.url).host,
  };
  const child = spawn('bash', ['-eo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = { output: '', ended: once(child, 'close').then(([code]) => code as number), stop: () => child.kill() };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      run.output += chunk.toString();
    });
  }
  return run;
}

async function ran(script: string): Promise<string> {
  const run = bash(script);
  const code = await within(30_000, run.ended, 'it ended');
  if (code !== 0) throw new Error(`It ended with ${code}:\n${run.output}`);
  return run.output;
}

/** Blocks whose every line is a setting: an environment of the service. */
const isEnvironment = ({ text }: Block) =>
  text
    .trim()
    .split('\n')
    .every((line) => /^[A-Z_]+=/.test(line));
/** The walk through the first five minutes: one terminal, and another one that watches. */
const isWatcher = ({ path, text }: Block) =>
  path === 'README.md' && text.startsWith('npx node docs/examples/watch.mjs');
const isWalk = ({ path, language, text }: Block) =>
  path === 'README.md' && language === 'sh' && !text.startsWith('npm');
const walk = BLOCKS.filter(isWalk);

const isWatched = async () => /^tidings_subscriptions 1$/m.test(await (await fetch(`${service.url}/metrics`)).text());

async function walkThrough(): Promise<void> {
  const watcher = bash(
    walk
      .filter(isWatcher)
      .map(({ text }) => text)
      .join('\n'),
  );
  await until(isWatched, 'the watcher had subscribed');
  const said = await ran(
    walk
      .filter((block) => !isWatcher(block))
      .map(({ text }) => text)
      .join('\n'),
  );
  expect(said).toContain('"name": "Comet"');
  expect(said).toContain('"title": "First light"');
  expect(said).not.toMatch(/"errors"|null\n$/);
  await until(() => watcher.output.includes('First light'), `the watcher had seen it: ${watcher.output}`);
  watcher.stop();
  await watcher.ended;
}

/** Left-out secrets are filled in. */
async function asEnvironment({ text }: Block): Promise<void> {
  const secret = randomBytes(32).toString('base64');
  await ran(`set -a\n${text.replace(/^APP_SECRET=…/m, `APP_SECRET=${secret}`)}\nenv -0 >"$HOME/npm.env"`);
  expect(() => loadConfig(environment(), names)).not.toThrow();
}

/** What the command that ran last was given. */
function environment(): Record<string, string> {
  const pairs = readFileSync(join(home, 'npm.env'), 'utf8').split('\0').filter(Boolean);
  const all = Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  for (const name of ['HOME', 'PATH', 'NODE_OPTIONS', 'TIDINGS_UNDER_TEST', 'PWD', 'SHLVL', '_', 'OLDPWD'])
    delete all[name];
  return all;
}

/** Commands of npm: they are known, and the environment that they are given is a valid one. */
async function asNpmCommands({ text }: Block): Promise<void> {
  writeFileSync(join(home, 'npm.log'), '');
  await ran(text);
  expect(readFileSync(join(home, 'npm.log'), 'utf8')).toMatch(/^npm /);
  expect(() => loadConfig(environment(), names)).not.toThrow();
}

/** All code of the pages that says its name, and those that have none by their first export. */
function writeModules(): void {
  mkdirSync(modules, { recursive: true });
  for (const block of BLOCKS.filter(({ language }) => language === 'js')) {
    const name = fileNameOf(block) ?? `${/export (?:async )?function (\w+)/.exec(block.text)?.[1]}.mjs`;
    writeFileSync(join(modules, name), block.text);
  }
}

/** In docs/examples too, which is what test/outages.spec.ts and the watcher run. */
async function asExample(block: Block): Promise<void> {
  expect(block.text).toBe(readFileSync(join(EXAMPLES, fileNameOf(block)!), 'utf8'));
  writeModules();
  await ran(`npx node -e 'import("${join(modules, fileNameOf(block)!)}")'`);
}

async function asPage(): Promise<void> {
  writeModules();
  const program = join(ROOT, 'test/fixtures/page-program.mjs');
  const said = await ran(`npx node ${program} ${join(modules, 'pageClient.mjs')} ${service.url} user@example.com`);
  expect(said).toBe('user@example.com\nwatched by 1\n');
}

async function asOperation({ text }: Block): Promise<void> {
  const document = parseGraphql(text);
  expect(validate(buildSchema(readFileSync('schema.gql', 'utf8')), document)).toEqual([]);
  const login = 'mutation { login(input: { email: "admin@example.com", password: "tidings-demo" }) { accessToken } }';
  const { accessToken } = (await new GraphqlClient(service.url).data(login)).login;
  const { projects } = await new GraphqlClient(service.url, accessToken).data(
    '{ projects(first: 1) { nodes { id } } }',
  );
  const socket = new SocketClient(service.url, accessToken);
  const { variableDefinitions = [] } = getOperationAST(document)!;
  const variables = variableDefinitions.length > 0 ? { id: projects.nodes[0].id } : undefined;
  expect(await socket.subscribe(text, variables).next()).toMatchObject({ data: {} });
  await socket.close();
}

/** Settings of the role `tidings`: it and its database are those of the embedded PostgreSQL. They are what the service wants. */
async function asSettings({ text }: Block): Promise<void> {
  const postgres = await OwnPostgres.start();
  try {
    await postgres.query(text);
    const [row] = await postgres.query<{ setconfig: string[] }>('select setconfig from pg_db_role_setting');
    expect(row?.setconfig).toEqual([
      `statement_timeout=${STATEMENT_TIMEOUT_MS / 1_000}s`,
      `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS / 1_000}s`,
    ]);
  } finally {
    await postgres.stop();
  }
}

/** How a block is run; undefined: nobody knows. */
function wayOf(block: Block): ((block: Block) => Promise<void>) | undefined {
  const { language, text } = block;
  switch (language) {
    case 'sh':
      if (isEnvironment(block)) return asEnvironment;
      if (isWalk(block)) return walkThrough;
      return /^([A-Z_]+=\S+ )*npm /.test(text) ? asNpmCommands : undefined;
    case 'js':
      if (fileNameOf(block)) return asExample;
      return text.includes('export function pageClient') ? asPage : undefined;
    case 'graphql':
      return asOperation;
    case 'sql':
      return text.startsWith('ALTER ROLE "tidings" IN DATABASE "tidings"') ? asSettings : undefined;
    default:
      return undefined;
  }
}

/** A drawing for whoever renders the page: nothing in it runs. */
const DRAWING = 'mermaid';
const code = BLOCKS.filter(({ language }) => language !== DRAWING);

describe('documented code', () => {
  it('is present, and each example of docs/examples is printed in a page', () => {
    expect(code.length).toBeGreaterThan(10);
    const printed = new Set(BLOCKS.map(fileNameOf));
    expect(examples.filter((name) => !printed.has(name))).toEqual(['watch.mjs']);
  });

  // The walk is one test, however many blocks it has.
  it.each(code.filter((block) => block === walk[0] || !isWalk(block)).map((block) => [titleOf(block), block] as const))(
    '%s runs as it stands',
    async (title, block) => {
      const run = wayOf(block);
      if (!run)
        throw new Error(`Nothing here knows how to run ${title}: add a way to wayOf, or say why it cannot be run.`);
      await expect(run(block)).resolves.toBeUndefined();
    },
  );
});
