// What a subscriber waits for rather than be told of: a database that is away, a log that cannot be followed.
import { setTimeout as pause } from 'node:timers/promises';
import { isDatabaseAway } from '../database/unit-of-work.js';
import { ServiceUnavailableError } from '../errors/service-error.js';

/** ms between two tries. */
const RETRY_MS = 200;

/** Runs `work` until it does not fail for want of a backend. Throws what it threw when that is something else, or `over`. */
export async function patiently<T>(work: () => Promise<T>, over: () => boolean): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBackendAway(error)) throw error;
      if (!over()) await pause(RETRY_MS);
      if (over()) throw error;
    }
  }
}

function isBackendAway(error: unknown): boolean {
  return error instanceof ServiceUnavailableError || isDatabaseAway(error);
}
