// Private Redis servers for tests: loopback, no persistence, killable. Fault tests start their own; others may share
// one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Of the current process: changes with `restart()`. */
  readonly pid: number;
  /** Sends SIGKILL; resolves when the process has exited. */
  kill9(): Promise<void>;
  /** Sends SIGSTOP: the kernel still accepts connections, but nothing answers. */
  pause(): void;
  resume(): void;
  /** Starts an empty server on the same port, after killing the current one. */
  restart(): Promise<void>;
  /** Kills the server and removes its directory. */
  stop(): Promise<void>;
}

export async function startRedis(options: { port?: number } = {}): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-redis-'));
  const port = options.port ?? (await freePort());
  let server: ChildProcess;
  try {
    server = await launch(port, directory);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }

  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid ?? -1;
    },
    async kill9() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async restart() {
      await redis.kill9();
      server = await launch(port, directory);
    },
    async stop() {
      await redis.kill9();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return redis;
}

let shared: Promise<TestRedis> | undefined;

/**
 * URL of the Redis of the whole run (`TEST_REDIS_URL`), or of one for this test file. Pair it with {@link
 * stopSharedRedis}.
 */
export async function sharedRedisUrl(): Promise<string> {
  // oxlint-disable-next-line no-process-env -- it is a setting of the test run, not of the service
  const given = process.env['TEST_REDIS_URL'];
  if (given) return given;
  shared ??= startRedis();
  return (await shared).url;
}

export async function stopSharedRedis(): Promise<void> {
  const running = shared;
  shared = undefined;
  await (await running)?.stop();
}

/** Resolves when the server accepts connections; rejects with its last output if it exits before. */
async function launch(port: number, directory: string): Promise<ChildProcess> {
  const settings = { port, bind: '127.0.0.1', dir: directory, save: '', appendonly: 'no', daemonize: 'no' };
  const server = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    let said = '';
    server.stdout.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4096);
      if (said.includes('Ready to accept connections')) resolve();
    });
    server.on('exit', () => reject(new Error(`redis-server did not start:\n${said}`)));
    server.on('error', (error) =>
      reject(new Error('No redis-server in PATH: install it, or set TEST_REDIS_URL', { cause: error })),
    );
  });
  return server;
}

/**
 * A port below the ephemeral range: a client that reconnects to a closed ephemeral port may connect to itself, and the
 * system may assign the port to another process before the server restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const free = new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!(await free)) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
