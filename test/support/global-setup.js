// Jest globalSetup: starts a PostgreSQL cluster with a migrated template database, and a Redis server.
// TEST_POSTGRES_URL (as a superuser) and TEST_REDIS_URL name servers to use instead, for example another version of
// PostgreSQL. Plain JavaScript over the built sources, since Jest does not apply its module resolution to globalSetup.
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import { databaseContent } from '../../dist/src/database-content.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../../dist/src/embedded-postgres/embedded-postgres.js';
import { migrate } from '../../dist/src/engine/database/migrate.js';
import { ormOptions } from '../../dist/src/engine/database/orm-options.js';
import { startRedis } from './redis.ts';
import { TEMPLATE, withDatabase } from './database-url.ts';

/** Speed over durability: test data need not survive a crash. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  max_connections: '300',
};

/** Uses `password` authentication: tests open thousands of connections, and SCRAM takes half of the cost of each. */
async function checkPasswordsPlainly(em, password) {
  await em.execute(`set scram_iterations = 1; alter role current_user password '${password}'`);
  const [{ file }] = await em.execute(`select current_setting('hba_file') as file`);
  writeFileSync(file, 'host all all 127.0.0.1/32 password\n');
  await em.execute('select pg_reload_conf()');
}

/** In-memory file system on Linux. */
const MEMORY = '/dev/shm';
const NAME = /^tidings-tests-(\d+)-/;

export default async function setup() {
  const scratch = await makeScratch();
  // Temporary files of the tests and of their child processes go there.
  process.env['TMPDIR'] = scratch;
  const folder = join(scratch, 'cluster');
  const givenPostgres = process.env['TEST_POSTGRES_URL'];
  const postgres = givenPostgres
    ? { url: givenPostgres, stop: async () => {} }
    : await startEmbeddedPostgres({ dataDir: folder, settings: SETTINGS });
  const orm = await MikroORM.init(ormOptions(postgres.url, databaseContent, 4));
  if (!givenPostgres) await checkPasswordsPlainly(orm.em.fork(), decodeURIComponent(new URL(postgres.url).password));
  await orm.em.fork().execute(`drop database if exists ${TEMPLATE}`);
  await orm.em.fork().execute(`create database ${TEMPLATE}`);
  await orm.close(true);
  const template = await MikroORM.init(ormOptions(withDatabase(postgres.url, TEMPLATE), databaseContent, 4));
  await migrate(template);
  // Accounts that tests register are USERs. Tests of the first ADMIN delete this row.
  await template.em.fork().execute('insert into first_admin (id) values (1)');
  await template.close(true);
  providePgBouncer();
  for (const program of ['curl', 'jq']) {
    if (!provide(program)) throw new Error(`The documented shell snippets need ${program}: install it.`);
  }
  const given = process.env['TEST_REDIS_URL'];
  const redis = given ? undefined : await startOwnRedis();
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  process.env['TEST_REDIS_URL'] = given ?? redis?.url;
  // A signal must not leave servers running. The embedded PostgreSQL stops when this process exits.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      if (redis) process.kill(redis.pid, 'SIGKILL');
      process.exit(1);
    });
  }
  globalThis.stopTestServices = async () => {
    await redis?.stop();
    await postgres.stop();
    await removeEmbeddedPostgres(folder);
    rmSync(scratch, { recursive: true, force: true });
  };
}

/**
 * Creates the folder of this run: in memory if TMPDIR is not set and there is room. Tests create and drop hundreds of
 * databases, which takes ten times as long on ext4.
 */
async function makeScratch() {
  const root = !process.env['TMPDIR'] && hasRoom(MEMORY) ? MEMORY : tmpdir();
  await removeForsaken(root);
  const scratch = mkdtempSync(join(root, `tidings-tests-${process.pid}-`));
  // World-writable: the servers run as other users than root, each in its own subfolder.
  chmodSync(scratch, 0o1777);
  return scratch;
}

function hasRoom(folder) {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > 4 * 2 ** 30;
  } catch {
    return false;
  }
}

/** Removes the folders of killed runs, which would otherwise occupy memory until a reboot. */
async function removeForsaken(root) {
  for (const name of readdirSync(root)) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (!pid || runs(pid)) continue;
    await removeEmbeddedPostgres(join(root, name, 'cluster')).catch(() => {});
    rmSync(join(root, name), { recursive: true, force: true });
  }
}

function runs(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Starts redis-server, which is installed if missing (Debian, as root). Otherwise the error says how to install it. */
async function startOwnRedis() {
  const how = 'Install redis-server, or set TEST_REDIS_URL to a Redis that tests may use.';
  if (!provide('redis-server')) throw new Error(`The tests need a real Redis, which could not be had here. ${how}`);
  return startRedis();
}

/** Without PgBouncer, its tests are reported as todo, and the reason is printed here. */
function providePgBouncer() {
  if (!provide('pgbouncer'))
    process.stderr.write('SKIPPED: tests behind PgBouncer. Put pgbouncer in PATH to run them\n');
}

/** Whether the program is available. Installs it if missing (Debian, as root). */
function provide(program) {
  if (runsHere(program)) return true;
  if (process.getuid?.() !== 0) return false;
  process.stderr.write(`${program} is not on PATH: installing it with apt-get\n`);
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', program], { stdio: 'ignore' });
    // Tests start their own PgBouncer: stop the service that the package has started.
    if (program === 'pgbouncer') execFileSync('invoke-rc.d', ['pgbouncer', 'stop'], { stdio: 'ignore' });
  } catch {
    // The check below decides.
  }
  return runsHere(program);
}

function runsHere(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore', env: { PATH: `${process.env['PATH']}:/usr/sbin` } });
    return true;
  } catch {
    return false;
  }
}
