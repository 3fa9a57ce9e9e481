// Limits on the memory and the executions of subscriptions, per account and per instance. Documents and variables are counted by content;
// equal ones share one plan.
import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { RateLimitedError } from '../../errors/service-error.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { Metrics } from '../../monitoring/metrics.js';
import { GroupAccounts } from './group-accounts.js';
import { resourceKeyOf } from './resource-key.js';
import { SharedBytes } from './shared-bytes.js';

/** Bytes of memory that a character of the JSON of variables takes, parsed and as it is. */
const BYTES_PER_CHARACTER = 4;
/** Bytes up to which a document is free, about 100 tokens, while the free ones of all accounts take no more than so many bytes. */
const FREE_DOCUMENT_BYTES = 10_000;
const MAX_FREE_BYTES = 8 * 1024 * 1024;
/** Bytes of one account, and of one instance. */
const MAX_ACCOUNT_BYTES = 1024 * 1024;
const MAX_INSTANCE_BYTES = 32 * 1024 * 1024;
/** Share of the remaining capacity of the instance that a single account may hold, so that later accounts find room. */
const SHARE = 1 / 8;
/** Different executions for each event of one resource that an account may cause. */
export const MAX_EXECUTIONS_PER_RESOURCE = 10;
/** When to try again, in seconds. */
const RETRY_AFTER_S = 60;

/** The account that subscribes, and the key that identifies its executions. */
export interface Subscribing {
  readonly accountId: string;
  readonly executionKey: string;
}

export interface Admission {
  /** The plan to use: one object for all subscriptions with equal documents and variables. */
  readonly plan: SharingPlan;
  /** The accounts that its executions are charged to: all that use the plan share the cost. */
  readonly payers: () => readonly string[];
  /** To be called when the subscription has ended, or was not opened. Calls after the first have no effect. */
  readonly release: () => void;
}

/** Equal for subscriptions of which one execution serves all viewers of a class; of viewers of one session, if it cannot be shared. */
export function executionKeyOf(plan: SharingPlan, isShared: boolean, sessionId: string, address: string): string {
  return isShared ? plan.groupKey : `${sessionId} ${address} ${plan.groupKey}`;
}

@Injectable()
export class SubscriptionLimits {
  private readonly plans = new Map<string, { readonly plan: SharingPlan; readonly accounts: GroupAccounts }>();
  private readonly paid = new SharedBytes();
  private readonly free = new SharedBytes();
  /** By account and resource, how many subscriptions cause each execution. */
  private readonly executions = new Map<string, Map<string, number>>();
  private readonly refusals: Counter<'reason'>;

  constructor(metrics: Metrics) {
    this.refusals = metrics.counter(
      'subscription_refusals_total',
      'Subscriptions refused: bytes of documents and variables, or executions for each event of a resource.',
      'reason',
    );
    for (const reason of ['bytes', 'executions']) this.refusals.inc({ reason }, 0);
  }

  /** Bytes of documents and variables of all running subscriptions. */
  get bytes(): number {
    return this.paid.total + this.free.total;
  }

  /** Counts a subscription in until its admission is released; RATE_LIMITED if it is one too many. */
  admit({ accountId, executionKey }: Subscribing, asked: SharingPlan): Admission | RateLimitedError {
    const resource = `${accountId} ${resourceKeyOf(asked)}`;
    const own = this.executions.get(resource) ?? new Map<string, number>();
    if (!own.has(executionKey) && own.size >= MAX_EXECUTIONS_PER_RESOURCE) return this.refuse('executions');
    const bytes = this.takeBytes(accountId, asked);
    if (!bytes) return this.refuse('bytes');
    this.executions.set(resource, own.set(executionKey, (own.get(executionKey) ?? 0) + 1));
    const known = this.plans.get(asked.groupKey) ?? { plan: asked, accounts: new GroupAccounts() };
    this.plans.set(asked.groupKey, known);
    known.accounts.add(accountId);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      for (const [ledger, key] of bytes) ledger.drop(accountId, key);
      if (decrement(own, executionKey) === 0 && own.size === 0) this.executions.delete(resource);
      known.accounts.remove(accountId);
      if (known.accounts.size === 0) this.plans.delete(asked.groupKey);
    };
    return { plan: known.plan, payers: () => known.accounts.payers(), release };
  }

  /** Reserves the bytes of the plan and returns the reservations; undefined: the account would exceed its limit. */
  private takeBytes(account: string, plan: SharingPlan): (readonly [SharedBytes, string])[] | undefined {
    const items = [
      [plan.documentKey, plan.bytes, plan.bytes <= FREE_DOCUMENT_BYTES],
      [`variables ${plan.groupKey}`, plan.groupKey.length * BYTES_PER_CHARACTER, plan.groupKey.length < 512],
    ] as const;
    const taken: (readonly [SharedBytes, string])[] = [];
    for (const [key, bytes, isSmall] of items) {
      const ledger = isSmall && this.free.fits(key, bytes, MAX_FREE_BYTES) ? this.free : this.paid;
      if (ledger === this.paid && !this.isAffordable(account, key, bytes)) {
        for (const [other, held] of taken) other.drop(account, held);
        return undefined;
      }
      ledger.take(account, key, bytes);
      taken.push([ledger, key]);
    }
    return taken;
  }

  private isAffordable(account: string, key: string, bytes: number): boolean {
    const left = MAX_INSTANCE_BYTES - this.paid.total;
    const most = Math.min(MAX_ACCOUNT_BYTES, left * SHARE);
    return this.paid.isCounted(account, key) || this.paid.of(account) + bytes <= most;
  }

  private refuse(reason: string): RateLimitedError {
    this.refusals.inc({ reason });
    return new RateLimitedError(RETRY_AFTER_S);
  }
}

/** Decrements the count and returns it. */
function decrement(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) - 1;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
  return count;
}
