// The database of `npm start` without DATABASE_URL: a real PostgreSQL that this process starts, owns and stops last.
// Knows folders and processes, no tables and no configuration.
import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { platformPackage, provideBinaries } from './binaries.js';
import { createCluster, hasCluster, isOurs, provision, readPassword, removeDrafts } from './cluster.js';
import { lockDataDir } from './data-dir-lock.js';
import { DataDirInUseError, EmbeddedPostgresError, fileFailure } from './errors.js';
import { CLUSTER, locateCluster, homeOf, NOTE } from './cluster-location.js';
import { NAME, runningPort, type Server, signIn, startServer, stopLeftServer } from './server.js';

export { EmbeddedPostgresError };

export interface EmbeddedPostgres {
  /** `postgresql://…` to the database `tidings`, as its superuser, on 127.0.0.1. Holds the password. */
  readonly url: string;
  /** Stops the server and releases the folder; may be called more than once. Close connections first. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Created if missing. The cluster is in its folder `postgres`, or where its file `postgres.location` says. */
  dataDir: string;
  /** Called with what takes long or may surprise. */
  log?: (line: string) => void;
  /** More settings of the server, such as `{ fsync: 'off' }` for tests. */
  settings?: Record<string, string>;
  /** Chooses the port on 127.0.0.1, by default any free one. Called again when that is taken. */
  choosePort?: () => Promise<number>;
}

/** ms that `shareEmbeddedPostgres` waits for a process that is just starting or stopping the server. */
const SHARE_MS = 20_000;
const POLL_MS = 100;

/**
 * Starts the server of `dataDir` and waits until it is ready, creating its cluster the first time. A server that an owner
 * left running after kill -9 is stopped first. Throws `EmbeddedPostgresError`. Installs no signal handler: the caller calls
 * `stop` last. If this process exits without that, the server is told to stop too.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const packageDir = platformPackage();
  return withDataDir(options.dataDir, async (dataDir, unlock) => {
    const { server, password } = await start(dataDir, packageDir, options);
    let stopped: Promise<void> | undefined;
    return { url: urlOf(server.port, password), stop: () => (stopped ??= server.stop().finally(unlock)) };
  });
}

/** As `startEmbeddedPostgres`, but uses the server of the process that owns the folder, if one does; `stop` then keeps it. */
export async function shareEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const deadline = Date.now() + SHARE_MS;
  for (;;) {
    try {
      return await startEmbeddedPostgres(options);
    } catch (error) {
      if (!(error instanceof DataDirInUseError)) throw error;
      const url = await runningServer(options.dataDir);
      if (url) return { url, stop: () => Promise.resolve() };
      if (Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/** Whether the embedded database has been created in `dataDir`. */
export function hasEmbeddedPostgres(dataDir: string): boolean {
  return [CLUSTER, NOTE].some((name) => existsSync(join(dataDir, name)));
}

/** Removes the database of `folder`, wherever it is, and stops it if it was left running. Throws while it is in use. */
export function removeEmbeddedPostgres(folder: string): Promise<void> {
  return withDataDir(folder, async (dataDir, unlock) => {
    const { clusterDir, home } = await locateCluster(dataDir, () => {});
    await stopLeftServer(clusterDir);
    for (const path of home ? [home, `${home}.former`] : [clusterDir]) await rm(path, { recursive: true, force: true });
    for (const name of [NOTE, 'postgres.password']) await rm(join(dataDir, name), { force: true });
    unlock();
  });
}

/** Runs `work` as the owner of `folder`; `work` or what it returns calls `unlock` in the end. */
async function withDataDir<T>(folder: string, work: (dataDir: string, unlock: () => void) => Promise<T>): Promise<T> {
  const wanted = resolve(folder);
  let unlock: (() => void) | undefined;
  try {
    // Root's own folders must let the server's user pass.
    await mkdir(wanted, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    const dataDir = await realpath(wanted);
    await access(dataDir, constants.W_OK);
    unlock = lockDataDir(dataDir);
    return await work(dataDir, unlock);
  } catch (error) {
    unlock?.();
    throw fileFailure(error, wanted);
  }
}

async function start(
  dataDir: string,
  packageDir: string,
  { settings = {}, choosePort, log = () => {} }: EmbeddedPostgresOptions,
): Promise<{ server: Server; password: string }> {
  const { clusterDir, runAs, copyRoot, canRun } = await locateCluster(dataDir, log);
  const binaries = await provideBinaries(packageDir, copyRoot, canRun);
  const password = await readPassword(dataDir);
  const left = isOurs(clusterDir) ? await stopLeftServer(clusterDir) : undefined;
  if (left) log(`stopped the PostgreSQL that an earlier process left running (process ${left})`);
  await removeDrafts(clusterDir);
  if (!(await hasCluster(clusterDir, binaries.major))) {
    log(`making a new database in ${clusterDir}`);
    await createCluster(clusterDir, binaries, password, settings['fsync'] !== 'off', runAs);
  }
  const serverLog = join(clusterDir, 'server.log');
  const onDeath = (how: string): void => log(`PostgreSQL ended by itself (${how}), see ${serverLog}`);
  for (let isProvisioned = false; ; isProvisioned = true) {
    const server = await startServer({ postgres: binaries.postgres, clusterDir, runAs, settings, onDeath, choosePort });
    const failure = await signIn(server.port, password);
    if (failure === undefined) return { server, password };
    await server.stop();
    if (isProvisioned || !['28P01', '3D000'].includes(failure)) {
      throw new EmbeddedPostgresError(
        `PostgreSQL in ${clusterDir} starts, but a sign-in on 127.0.0.1 fails (${failure}). See ${serverLog}.`,
      );
    }
    log(
      failure === '28P01' ? 'the password was lost: making a new one' : `database ${NAME} is missing: making it again`,
    );
    await provision(clusterDir, binaries, password, runAs);
  }
}

/** Address of the server that runs for `folder`; undefined: none that is ready and has our password. Changes nothing. */
async function runningServer(folder: string): Promise<string | undefined> {
  const dataDir = await realpath(resolve(folder));
  const port = runningPort(join(homeOf(dataDir) ?? dataDir, CLUSTER));
  const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8').catch(() => '')).trim();
  return port && (await signIn(port, password)) === undefined ? urlOf(port, password) : undefined;
}

function urlOf(port: number, password: string): string {
  return `postgresql://${NAME}:${password}@127.0.0.1:${port}/${NAME}`;
}
