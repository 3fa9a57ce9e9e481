// Isolation of user callbacks, and timers.

/** Runs `callback`. An exception is reported as uncaught and does not reach the caller. */
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

/** Runs `callback` after `ms`, or as soon as `signal` is aborted. Returns the function to cancel it. */
export function wait(ms: number, signal: AbortSignal | undefined, callback: () => void): () => void {
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', done);
  };
  const done = (): void => {
    stop();
    callback();
  };
  const timer = setTimeout(done, signal?.aborted ? 0 : ms);
  signal?.addEventListener('abort', done);
  return stop;
}

/** Resolves after `ms`, when `signal` is aborted, or when the page wakes up, since a retry may succeed then. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  await new Promise<void>((resolve) => {
    const stop = wait(ms, signal, resolve);
    over.signal.addEventListener('abort', stop);
    onWake(resolve, over.signal);
  });
  over.abort();
}

/** Resolves to the value of `promise`, or to undefined after `ms` or when `signal` is aborted. */
export const withTimeout = <T>(ms: number, promise: Promise<T>, signal?: AbortSignal): Promise<T | undefined> =>
  new Promise((resolve, reject) => {
    const stop = wait(ms, signal, () => resolve(undefined));
    promise.then(resolve, reject).finally(stop);
  });

/** Random delay in ms, up to `base`, which doubles with each failure up to `most`. */
export const jitter = (failures: number, base = 500, most = 8_000): number =>
  Math.random() * Math.min(most, base * 2 ** failures);

/** Calls `wake` when the page returns from sleep, from the background, or from a network outage. */
export function onWake(wake: () => void, signal: AbortSignal): void {
  if (typeof document === 'undefined') return;
  const listener = ({ type }: Event): void => {
    if (type !== 'visibilitychange' || document.visibilityState === 'visible') wake();
  };
  // Capture phase: some of these events do not bubble to `window`.
  for (const type of ['online', 'pageshow', 'resume', 'visibilitychange'])
    addEventListener(type, listener, { capture: true, signal });
}
