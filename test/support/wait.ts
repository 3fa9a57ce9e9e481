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

/** Resolves when `condition` holds, looked at again whenever the event loop comes round; fails after `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} within ${ms} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** ms that `work` takes on this machine just now. */
export async function taken(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** `work` begins `ms` from now, without giving up the event loop for a timer's whole granularity. */
export async function after<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const start = performance.now() + ms;
  while (performance.now() < start) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return work();
}
