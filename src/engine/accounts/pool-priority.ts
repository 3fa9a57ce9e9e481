// How urgent the threads of libuv's pool are: there passwords are hashed, 10 ms and more at a time.
import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** The name that libuv gives to its threads. */
const POOL_THREAD = 'libuv-worker';
/** Of `nice`: a busy core goes to the thread that serves requests ten times as readily. */
const LOWER = 10;

/**
 * Lets the thread that serves requests have a core before those that hash; PostgreSQL beside it too, where the kernel does not weigh
 * whole sessions first (`sched_autogroup_enabled`). The threads must exist: they begin with the first work of the pool. Linux alone
 * gives threads priorities of their own; elsewhere nothing changes.
 */
export function yieldToRequests(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
      if (name === POOL_THREAD) setPriority(Number(thread), LOWER);
    }
  } catch {
    // No /proc, or a thread that has just ended: hashing goes on as urgently as everything else.
  }
}
