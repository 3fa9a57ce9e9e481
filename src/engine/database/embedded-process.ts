// Processes of the system, told apart from later ones with the same id.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError } from './embedded-errors.js';

const POLL_MS = 10;

/** A process that cannot be mistaken for a later one with the same id. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and start time, as the system tells them; compared, never read. */
  started: string;
}

/** The living process `pid`, or undefined when there is none. A zombie is dead. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // proc(5): the name in parentheses may hold anything; the state is field 3, the start time field 22.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      return { pid, started: `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}` };
    }
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    const [state = 'Z', ...started] = line.trim().split(/\s+/);
    return state.startsWith('Z') ? undefined : { pid, started: started.join(' ') };
  } catch {
    return undefined;
  }
}

/** Whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Sends `signal` to exactly this process, if it still lives. */
export function signalProcess(to: ProcessIdentity, signal: NodeJS.Signals, target = to.pid): void {
  try {
    if (isAlive(to)) process.kill(target, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended in between
  }
}

/** Sends `signal` to the process group that this process leads. */
export function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  signalProcess(leader, signal, -leader.pid);
}

/** Tells the process to end when we end without having waited for it. Returns how to call that off. */
export function endWithUs(child: ProcessIdentity): () => void {
  const end = (): void => signalProcess(child, 'SIGINT');
  process.once('exit', end);
  return () => void process.off('exit', end);
}

/** Fast shutdown, then immediate shutdown, then the last resort; each has its time. Resolves when it is gone. */
export async function stopProcess(server: ProcessIdentity): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    const deadline = Date.now() + patienceMs;
    signalProcess(server, signal);
    while (isAlive(server)) {
      if (Date.now() > deadline) break;
      await delay(POLL_MS);
    }
  }
  if (isAlive(server))
    throw new EmbeddedPostgresError(`PostgreSQL (process ${server.pid}) does not end, not even by kill -9.`);
}
