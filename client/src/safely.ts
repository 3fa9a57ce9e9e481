// Callbacks of others, and timers.

/** Calls back; what it throws is reported as uncaught, and harms nobody else. */
export function safely(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    if (typeof reportError === 'function') reportError(error);
    else
      setTimeout(() => {
        throw error;
      });
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener('abort', done);
  });
}

/** `promise`, or undefined after `ms`, or when `signal` is aborted. */
export async function inTime<T>(ms: number, promise: Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  signal?.addEventListener('abort', stop);
  try {
    return await Promise.race([promise, pause(ms, end.signal).then(() => undefined)]);
  } finally {
    stop();
    signal?.removeEventListener('abort', stop);
  }
}

/** ms to wait after so many failures: anything up to `base`, doubled each time, up to `most`. */
export const jitter = (failures: number, base = 500, most = 8_000): number =>
  Math.random() * Math.min(most, base * 2 ** failures);

/** Calls `wake` when the page is back: from sleep, from the background, from a lost network. Returns how to stop that. */
export function onWake(wake: () => void): () => void {
  if (typeof addEventListener !== 'function' || typeof document === 'undefined') return () => {};
  const visible = (): void => {
    if (document.visibilityState === 'visible') wake();
  };
  const listeners = [
    [globalThis, 'online', wake],
    [globalThis, 'pageshow', wake],
    [document, 'resume', wake],
    [document, 'visibilitychange', visible],
  ] as const;
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
  };
}
