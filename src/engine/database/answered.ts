// How long an answer of PostgreSQL is waited for: through a network that swallows everything TCP itself would wait for a quarter of
// an hour. What is given up gives its connections up too: held as long, they would be missing in the pool.
import { AsyncLocalStorage } from 'node:async_hooks';

/** The database has not answered in the ms that there were. */
export class UnansweredError extends Error {
  constructor(ms: number) {
    super(`The database has not answered within ${ms} ms`);
  }
}

/** Work that is waited for so many ms, and the connections that it holds. */
export class Wait {
  private readonly held = new Map<object, () => void>();
  private timer: NodeJS.Timeout | undefined;
  private failure: Error | undefined;
  private ended = false;

  constructor(
    private readonly ms: number,
    private readonly givenUp: (failure: Error) => void,
  ) {
    this.start();
  }

  /** It has this connection, until `leave`; `lose` is called should it be given up meanwhile, or have been before. */
  hold(connection: object, lose: () => void): void {
    this.held.set(connection, lose);
    if (this.failure) lose();
    else this.start();
  }

  leave(connection: object): void {
    this.held.delete(connection);
    if (this.ended) this.end();
  }

  /** Throws once it has been given up: what is left of it is given no more connections. */
  assertGoingOn(): void {
    if (this.failure) throw this.failure;
  }

  /** It may have ended by the failure of one of its statements, and another be still under way, or come after. */
  end(): void {
    this.ended = true;
    if (this.held.size > 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private start(): void {
    this.timer ??= setTimeout(() => {
      this.failure = new UnansweredError(this.ms);
      this.givenUp(this.failure);
      for (const lose of this.held.values()) lose();
    }, this.ms);
  }
}

const waits = new AsyncLocalStorage<Wait>();

/** What the caller is a part of. */
export const currentWait = (): Wait | undefined => waits.getStore();

/** The result of `work`, or a failure after `ms`, for which the database counts as away. */
export async function answered<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const wait = new Wait(ms, reject);
  try {
    return await Promise.race([waits.run(wait, work), promise]);
  } finally {
    wait.end();
  }
}
