// Work that depends on the database: retried while the database is unavailable, each attempt with a timeout.
import { setTimeout as pause } from 'node:timers/promises';
import { withTimeout, DatabaseTimeoutError } from '../../database/with-timeout.js';
import { isDatabaseUnavailable } from '../../database/unit-of-work.js';
import { ServiceUnavailableError } from '../../errors/service-error.js';

/** ms between two attempts. */
const RETRY_MS = 200;

/** Retries `work` while the database or the log is unavailable. Throws its error if that is another one, or once `cancelled`. */
export async function retryWhileUnavailable<T>(work: () => Promise<T>, cancelled: () => boolean): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError) && !isDatabaseUnavailable(error)) throw error;
      if (!cancelled()) await pause(RETRY_MS);
      if (cancelled()) throw error;
    }
  }
}

/** ms that an execution may take: the 5 s that PostgreSQL has for a page of the log, and one more. */
export const EXECUTION_TIMEOUT_MS = 6_000;
/** The maximum; the timeout doubles each time that the same work is retried. */
const MAX_TIMEOUT_MS = 60_000;

/** A timeout for work that is retried until it succeeds: an overloaded instance would otherwise never finish any of it. */
export class GrowingTimeout {
  constructor(private ms = EXECUTION_TIMEOUT_MS) {}

  /** The result of `work`; a failure that counts as an unavailable database if it takes longer. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { ms } = this;
    try {
      return await withTimeout(ms, work);
    } catch (error) {
      // Work that ran in parallel and timed out together doubles it once.
      if (error instanceof DatabaseTimeoutError) this.ms = Math.max(this.ms, Math.min(ms * 2, MAX_TIMEOUT_MS));
      throw error;
    }
  }
}
