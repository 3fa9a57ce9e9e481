// Lowers the priority of libuv's thread pool, which hashes passwords for 10 ms and more at a time.
import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Name of libuv's threads. */
const POOL_THREAD = 'libuv-worker';
/** `nice` value: a busy core prefers the serving thread by about ten to one. */
const LOWER = 10;

/**
 * Prefers the serving thread over hashing threads, and PostgreSQL on the same machine too, unless the kernel schedules by
 * sessions (`sched_autogroup_enabled`). The threads must exist, which they do after the first work of the pool. Only Linux has
 * priorities per thread; elsewhere nothing changes.
 */
export function lowerPoolPriority(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
      if (name === POOL_THREAD) setPriority(Number(thread), LOWER);
    }
  } catch {
    // No /proc, or a thread has just ended: hashing keeps its priority.
  }
}
