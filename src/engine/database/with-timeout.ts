// Timeouts for work that uses PostgreSQL: through a network that drops everything, TCP itself waits for a quarter of an hour. Work that
// times out loses its connections, which would otherwise be missing from the pool for as long.
import { AsyncLocalStorage } from 'node:async_hooks';

/** The database has not answered in time. It counts as unavailable, see `isDatabaseUnavailable`. */
export class DatabaseTimeoutError extends Error {
  constructor(ms: number) {
    super(`The database has not answered within ${ms} ms`);
  }
}

/** Work with a timeout, and the connections that it holds. */
export class TimedWork {
  private readonly held = new Map<object, () => void>();
  private timer: NodeJS.Timeout | undefined;
  private failure: Error | undefined;
  private ended = false;

  /** `timedOut` is called when the work has taken more than `ms`. */
  constructor(
    private readonly ms: number,
    private readonly timedOut: (failure: Error) => void,
  ) {
    this.start();
  }

  /** The work holds this connection until `release`. `lose` is called if the work times out meanwhile, or has timed out before. */
  hold(connection: object, lose: () => void): void {
    this.held.set(connection, lose);
    if (this.failure) lose();
    else this.start();
  }

  release(connection: object): void {
    this.held.delete(connection);
    if (this.ended) this.end();
  }

  /** Throws once the work has timed out: it gets no more connections. */
  assertInTime(): void {
    if (this.failure) throw this.failure;
  }

  /** The timeout continues while connections are held: one statement may have failed while another one still runs, or follows. */
  end(): void {
    this.ended = true;
    if (this.held.size > 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private start(): void {
    this.timer ??= setTimeout(() => {
      this.failure = new DatabaseTimeoutError(this.ms);
      this.timedOut(this.failure);
      for (const lose of this.held.values()) lose();
    }, this.ms);
  }
}

const running = new AsyncLocalStorage<TimedWork>();

/** The work with a timeout that the caller belongs to. */
export const currentTimedWork = (): TimedWork | undefined => running.getStore();

/** The result of `work`. Throws {@link DatabaseTimeoutError} after `ms`. */
export async function withTimeout<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timed = new TimedWork(ms, reject);
  try {
    return await Promise.race([running.run(timed, work), promise]);
  } finally {
    timed.end();
  }
}
