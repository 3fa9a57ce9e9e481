// How the programs of PostgreSQL are run: as which user and with which environment.
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { USE_YOUR_OWN } from './errors.js';

/** A user to run as. Absent, wherever it is optional, means the user of this process. */
export interface RunAs {
  uid: number;
  gid: number;
}

/**
 * Starts a program with none of our environment and with English messages. It has its own process group, because Ctrl-C in
 * a terminal must not reach PostgreSQL before we stop it. If this process exits first, the program is told to stop.
 */
export function spawnProgram(
  program: string,
  args: readonly string[],
  runAs: RunAs | undefined,
  stdio: StdioOptions,
): ChildProcess {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  const child = spawn(program, args, { ...runAs, cwd: '/', env, detached: true, stdio });
  const stop = (): void => void child.kill('SIGINT');
  process.once('exit', stop);
  child.once('exit', () => process.off('exit', stop));
  return child;
}

/** Runs a program to its end. `code` is null if it could not be started or a signal ended it. */
export function runProgram(
  program: string,
  args: readonly string[],
  runAs: RunAs | undefined,
  input = '',
): Promise<{ code: number | null; output: string }> {
  const child = spawnProgram(program, args, runAs, 'pipe');
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => void (output += data.toString('utf8')));
  child.stdin?.on('error', () => {}); // it may have ended already
  child.stdin?.end(input);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
    child.once('error', (error) => resolve({ code: null, output: cannotRun(program, error) }));
  });
}

/** Explains why a program could not be started. */
export function cannotRun(program: string, { message }: Error): string {
  return `${program}: ${message} (an npm package for another system, or a system without glibc, such as Alpine?); ${USE_YOUR_OWN}`;
}
