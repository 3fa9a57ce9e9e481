// Waiting for conditions, with timeouts.

/** Resolves like `promise`; rejects with `what` after `ms`. */
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
 * Resolves when `condition` holds; rejects after `ms`. Polls every 5 ms; conditions that return a promise, such as
 * queries, are polled with a growing interval of up to 200 ms.
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

/** ms that `work` takes. */
export async function durationOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Runs `work` after `ms`. Polls by setImmediate, since timers are only accurate to 1 ms. */
export async function runAfter<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now() + ms;
  while (performance.now() < start) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return work();
}
