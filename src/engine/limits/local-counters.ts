// Counts attempts in memory, in fixed windows. Keys are bounded: with very many addresses the least recently used counters are
// forgotten.
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

  /** Counts attempts of `key`: 0 if they are allowed, otherwise the ms until the next one is. */
  consume(limit: Limit, key: string, points = 1): number {
    const window = this.window(limit, key) ?? this.begin(limit, key);
    window.points += points;
    return window.points > limit.points ? waitFor(window) : 0;
  }

  /** The result of {@link consume} for one more, without counting. */
  peek(limit: Limit, key: string): number {
    const window = this.window(limit, key);
    return window && window.points >= limit.points ? waitFor(window) : 0;
  }

  /** Reverts an attempt. */
  refund(limit: Limit, key: string): void {
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
