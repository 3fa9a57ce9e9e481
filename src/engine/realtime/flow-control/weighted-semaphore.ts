// Bounds how much work runs at a time, by weight. Does not know the work.
interface Waiter {
  readonly weight: number;
  readonly rank: number;
  readonly resolve: () => void;
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
    return new Promise((resolve) => this.waiting.splice(this.placeOf(rank), 0, { weight, rank, resolve }));
  }

  release(weight: number): void {
    this.inside -= weight;
    for (let next = this.waiting.at(-1); next && this.fits(next.weight); next = this.waiting.at(-1)) {
      this.waiting.pop();
      this.inside += next.weight;
      next.resolve();
    }
  }

  private fits(weight: number): boolean {
    return this.inside === 0 || this.inside + weight <= this.capacity;
  }

  /** The index for a new entry: it is admitted after all waiting entries of the same or a lower rank. */
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
