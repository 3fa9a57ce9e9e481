// Servers measured by requests.mjs: Tidings and the stock server, in production mode, each with its own PostgreSQL.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { rolldown } from 'rolldown';
import { databaseContent } from '../dist/src/database-content.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../dist/src/embedded-postgres/embedded-postgres.js';
import { migrate } from '../dist/src/engine/database/migrate.js';
import { ormOptions } from '../dist/src/engine/database/orm-options.js';
import { ask, cpuOf, memoryOf } from './service.mjs';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const OURS = path('../dist/bin/main.js');
const STOCK = path('../dist/bench/stock/main.js');
const SCHEMA = path('../schema.gql');
// oxlint-disable-next-line no-process-env -- a party gets nothing else of it
const { PATH } = process.env;
const PATIENCE_MS = 60_000;

/** Compiles the stock server as `nest build` would: each file for itself, its dependencies in node_modules. */
export async function buildStock() {
  const build = await rolldown({
    input: path('./peers/stock/main.ts'),
    platform: 'node',
    tsconfig: path('../tsconfig.json'),
    external: (id) => /^[@a-z]/.test(id) && !id.startsWith('@oxc-project/runtime'),
    treeshake: false,
  });
  await build.write({ dir: path('../dist/bench/stock'), keepNames: true, preserveModules: true });
  await build.close();
}

/** A PostgreSQL with the tables of our service. `cpu`: seconds that all of its processes have used, those that have ended too. */
export async function startDatabase() {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: directory });
  const orm = await MikroORM.init(ormOptions(postgres.url, databaseContent, 2));
  await migrate(orm);
  await orm.close(true);
  const client = new Client(postgres.url);
  await client.connect();
  const { rows } = await client.query('select pg_backend_pid() as pid');
  const postmaster = statOf(rows[0].pid).parent;
  return {
    url: postgres.url,
    client,
    cpu() {
      const running = childrenOf(postmaster).map((pid) => cpuIfThere(pid));
      return statOf(postmaster).ended + [cpuOf(postmaster), ...running].reduce((sum, used) => sum + used);
    },
    async stop() {
      await client.end();
      await postgres.stop();
      await removeEmbeddedPostgres(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** How each party is started: what its process is, and what it is told. */
const PROGRAMS = {
  ours: (database, { introspection }) => ({
    program: ['--enable-source-maps', '--disable-warning=DEP0169', OURS],
    env: {
      HOST: '127.0.0.1',
      APP_SECRET: randomBytes(32).toString('base64'),
      ACCESS_TOKEN_TTL: '1h',
      // Accounts come from networks of their own, as through a proxy.
      TRUST_PROXY: '127.0.0.0/8',
      DASHBOARD: 'off',
      PLAYGROUND: introspection ? 'on' : 'off',
      DATABASE_URL: database.url,
    },
  }),
  stock: (database) => ({
    program: ['--enable-source-maps', STOCK],
    env: { JWT_SECRET: randomBytes(32).toString('base64'), SCHEMA, DATABASE_URL: database.url },
  }),
};

/** Starts a party; `firstAnswer` is the ms from the start of its process to its first answer to an operation. */
export async function startParty(name, database, options = {}) {
  const port = await freePort();
  const { program, env } = PROGRAMS[name](database, options);
  const began = performance.now();
  const child = spawn(process.execPath, [...(options.node ?? []), ...program], {
    env: {
      PATH,
      NODE_ENV: 'production',
      NODE_COMPILE_CACHE: path('../node_modules/.cache/node'),
      PORT: String(port),
      PUBLIC_URL: `http://localhost:${port}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (output = (output + chunk).slice(-4_000)));
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(url, () => {
    if (child.exitCode !== null || performance.now() - began > PATIENCE_MS)
      throw new Error(`${name} did not start:\n${output}`);
  });
  return {
    name,
    url,
    pid: child.pid,
    firstAnswer: performance.now() - began,
    /** Seconds of CPU: all threads of the process, and its PostgreSQL. */
    cpu: () => ({ app: cpuOf(child.pid), database: database.cpu() }),
    memory: () => memoryOf(child.pid),
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(kill, 20_000);
      await gone;
      clearTimeout(force);
      process.off('exit', kill);
    },
  };
}

async function firstAnswer(url, assertStarting) {
  for (;;) {
    assertStarting();
    try {
      const { data } = await ask(url, '{ __typename }');
      if (data) return;
    } catch (error) {
      if (error.code !== 'ECONNREFUSED') throw error;
    }
    await delay(2);
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The parent of a process, and the seconds that its ended children have used, in full ticks. */
function statOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { parent: Number(fields[1]), ended: (Number(fields[13]) + Number(fields[14])) / 100 };
}

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
}

/** A process may end between the list and the look. */
function cpuIfThere(pid) {
  try {
    return cpuOf(pid);
  } catch {
    return 0;
  }
}
