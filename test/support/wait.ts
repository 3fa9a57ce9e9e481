// Waiting for what must happen, with an end.

/** `promise`, or a failure that says `what` after `ms`. */
export async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves when `condition` holds; fails after `ms`. It is looked at every 5 ms; where that means to ask someone else (it is a
 * promise), less and less often.
 */
export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 60_000): Promise<void> {
  const began = Date.now();
  for (;;) {
    const holds = condition();
    if (await holds) return;
    const waited = Date.now() - began;
    if (waited > ms) throw new Error(`${what} within ${ms} ms`);
    const pause = typeof holds === 'boolean' ? 5 : Math.min(Math.max(waited / 10, 5), 200);
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
}

/** ms that `work` takes on this machine just now. */
export async function durationOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** `work` begins `ms` from now, without giving up the event loop for a timer's whole granularity. */
export async function runAfter<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now() + ms;
  while (performance.now() < start) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return work();
}
