// How work is held back: a weighted semaphore, time slicing, batches by cost, retries while the database is unavailable, and a timeout
// that grows. Knows nothing of events or subscribers.
import { setTimeout as pause } from 'node:timers/promises';
import { answered, UnansweredError } from '../../database/answered.js';
import { isDatabaseAway } from '../../database/unit-of-work.js';
import { ServiceUnavailableError } from '../../errors/service-error.js';

/** ms between two attempts. */
const RETRY_MS = 200;

/** Retries `work` while the database or the log is unavailable. Throws its error if that is another one, or once `cancelled`. */
export async function retryWhileUnavailable<T>(work: () => Promise<T>, cancelled: () => boolean): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError) && !isDatabaseAway(error)) throw error;
      if (!cancelled()) await pause(RETRY_MS);
      if (cancelled()) throw error;
    }
  }
}

/** ms that an execution may take: the 5 s that PostgreSQL has for a page of the log, and one more. */
export const EXECUTION_TIMEOUT_MS = 6_000;
/** What it grows to, doubled each time that the same work is retried. */
const MAX_TIMEOUT_MS = 60_000;

/** A timeout for work that is retried until it succeeds: an overloaded instance would otherwise never finish any of it. */
export class GrowingTimeout {
  constructor(private ms = EXECUTION_TIMEOUT_MS) {}

  /** The result of `work`; a failure that counts as an unavailable database if it takes longer. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { ms } = this;
    try {
      return await answered(ms, work);
    } catch (error) {
      // Work that ran in parallel and timed out together doubles it once.
      if (error instanceof UnansweredError) this.ms = Math.max(this.ms, Math.min(ms * 2, MAX_TIMEOUT_MS));
      throw error;
    }
  }
}

interface Waiter {
  readonly weight: number;
  readonly rank: number;
  readonly enter: () => void;
}

/**
 * Admits work while the weights of all that is inside are within the capacity; the rest waits, lowest rank first, then in order of
 * arrival. Work that is heavier than the capacity runs alone.
 */
export class WeightedSemaphore {
  private inside = 0;
  /** The next one is the last. */
  private readonly waiting: Waiter[] = [];

  constructor(private readonly capacity: number) {}

  /** How many wait. */
  get queued(): number {
    return this.waiting.length;
  }

  /** Whether the work was admitted at once. Then, or after `acquire`, it is inside until `release`. */
  tryAcquire(weight: number): boolean {
    if (this.waiting.length > 0 || !this.fits(weight)) return false;
    this.inside += weight;
    return true;
  }

  /** Resolves when the work is inside. */
  acquire(weight: number, rank = 0): Promise<void> {
    if (this.tryAcquire(weight)) return Promise.resolve();
    return new Promise((enter) => this.waiting.splice(this.placeOf(rank), 0, { weight, rank, enter }));
  }

  release(weight: number): void {
    this.inside -= weight;
    for (let next = this.waiting.at(-1); next && this.fits(next.weight); next = this.waiting.at(-1)) {
      this.waiting.pop();
      this.inside += next.weight;
      next.enter();
    }
  }

  private fits(weight: number): boolean {
    return this.inside === 0 || this.inside + weight <= this.capacity;
  }

  /** Before those of a lower rank and those of the same rank that came earlier. */
  private placeOf(rank: number): number {
    let [low, high] = [0, this.waiting.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.waiting[middle]!.rank > rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How long work may hold the event loop, and what it then leaves to others. */
export interface SliceOptions {
  /** ms of a slice. */
  readonly workMs: number;
  /**
   * Without it, a slice ends with the turn of the event loop: others are served what is due already. With it, work that has had `burstMs`
   * at full speed rests `restMs` after each slice, by a timer, as long as it has more than the share `duty` of the time.
   */
  readonly limit?: { readonly restMs: number; readonly duty: number; readonly burstMs: number };
}

/** Divides long work into slices: everything that shares a slicer has `workMs` together, then the event loop serves others. */
export class TimeSlicer {
  private since = performance.now();
  private resting: Promise<void> | undefined;
  /** The time up to which the work so far would have taken at the rate of `duty`. */
  private paidUntil = 0;

  constructor(private readonly options: SliceOptions) {}

  /** Whether this slice is used up. Call it as `if (slicer.spent) await slicer.rest()` before each unit of work. */
  get spent(): boolean {
    return this.resting !== undefined || performance.now() - this.since > this.options.workMs;
  }

  /** Whether it has more than its share of the time, and rests by a timer. */
  get limited(): boolean {
    const { limit } = this.options;
    return limit !== undefined && this.paidUntil - performance.now() > limit.burstMs;
  }

  /** Resolves when there is time left in a slice. */
  async rest(): Promise<void> {
    while (this.spent) await (this.resting ??= this.nextSlice());
  }

  private nextSlice(): Promise<void> {
    const ms = this.restMs();
    return new Promise((resolve) => {
      const start = () => {
        this.resting = undefined;
        this.since = performance.now();
        resolve();
      };
      if (ms === 0) setImmediate(start);
      else setTimeout(start, ms);
    });
  }

  private restMs(): number {
    const { limit, workMs } = this.options;
    if (!limit) return 0;
    const now = performance.now();
    // What takes much longer than a slice has been waiting for the database.
    const worked = Math.min(now - this.since, 4 * workMs);
    this.paidUntil = Math.max(this.paidUntil, now - worked) + worked / limit.duty;
    return this.limited ? limit.restMs : 0;
  }
}

/** `items` in order, as many at a time as cost at most `capacity` together, at least one. */
export function* batchesOf<T>(items: readonly T[], cost: number, capacity: number): Iterable<readonly T[]> {
  const size = Math.max(1, Math.floor(capacity / cost));
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
