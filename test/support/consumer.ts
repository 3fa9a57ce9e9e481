// A temporary project with the packed client (`npm pack`) installed, and other packages symlinked from this repository.
import { execFile, type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = process.cwd();
const BIN = join(ROOT, 'node_modules/.bin');
const exec = promisify(execFile);

export class Consumer {
  private readonly running = new Set<ChildProcess>();

  private constructor(
    readonly folder: string,
    /** Path of the client's `npm pack` tarball. */
    readonly tarball: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** `env`: additional environment variables for every command. */
  static async make(packages: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Consumer> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-consumer-')));
    // --ignore-scripts: the client is already built, and a rebuild would break tests that use it concurrently.
    await exec('npm', ['pack', '-w', 'client', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
    const tarball = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
    );
    const modules = join(folder, 'node_modules');
    const client = join(modules, '@tidings/client');
    mkdirSync(client, { recursive: true });
    await exec('tar', ['-xzf', tarball, '--strip-components=1', '-C', client]);
    for (const name of packages) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    const consumer = new Consumer(folder, tarball, env);
    consumer.write({ 'package.json': '{ "type": "module" }' });
    return consumer;
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  /** Starts a shell command with this repository's binaries; `output` (stdout and stderr) grows while it runs. */
  begin(command: string) {
    const PATH = [BIN, process.env['PATH']].join(delimiter);
    const child = spawn('bash', ['-ec', `npx() { "$@"; }; ${command}`], {
      cwd: this.folder,
      env: { HOME: this.folder, PATH, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.running.add(child);
    const run = {
      output: '',
      ended: once(child, 'close').then(([code]) => {
        this.running.delete(child);
        return code as number | null;
      }),
      stop: () => kill(child),
    };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        run.output += chunk.toString();
      });
    return run;
  }

  /** Runs a command and returns its output. Throws with the output if the exit code is not 0. */
  async run(command: string): Promise<string> {
    const run = this.begin(command);
    const code = await run.ended;
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${run.output}`);
    return run.output;
  }

  remove(): void {
    for (const child of this.running) kill(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Kills the whole process group. */
function kill({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {
    // The process group has already exited.
  }
}
