// How the programs of PostgreSQL are run: as which user, with which environment, to their end.
import { spawn } from 'node:child_process';
import { USE_YOUR_OWN } from './embedded-errors.js';
import { endWithUs, identify, type ProcessIdentity } from './embedded-process.js';

/** A user to run as. Absent, wherever it is optional, means: as ourselves. */
export interface RunAs {
  uid: number;
  gid: number;
}

/** Environment of every program of PostgreSQL: nothing of ours leaks into it, and its messages are the English ones. */
export const SERVER_ENV = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a program to its end, in its own process group, with nothing of our environment. */
export async function runProgram(
  program: string,
  words: string[],
  runAs: RunAs | undefined,
  input: string,
  onStart: (child: ProcessIdentity) => Promise<void> = async () => {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, words, { ...runAs, cwd: '/', env: SERVER_ENV, detached: true, stdio: 'pipe' });
  let output = '';
  const collect = (data: Buffer): void => void (output += data.toString('utf8'));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', collect);
  child.stdin.on('error', () => {}); // it may have given up already
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', (error) => {
      output = cannotRun(program, error.message);
      resolve(null);
    });
  });
  const started = child.pid === undefined ? undefined : identify(child.pid);
  if (started) child.once('exit', endWithUs(started));
  try {
    if (started) await onStart(started);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
  return { code: await ended, output };
}

/** What to say when a program cannot even be started. */
export function cannotRun(program: string, why: string): string {
  return `${program}: ${why} (an npm package for another system, or a system without glibc, such as Alpine?); ${USE_YOUR_OWN}`;
}
