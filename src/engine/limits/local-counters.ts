// Attempts counted in this process, in fixed windows that begin with the first one. Keys are bounded: whoever has very many
// addresses makes it forget the counts that were asked for longest ago, not grow.
import { LRUCache } from 'lru-cache';
import type { Limit } from './limit.js';

/** About 25 MB. */
const MAX_KEYS = 100_000;

interface Window {
  points: number;
  /** On the clock of `performance`. */
  readonly until: number;
}

export class LocalCounters {
  private readonly windows: LRUCache<string, Window>;

  constructor(maxKeys = MAX_KEYS) {
    this.windows = new LRUCache({ max: maxKeys });
  }

  get size(): number {
    return this.windows.size;
  }

  /** Counts so many attempts of `key`: 0 if they are allowed, else the ms until the next one is. */
  take(limit: Limit, key: string, points = 1): number {
    const window = this.window(limit, key) ?? this.begin(limit, key);
    window.points += points;
    return window.points > limit.points ? waitFor(window) : 0;
  }

  /** What {@link take} would answer to one more, without counting. */
  peek(limit: Limit, key: string): number {
    const window = this.window(limit, key);
    return window && window.points >= limit.points ? waitFor(window) : 0;
  }

  /** As if the attempt had not been made. */
  giveBack(limit: Limit, key: string): void {
    const window = this.window(limit, key);
    if (window) window.points -= 1;
  }

  private window({ name }: Limit, key: string): Window | undefined {
    const window = this.windows.get(`${name} ${key}`);
    return window && window.until > performance.now() ? window : undefined;
  }

  private begin({ name, seconds }: Limit, key: string): Window {
    const window = { points: 0, until: performance.now() + seconds * 1_000 };
    this.windows.set(`${name} ${key}`, window);
    return window;
  }
}

function waitFor({ until }: Window): number {
  return Math.max(Math.ceil(until - performance.now()), 1);
}
