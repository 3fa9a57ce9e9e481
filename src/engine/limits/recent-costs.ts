// Recent cost per key, which decides who goes first. Halves every ten seconds.
import { LRUCache } from 'lru-cache';

const HALF_LIFE_MS = 10_000;
const MAX_KEYS = 20_000;

interface Spent {
  readonly points: number;
  /** ms, on the clock of `now`. */
  readonly at: number;
}

export class RecentCosts {
  private readonly costs = new LRUCache<string, Spent>({ max: MAX_KEYS });

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The decayed cost of `key`. */
  of(key: string): number {
    const spent = this.costs.get(key);
    return spent ? spent.points * 0.5 ** ((this.now() - spent.at) / HALF_LIFE_MS) : 0;
  }

  add(key: string, points: number): void {
    this.costs.set(key, { points: this.of(key) + points, at: this.now() });
  }
}
