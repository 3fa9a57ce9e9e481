// What an account may do on one instance, over HTTP and all of its sockets: operations, and root fields that write. Counted in
// this process, so that no write waits for Redis.
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimitedError } from '../errors/service-error.js';
import { HOUR, type Limit, MINUTE } from './limit.js';
import { Limits } from './limits.js';

/** 200 a second, in bursts of up to 2,000. */
export const OPERATIONS: Limit = { name: 'operations: account', points: 2_000, seconds: 10 };
/** A program may post 20 updates a second for ten minutes; an account can add 12,000 rows an hour, not more. */
export const WRITES: readonly Limit[] = [
  { name: 'writes: account, minute', points: 1_200, seconds: MINUTE },
  { name: 'writes: account, hour', points: 12_000, seconds: HOUR },
];

@Injectable()
export class AccountBudget {
  private readonly operations = counterOf(OPERATIONS);
  private readonly writes = WRITES.map((limit) => ({ limit, counter: counterOf(limit) }));

  constructor(private readonly limits: Limits) {}

  /** Counts so many root fields of queries, mutations and subscriptions; what to answer when there were too many. */
  operation(accountId: string, rootFields = 1): Promise<RateLimitedError | undefined> {
    return this.consume(OPERATIONS, this.operations, accountId, rootFields);
  }

  /** Counts one root field that writes. Throws {@link RateLimitedError}. */
  async write(accountId: string): Promise<void> {
    for (const { limit, counter } of this.writes) {
      const refused = await this.consume(limit, counter, accountId, 1);
      if (refused) throw refused;
    }
  }

  private async consume(
    limit: Limit,
    counter: RateLimiterMemory,
    accountId: string,
    points: number,
  ): Promise<RateLimitedError | undefined> {
    if (!this.limits.on) return undefined;
    try {
      await counter.consume(accountId, points);
      return undefined;
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return this.limits.refusal(limit, refused.msBeforeNext);
      throw refused;
    }
  }
}

function counterOf({ points, seconds }: Limit): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration: seconds });
}
