// The server process of one cluster: starting it and waiting until it is ready.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serverFailure } from './embedded-errors.js';
import { openLog } from './embedded-log.js';
import { endWithUs, identify, type ProcessIdentity, stopProcess } from './embedded-process.js';
import { cannotRun, type RunAs, SERVER_ENV } from './embedded-program.js';

export interface ServerOptions {
  postgres: string;
  clusterDir: string;
  runAs?: RunAs | undefined;
  settings: Record<string, string>;
  /** Told when the server ends without having been stopped. */
  onDeath?: (how: string) => void;
  choosePort?: () => Promise<number>;
}

/** A living server. */
export interface Server {
  /** Its postmaster. */
  process: ProcessIdentity;
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

const MOST_TRIES = 50;
const READY_MS = 120_000;
const POLL_MS = 10;
const LOG_CHECK_MS = 60_000;

const PORT_TAKEN = /could not bind .{0,200}Address already in use/;
const STILL_ENDING = /pre-existing shared memory block .{0,200} is still in use/;
const ALREADY_RUNS = /lock file "postmaster.pid" already exists/;

/** Starts a server and waits until it accepts connections. Undefined: another server of this cluster was faster. */
export async function startServer(options: ServerOptions): Promise<Server | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const launched = await launch(options, await (options.choosePort ?? freePort)());
    if (typeof launched !== 'string') return launched;
    if (ALREADY_RUNS.test(launched)) return undefined;
    if (attempt < MOST_TRIES && PORT_TAKEN.test(launched)) continue;
    if (attempt < MOST_TRIES && STILL_ENDING.test(launched)) {
      await delay(200);
      continue;
    }
    throw serverFailure('PostgreSQL did not start', options.clusterDir, launched);
  }
}

/** The words after the program's name. */
export function serverArguments({ clusterDir, settings }: ServerOptions, port: number): string[] {
  const all = Object.entries({ ...DEFAULTS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', clusterDir, '-p', String(port), ...all];
}

/** One try. A string is what the server wrote before it gave up. */
async function launch(options: ServerOptions, port: number): Promise<Server | string> {
  const { clusterDir, runAs } = options;
  const log = await openLog(clusterDir, runAs);
  // Its own process group: the terminal's Ctrl-C must not reach the server before we are done with it.
  const child = spawn(options.postgres, serverArguments(options, port), {
    ...runAs,
    cwd: '/',
    env: SERVER_ENV,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  let how: string | undefined;
  const exited = new Promise<void>((resolve) => {
    const end = (told: string): void => {
      how ??= told;
      resolve();
    };
    child.once('exit', (code, signal) => end(signal ? `signal ${signal}` : `exit code ${code}`));
    child.once('error', (error) => end(error.message));
  });
  const me = child.pid === undefined ? undefined : identify(child.pid);
  if (me) child.once('exit', endWithUs(me));
  const deadline = Date.now() + READY_MS;
  while (how === undefined) {
    const file = readPostmasterFile(clusterDir);
    if (me && file?.pid === me.pid && file.ready) break;
    if (me && Date.now() > deadline) {
      await stopProcess(me);
      how = `not ready after ${READY_MS / 1000} s`;
    }
    await Promise.race([delay(POLL_MS), exited]);
  }
  if (how !== undefined || !me) {
    const output = log.written();
    log.close();
    return output.trim() === '' && child.pid === undefined ? cannotRun(options.postgres, how ?? '') : output;
  }
  child.unref(); // the caller's own work keeps it alive, not the server
  const watch = setInterval(() => log.bound(), LOG_CHECK_MS).unref();
  let stopping = false;
  child.once('exit', () => {
    clearInterval(watch);
    log.close();
    if (!stopping) options.onDeath?.(how ?? 'exit');
  });
  return {
    process: me,
    port,
    async stop() {
      stopping = true;
      child.ref();
      await stopProcess(me);
      await exited;
    },
  };
}

export interface PostmasterFile {
  pid: number;
  port: number;
  ready: boolean;
}

/** What the server of a cluster tells about itself in `postmaster.pid`; it may be dead. */
export function readPostmasterFile(clusterDir: string): PostmasterFile | undefined {
  try {
    const lines = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
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
