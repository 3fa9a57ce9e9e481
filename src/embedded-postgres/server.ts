// The server process of one cluster: started on a free port, stopped, and stopped when an earlier process left it running.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, fchownSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync } from 'node:fs';
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedPostgresError, serverFailure } from './errors.js';
import { cannotRun, type RunAs, spawnProgram } from './programs.js';

/** Both the superuser and the database have this name. */
export const NAME = 'tidings';

export interface ServerOptions {
  postgres: string;
  clusterDir: string;
  runAs?: RunAs | undefined;
  settings: Record<string, string>;
  /** Called when the server ends without having been stopped. */
  onDeath?: (how: string) => void;
  choosePort?: (() => Promise<number>) | undefined;
}

/** A server that runs and accepts connections on 127.0.0.1. */
export interface Server {
  port: number;
  stop(): Promise<void>;
}

const DEFAULTS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  log_checkpoints: 'off',
  cluster_name: 'tidings',
};

/** Fast shutdown, immediate shutdown, kill; ms that each may take. */
const STOP_SIGNALS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const;
const READY_MS = 120_000;
const POLL_MS = 10;
const MAX_ATTEMPTS = 50;
const RETRY_MS = 200;
/** The port was taken in the meantime, or another process of this cluster is still ending. */
const TEMPORARY =
  /could not bind .{0,200}Address already in use|pre-existing shared memory block|lock file "postmaster.pid" already exists/;

/** The log is emptied when it is longer. */
const MAX_LOG_BYTES = 5 * 1024 * 1024;
const LOG_CHECK_MS = 60_000;
const LOG_EXCERPT_BYTES = 64 * 1024;

/** Starts a server and waits until it accepts connections. */
export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const launched = await launch(options, await (options.choosePort ?? freePort)());
    if (typeof launched !== 'string') return launched;
    if (attempt === MAX_ATTEMPTS || !TEMPORARY.test(launched))
      throw serverFailure('PostgreSQL did not start', options.clusterDir, launched);
    await delay(RETRY_MS);
    await stopLeftServer(options.clusterDir);
  }
}

/** One attempt. A string is what the server wrote before it ended. */
async function launch(options: ServerOptions, port: number): Promise<Server | string> {
  const { postgres, clusterDir, runAs } = options;
  const log = openLog(clusterDir, runAs);
  const logStart = fstatSync(log).size;
  const settings = Object.entries({ ...DEFAULTS, ...options.settings });
  const args = [
    '-D',
    clusterDir,
    '-p',
    String(port),
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const child = spawnProgram(postgres, args, runAs, ['ignore', log, log]);
  let end: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => resolve(void (end = signal ? `signal ${signal}` : `exit code ${code}`)));
    child.once('error', (error) => resolve(void (end = cannotRun(postgres, error))));
  });
  const isRunning = () => end === undefined;
  const isReady = () => {
    const file = readPostmasterFile(clusterDir);
    return file?.pid === child.pid && file?.isReady;
  };
  const deadline = Date.now() + READY_MS;
  while (isRunning() && !isReady()) {
    if (child.pid && Date.now() > deadline) await endProcess(child.pid, isRunning);
    await Promise.race([delay(POLL_MS), ended]);
  }
  if (end !== undefined) {
    const output = child.pid ? readLog(log, logStart) : end;
    closeSync(log);
    return output;
  }
  child.unref(); // the caller's own work keeps this process alive, not the server
  const watch = setInterval(() => limitLog(log), LOG_CHECK_MS).unref();
  let isStopping = false;
  child.once('exit', () => {
    clearInterval(watch);
    closeSync(log);
    if (!isStopping) options.onDeath?.(String(end));
  });
  return {
    port,
    async stop() {
      isStopping = true;
      child.ref();
      await endProcess(child.pid!, isRunning);
    },
  };
}

/** Stops the server of this cluster that an earlier process left running. Returns its process id; undefined: there was none. */
export async function stopLeftServer(clusterDir: string): Promise<number | undefined> {
  const pid = readPostmasterFile(clusterDir)?.pid ?? 0;
  if (pid <= 0 || !signalProcess(pid, 0)) return undefined; // PostgreSQL replaces such a file itself
  if (!isPostgresOf(pid, clusterDir)) {
    // Another process has the id by now; PostgreSQL would take it for a running server and refuse to start.
    await rm(join(clusterDir, 'postmaster.pid'), { force: true });
    return undefined;
  }
  await endProcess(pid, () => isPostgresOf(pid, clusterDir));
  return pid;
}

/** Resolves when the process has ended. */
async function endProcess(pid: number, isRunning: () => boolean): Promise<void> {
  for (const [signal, patienceMs] of STOP_SIGNALS) {
    const deadline = Date.now() + patienceMs;
    if (isRunning()) signalProcess(pid, signal);
    while (isRunning() && Date.now() < deadline) await delay(POLL_MS);
  }
  if (isRunning()) throw new EmbeddedPostgresError(`PostgreSQL (process ${pid}) does not end, not even by kill -9.`);
}

/** The port of the server that runs in this cluster and accepts connections. */
export function runningPort(clusterDir: string): number | undefined {
  const file = readPostmasterFile(clusterDir);
  return file?.isReady && isPostgresOf(file.pid, clusterDir) ? file.port : undefined;
}

/** What the server of a cluster writes into `postmaster.pid`. That server may be dead. */
function readPostmasterFile(clusterDir: string): { pid: number; port: number; isReady: boolean } | undefined {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
}

/** Whether process `pid` is a server of this cluster: each of them works in its folder. */
function isPostgresOf(pid: number, clusterDir: string): boolean {
  try {
    if (process.platform !== 'linux') {
      const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
      return command.includes(`postgres -D ${clusterDir} `);
    }
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'postgres') return false;
    return worksIn(pid, clusterDir) ?? readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0-D\0${clusterDir}\0`);
  } catch {
    return false;
  }
}

/** Undefined: we may not see it. That is root without CAP_SYS_PTRACE, as in containers, and a process of another user. */
function worksIn(pid: number, folder: string): boolean | undefined {
  try {
    const [cwd, { ino, dev }] = [statSync(`/proc/${pid}/cwd`), statSync(folder)];
    return cwd.ino === ino && cwd.dev === dev;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw error;
  }
}

/** Returns whether the process exists. Signal 0 only asks. */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Signs in once, by SCRAM-SHA-256. Returns undefined, or why that failed: 28P01 (another password), 3D000 (no database),
 * another SQLSTATE or error code.
 */
export async function signIn(port: number, password: string): Promise<string | undefined> {
  const address = { host: '127.0.0.1', port, user: NAME, database: NAME, ssl: false };
  const client = new Client({ ...address, password, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code ?? message;
  } finally {
    await client.end();
  }
}

function openLog(clusterDir: string, owner: RunAs | undefined): number {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants; // root follows no link in a folder of another user
  const log = openSync(join(clusterDir, 'server.log'), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  if (owner) fchownSync(log, owner.uid, owner.gid);
  limitLog(log);
  return log;
}

function limitLog(log: number): void {
  if (fstatSync(log).size > MAX_LOG_BYTES) ftruncateSync(log, 0);
}

function readLog(log: number, start: number): string {
  const { size } = fstatSync(log);
  const from = Math.max(start, size - LOG_EXCERPT_BYTES);
  const buffer = Buffer.alloc(size - from);
  return buffer.subarray(0, readSync(log, buffer, 0, buffer.length, from)).toString('utf8');
}

/** A port of 127.0.0.1 that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
