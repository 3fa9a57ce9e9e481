// The service as the process that `npm start` makes of it: the built program, with an environment of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { assertNothingFound, scan } from './log-scan.js';
import { within } from './wait.js';

const ROOT = process.cwd();
/** The script as npm hands it to the shell: the shell must become the service, or signals to npm would never reach it. */
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
/** What it says when it is up: where it listens if that is not its public address, a line of its log, or the address alone. */
const UP = [/Listening +(http\S+)/, /Up at (http[^\s"]+)/, /Tidings is up at (http\S+)/];

const running = new Set<ServiceProcess>();

export class ServiceProcess {
  /** Everything that it has written. */
  output = '';
  /** Exit code, or the signal that killed it. */
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
    // `close` comes after `exit`, when everything written has been read too.
    this.exited = once(child, 'close').then(([code, signal]) => {
      running.delete(this);
      scan(this.output, env);
      return code ?? signal;
    });
  }

  /** Starts it as `npm start` does, with nothing but `env`, and does not wait. `cwd` is the project, or what was made of it. */
  static launch(env: Record<string, string>, nodeOptions: readonly string[] = [], cwd = ROOT): ServiceProcess {
    const PATH = [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const words = ['-c', scripts.start];
    const NODE_OPTIONS = nodeOptions.map((option) => JSON.stringify(option)).join(' ');
    return new ServiceProcess(
      spawn('sh', words, { cwd, env: { PATH, NODE_OPTIONS, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
      env,
    );
  }

  /** Starts it and waits until it is up. */
  static async start(
    env: Record<string, string>,
    nodeOptions: readonly string[] = [],
    cwd = ROOT,
  ): Promise<ServiceProcess> {
    const service = ServiceProcess.launch(env, nodeOptions, cwd);
    await service.isUp();
    return service;
  }

  /** Resolves when it is up; rejects when it ends without, or is not after `ms`. */
  isUp(ms = 60_000): Promise<void> {
    return this.says(/Up at http|Health +http/, ms); // written at once, so the rest is there too
  }

  /** Runs it to its end, which it comes to by itself. */
  static async run(env: Record<string, string>): Promise<{ code: number | NodeJS.Signals; output: string }> {
    const service = ServiceProcess.launch(env);
    const code = await within(60_000, service.exited, 'the process ended by itself');
    return { code, output: service.output };
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Where it listens. */
  get url(): string {
    const url = UP.map((pattern) => pattern.exec(this.output)?.[1]).find(Boolean);
    if (!url) throw new Error(`It is not up:\n${this.output}`);
    return url;
  }

  /** Resolves when it has written what `pattern` matches; rejects when it ends without. */
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

  /** Sends the signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    return within(60_000, this.exited, `it ended after ${signal}`);
  }
}

/** Kills whatever a test has left running. Fails if any process of the test file has written a secret. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((service) => service.stop('SIGKILL')));
  assertNothingFound();
}

/** Whether a process has this id. One that has ended keeps it until its parent takes note. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Process id of the living PostgreSQL of a data folder, wherever that has put it; undefined: none runs. */
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
    // It is where it was wanted.
  }
  return join(home, 'postgres');
}
