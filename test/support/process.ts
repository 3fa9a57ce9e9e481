// Runs the built service as a child process, as `npm start` does, with a given environment.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { assertNothingFound, scan } from './log-scan.js';
import { within } from './wait.js';

const ROOT = process.cwd();
/** npm passes this script to a shell. The script must `exec` the service, or signals to npm would not reach it. */
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
/**
 * Lines that announce the service's URL: the listening address if it differs from the public URL, a log line, or the
 * public URL.
 */
const UP = [/Listening +(http\S+)/, /Up at (http[^\s"]+)/, /Tidings is up at (http\S+)/];

const running = new Set<ServiceProcess>();

export class ServiceProcess {
  /** Everything written to stdout and stderr so far. */
  output = '';
  /** Exit code or signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
  private told: () => void = () => {};

  private constructor(
    private readonly child: ChildProcess,
    env: Record<string, string>,
  ) {
    running.add(this);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.told();
      });
    }
    // `close` follows `exit` once stdout and stderr have been read to their end.
    this.exited = once(child, 'close').then(([code, signal]) => {
      running.delete(this);
      scan(this.output, env);
      return code ?? signal;
    });
  }

  /** Starts the service with `env` only, without waiting. `cwd`: the project, or a copy of its build. */
  static launch(env: Record<string, string>, nodeOptions: readonly string[] = [], cwd = ROOT): ServiceProcess {
    const PATH = [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const words = ['-c', scripts.start];
    const NODE_OPTIONS = nodeOptions.map((option) => JSON.stringify(option)).join(' ');
    return new ServiceProcess(
      spawn('sh', words, { cwd, env: { PATH, NODE_OPTIONS, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
      env,
    );
  }

  /** Starts the service and waits until it is ready. */
  static async start(
    env: Record<string, string>,
    nodeOptions: readonly string[] = [],
    cwd = ROOT,
  ): Promise<ServiceProcess> {
    const service = ServiceProcess.launch(env, nodeOptions, cwd);
    await service.isUp();
    return service;
  }

  /** Resolves when the service is ready; rejects if it exits or `ms` pass before. */
  isUp(ms = 60_000): Promise<void> {
    return this.says(/Up at http|Health +http/, ms); // the rest of the message is written in the same call
  }

  /** Runs the service until it exits by itself. */
  static async run(env: Record<string, string>): Promise<{ code: number | NodeJS.Signals; output: string }> {
    const service = ServiceProcess.launch(env);
    const code = await within(60_000, service.exited, 'the process ended by itself');
    return { code, output: service.output };
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The URL that the service listens on. */
  get url(): string {
    const url = UP.map((pattern) => pattern.exec(this.output)?.[1]).find(Boolean);
    if (!url) throw new Error(`It is not up:\n${this.output}`);
    return url;
  }

  /** Resolves when the output matches `pattern`; rejects if the service exits or `ms` pass before. */
  async says(pattern: RegExp, ms = 60_000): Promise<void> {
    while (!pattern.test(this.output)) {
      const more = new Promise<void>((resolve) => {
        this.told = resolve;
      });
      const end = this.exited.then((code) => Promise.reject(new Error(`it ended with ${code}:\n${this.output}`)));
      await within(ms, Promise.race([more, end]), `it said ${pattern}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends `signal` and waits for the exit. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    return within(60_000, this.exited, `it ended after ${signal}`);
  }
}

/** Kills all processes that are still running. Fails if any process of the test file has logged a secret. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((service) => service.stop('SIGKILL')));
  assertNothingFound();
}

/** Whether a process with this id exists. A zombie counts until its parent reaps it. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Process id of the running PostgreSQL of a data directory, also if the directory was moved to the fallback location;
 * undefined: not running.
 */
export function databaseProcess(dataDir: string): number | undefined {
  try {
    const folder = clusterOf(dataDir);
    const pid = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function clusterOf(dataDir: string): string {
  let home = dataDir;
  try {
    home = /^\/.*$/m.exec(readFileSync(join(dataDir, 'postgres.location'), 'utf8'))?.[0] ?? dataDir;
  } catch {
    // Without postgres.location the cluster is in dataDir itself.
  }
  return join(home, 'postgres');
}
