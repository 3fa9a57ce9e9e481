// Time slicing: long work yields the event loop after a few ms. Does not know the work.

/** How long work may hold the event loop, and how long it then yields. */
export interface SliceOptions {
  /** ms of a slice. */
  readonly workMs: number;
  /**
   * Without it, a slice ends with the iteration of the event loop, so that pending work of others runs. With it, work that has had `burstMs`
   * at full speed rests `restMs` after each slice, by a timer, as long as it has more than the share `duty` of the time.
   */
  readonly limit?: { readonly restMs: number; readonly duty: number; readonly burstMs: number };
}

/** Divides long work into slices: everything that shares a slicer has `workMs` together, then other work runs. */
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
    // Work that took much longer than a slice has been waiting for the database.
    const worked = Math.min(now - this.since, 4 * workMs);
    this.paidUntil = Math.max(this.paidUntil, now - worked) + worked / limit.duty;
    return this.limited ? limit.restMs : 0;
  }
}
