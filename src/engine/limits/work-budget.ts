// Token buckets of work in ms of the event loop: charged with an estimate, corrected by measurement.
import { LRUCache } from 'lru-cache';

/** A burst of `burst` ms, then `perSecond` ms a second. */
export interface BudgetLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/** Upper limit of keys: the least recently used one is forgotten, which refills its bucket. */
const MAX_KEYS = 20_000;

interface Bucket {
  level: number;
  /** ms, on the clock of `now`. */
  at: number;
}

export class WorkBudget {
  private readonly buckets = new LRUCache<string, Bucket>({ max: MAX_KEYS });

  constructor(
    private readonly limit: BudgetLimit,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** 0: `key` may spend `ms`; otherwise the ms until it may. Charges nothing. */
  waitFor(key: string, ms: number): number {
    const missing = Math.min(ms, this.limit.burst) - this.bucketOf(key).level;
    return missing <= 0 ? 0 : (missing / this.limit.perSecond) * 1_000;
  }

  /** Charges `ms`; negative values refund. */
  charge(key: string, ms: number): void {
    const bucket = this.bucketOf(key);
    bucket.level = Math.min(bucket.level - ms, this.limit.burst);
  }

  private bucketOf(key: string): Bucket {
    const { burst, perSecond } = this.limit;
    const now = this.now();
    const bucket = this.buckets.get(key) ?? { level: burst, at: now };
    bucket.level = Math.min(burst, bucket.level + ((now - bucket.at) / 1_000) * perSecond);
    bucket.at = now;
    this.buckets.set(key, bucket);
    return bucket;
  }
}
