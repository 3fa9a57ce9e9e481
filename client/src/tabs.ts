// Pages of one origin: what they tell each other, and a lock that saves work and is never relied upon.
import { pause } from './safely.js';

export interface Tabs {
  post(message: unknown): void;
  close(): void;
  /**
   * Runs `work` while no other page runs its own, or after 4 s in any case: a frozen page may hold the lock. `waited` says that another
   * page held it. The lock is given back after 8 s at the latest.
   */
  exclusively<T>(work: (waited: boolean) => Promise<T>): Promise<T>;
}

const PATIENCE = 4_000;
const LONGEST = 8_000;

/** `hear` is called with what other pages post. */
export function openTabs(name: string, hear: (message: never) => void): Tabs {
  const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined;
  if (channel) {
    channel.onmessage = ({ data }) => hear(data as never);
    // In Node it would keep the process running.
    (channel as { unref?: () => void }).unref?.();
  }
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has its own
    post: (message) => channel?.postMessage(message),
    close: () => channel?.close(),
    exclusively: (work) => exclusively(name, work),
  };
}

function exclusively<T>(name: string, work: (waited: boolean) => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work(false);
  const began = Date.now();
  return new Promise<T>((resolve) => {
    let running: Promise<T> | undefined;
    const run = (): Promise<void> | undefined => {
      // It was granted to a page that was frozen meanwhile: the work is done.
      if (running) return undefined;
      resolve((running = work(Date.now() > began + 20)));
      const done = new AbortController();
      const free = (): void => done.abort();
      running.then(free, free);
      return pause(LONGEST, done.signal);
    };
    // Without a lock too: it was not granted in time, or is refused where storage is.
    locks.request(name, { signal: AbortSignal.timeout(PATIENCE) }, run).catch(run);
  });
}
