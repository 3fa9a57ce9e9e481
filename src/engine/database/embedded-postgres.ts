// The database of `npm start` without DATABASE_URL: a real PostgreSQL that this process starts, owns and stops last.
// It knows folders and processes, no tables and no configuration.
import { mkdir, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { platformPackage, provideBinaries } from './embedded-binaries.js';
import {
  createCluster,
  hasCluster,
  isOurs,
  NAME,
  provision,
  readPassword,
  removeInterrupted,
} from './embedded-cluster.js';
import { EmbeddedPostgresError, fileFailure } from './embedded-errors.js';
import { claimDataDir } from './embedded-owner.js';
import { findPlace, NOTE } from './embedded-place.js';
import { endWithUs } from './embedded-process.js';
import { type Server, startServer } from './embedded-server.js';
import { signIn } from './embedded-sign-in.js';
import { findServer, runsAs, stopServerOf } from './embedded-survivor.js';

export { EmbeddedPostgresError };

export interface EmbeddedPostgres {
  /** `postgresql://…` to the database `tidings`, as its superuser, on 127.0.0.1. Holds the password. */
  readonly url: string;
  /** Whether the server was left alive by a process that died, and was taken over. */
  readonly adopted: boolean;
  /** Stops the server and releases the folder; may be called more than once. Whatever uses the database must have ended. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Made if missing. The cluster is in its folder `postgres`, or where its file `postgres.location` says. */
  dataDir: string;
  /** Told, in few lines, what takes time or surprises. */
  log?: (line: string) => void;
  /** More settings of the server, such as `{ fsync: 'off' }` for tests. */
  settings?: Record<string, string>;
  /** Where it listens on 127.0.0.1, if not on whatever port is free. Asked again when that is taken. */
  choosePort?: () => Promise<number>;
}

/** One to find a server that was faster, one to stop what cannot be taken over, one to mend; more means that it is hopeless. */
const MOST_STARTS = 4;

/**
 * Starts the server of `dataDir`, making its cluster at the first time; ready to accept connections when it returns.
 * Throws `EmbeddedPostgresError`. Installs no signal handler: the caller calls `stop` last. If this process ends without
 * that, the server is told to end too; after a kill -9 the next start takes it over.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const packageDir = platformPackage();
  const dataDir = await openDataDir(options.dataDir);
  const release = await claimDataDir(dataDir).catch((error: unknown) => {
    throw fileFailure(error, dataDir);
  });
  try {
    const { server, password, adopted } = await start(dataDir, packageDir, options, log);
    const callOff = adopted ? endWithUs(server.process) : undefined; // a child of ours has that already
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await server.stop().finally(release);
      callOff?.();
    };
    return {
      url: `postgresql://${NAME}:${password}@127.0.0.1:${server.port}/${NAME}`,
      adopted,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    release();
    throw fileFailure(error, dataDir);
  }
}

/** Removes the database of `dataDir`, wherever it is, and stops it if it was left alive. Throws while it is in use. */
export async function removeEmbeddedPostgres(folder: string): Promise<void> {
  const dataDir = await openDataDir(folder);
  const release = await claimDataDir(dataDir);
  try {
    const { clusterDir, home } = await findPlace(dataDir, () => {});
    await stopServerOf(clusterDir);
    for (const gone of home ? [home, `${home}.former`] : [clusterDir]) await rm(gone, { recursive: true, force: true });
    for (const name of [NOTE, 'postgres.password']) await rm(join(dataDir, name), { force: true });
  } finally {
    release();
  }
}

async function openDataDir(folder: string): Promise<string> {
  const wanted = resolve(folder);
  try {
    // Root's own folders must let the server's user pass, but need not show it anything.
    await mkdir(wanted, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    return await realpath(wanted);
  } catch (error) {
    throw fileFailure(error, wanted);
  }
}

async function start(
  dataDir: string,
  packageDir: string,
  { settings = {}, choosePort }: EmbeddedPostgresOptions,
  log: (line: string) => void,
): Promise<{ server: Server; password: string; adopted: boolean }> {
  const { clusterDir, runAs, copyRoot, canRun } = await findPlace(dataDir, log);
  const binaries = await provideBinaries(packageDir, copyRoot, canRun);
  const password = await readPassword(dataDir);
  await removeInterrupted(clusterDir);
  const isMade = await hasCluster(clusterDir, binaries.major, runAs).catch(async (error: unknown) => {
    // Not usable, but a server that an earlier process left alive may still run in it.
    if (await isOurs(clusterDir)) await stopServerOf(clusterDir);
    throw error;
  });
  if (!isMade) {
    log(`making a new database in ${clusterDir}`);
    await createCluster(clusterDir, binaries, password, settings.fsync !== 'off', runAs);
  }
  const onDeath = (how: string): void =>
    log(`PostgreSQL ended by itself (${how}), see ${join(clusterDir, 'server.log')}`);
  const wanted = {
    postgres: binaries.postgres,
    clusterDir,
    runAs,
    settings,
    onDeath,
    ...(choosePort ? { choosePort } : {}),
  };
  for (let attempt = 1; attempt <= MOST_STARTS; attempt += 1) {
    const left = await findServer(clusterDir);
    const server = left ?? (await startServer(wanted));
    if (!server) continue;
    const isWanted = !left || runsAs(left, wanted);
    const answer = isWanted ? await signIn(server.port, NAME, NAME, password) : 'unreachable';
    if (answer === 'ok') {
      if (left) log(`took over the PostgreSQL that an earlier process left alive (process ${left.process.pid})`);
      return { server, password, adopted: Boolean(left) };
    }
    await server.stop();
    if (answer === 'refused' || answer === 'no-database') {
      log(
        answer === 'refused'
          ? 'the password file was lost: the database gets a new one'
          : `database ${NAME} was missing: it is made again`,
      );
      await provision(clusterDir, binaries, password, runAs);
    }
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL in ${clusterDir} starts, but does not let us in on 127.0.0.1. Is something else in the way there? See ${join(clusterDir, 'server.log')}.`,
  );
}
