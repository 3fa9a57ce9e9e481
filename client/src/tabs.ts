// Messages between pages of one origin, and a lock between them. The lock only saves work; correctness does not depend on it.
import { withTimeout } from './safely.js';

export interface Tabs {
  post(message: unknown): void;
  close(): void;
  /**
   * Runs `work` under a lock between pages. Runs it without the lock after 4 s, since a frozen page may hold it. `waited`: another page
   * held the lock. The lock is released after 8 s at the latest.
   */
  withLock<T>(work: (waited: boolean) => Promise<T>): Promise<T>;
}

const LOCK_TIMEOUT = 4_000;
const MAX_LOCK_HELD = 8_000;

/** Calls `hear` with messages of other pages. Without a name there is no channel and no lock. */
export function openTabs(name: string | undefined, hear: (message: never) => void): Tabs {
  let channel = name && typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined;
  if (channel) {
    channel.onmessage = ({ data }) => hear(data as never);
    // In Node an open channel keeps the process running.
    (channel as { unref?: () => void }).unref?.();
  }
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has its own
    post: (message) => channel?.postMessage(message),
    close() {
      channel?.close();
      channel = undefined;
    },
    withLock: (work) => withLock(name, work),
  };
}

function withLock<T>(name: string | undefined, work: (waited: boolean) => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (!name || !locks) return work(false);
  const began = Date.now();
  return new Promise<T>((resolve) => {
    let running: Promise<T> | undefined;
    const run = (): unknown => {
      // The lock was granted after the timeout, such as to a page that was frozen. The work has already started.
      if (running) return undefined;
      resolve((running = work(Date.now() > began + 20)));
      return withTimeout(
        MAX_LOCK_HELD,
        running.catch(() => {}),
      );
    };
    // Runs without the lock if it times out, or if the browser denies access to it.
    locks.request(name, { signal: AbortSignal.timeout(LOCK_TIMEOUT) }, run).catch(run);
  });
}
