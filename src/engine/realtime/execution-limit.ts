// How long is waited for what subscribers are to be told: longer each time that it is made again, for a node that has too much to do
// would give up everything, for ever.
import { answered, UnansweredError } from '../database/answered.js';

/**
 * ms after which executions are given up: the 5 s that PostgreSQL has for a page of the log as well, and one for all else. What
 * has not come by then comes through a network that swallows it, most likely never.
 */
export const EXECUTION_TIMEOUT_MS = 6_000;
/** What it grows to, doubled each time that the same executions are given up. */
const MAX_EXECUTION_TIMEOUT_MS = 60_000;

export class ExecutionLimit {
  constructor(private ms = EXECUTION_TIMEOUT_MS) {}

  /** The result of `work`, which belongs together with whatever else this limit is for; or a failure when it takes longer. */
  async answered<T>(work: () => Promise<T>): Promise<T> {
    const { ms } = this;
    try {
      return await answered(ms, work);
    } catch (error) {
      // Of what is made side by side, and given up together, only one counts.
      if (error instanceof UnansweredError) this.ms = Math.max(this.ms, Math.min(ms * 2, MAX_EXECUTION_TIMEOUT_MS));
      throw error;
    }
  }
}
