// Budgets of an account at one instance, over HTTP and all sockets: operations, and root fields that write. Counted in memory, so
// that no write waits for Redis.
import { Injectable } from '@nestjs/common';
import type { RateLimitedError } from '../errors/service-error.js';
import { HOUR, type Limit, MINUTE } from './limit.js';
import { Limits } from './limits.js';
import { LocalCounters } from './local-counters.js';

/** 200 a second, in bursts of up to 2,000. */
export const OPERATIONS: Limit = { name: 'operations: account', points: 2_000, seconds: 10 };
/** Allows 20 updates a second for ten minutes, but at most 12,000 rows an hour. */
export const WRITES: readonly Limit[] = [
  { name: 'writes: account, minute', points: 1_200, seconds: MINUTE },
  { name: 'writes: account, hour', points: 12_000, seconds: HOUR },
];

@Injectable()
export class AccountBudget {
  private readonly counters = new LocalCounters();

  constructor(private readonly limits: Limits) {}

  /** Counts root fields of queries, mutations and subscriptions; returns the error if there were too many. */
  operation(accountId: string, rootFields = 1): RateLimitedError | undefined {
    return this.charge(OPERATIONS, accountId, rootFields);
  }

  /** Counts one root field that writes. Throws {@link RateLimitedError}. */
  write(accountId: string): void {
    for (const limit of WRITES) {
      const refused = this.charge(limit, accountId, 1);
      if (refused) throw refused;
    }
  }

  private charge(limit: Limit, accountId: string, points: number): RateLimitedError | undefined {
    if (!this.limits.on) return undefined;
    const wait = this.counters.consume(limit, accountId, points);
    return wait > 0 ? this.limits.refusal(limit, wait) : undefined;
  }
}
