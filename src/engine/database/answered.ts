// How long an answer of PostgreSQL is waited for: through a network that swallows everything TCP itself would wait for a quarter of
// an hour. What is given up keeps its connection until it ends there.

/** The result of `work`, or a failure after `ms`, for which the database counts as away. */
export async function answered<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`The database has not answered within ${ms} ms`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
