import { MIN_PAUSE_MS, nextPause, pick, pickWeighted, retryPause } from './live-schedule.js';

/** The same numbers for every run: a linear congruential generator. */
function seeded(seed = 1): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

describe('the pause between two acts', () => {
  it('is irregular around its mean, and bounded on both sides', () => {
    const random = seeded();
    const pauses = Array.from({ length: 5_000 }, () => nextPause(4_000, random));
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    expect(mean).toBeGreaterThan(3_600);
    expect(mean).toBeLessThan(4_400);
    expect(new Set(pauses).size).toBeGreaterThan(1_000);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(MIN_PAUSE_MS);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(16_000);
  });

  it('is never shorter than the bound, whatever was asked for', () => {
    expect(nextPause(1, () => 0)).toBe(MIN_PAUSE_MS);
    expect(nextPause(500, () => 0.999_999)).toBe(2_000);
  });
});

const longest = (attempt: number) => retryPause(attempt, () => 0.999_999);

describe('the pause before another try', () => {
  it('grows, with jitter, up to a quarter of a minute', () => {
    expect([1, 2, 3, 6, 7, 1_000].map(longest)).toEqual([500, 1_000, 2_000, 15_000, 15_000, 15_000]);
    expect(retryPause(3, () => 0)).toBe(1_000);
  });
});

describe('choosing', () => {
  it('reaches the first and the last, and never beyond', () => {
    expect(pick(['a', 'b', 'c'], () => 0)).toBe('a');
    expect(pick(['a', 'b', 'c'], () => 0.999_999)).toBe('c');
    expect(() => pick([], () => 0)).toThrow(RangeError);
  });

  it('follows the weights, and never chooses what weighs nothing', () => {
    const random = seeded();
    const counts = { often: 0, seldom: 0, never: 0 };
    for (let draw = 0; draw < 4_000; draw += 1) counts[pickWeighted({ never: 0, often: 3, seldom: 1 }, random)] += 1;
    expect(counts.never).toBe(0);
    expect(counts.often / counts.seldom).toBeGreaterThan(2.5);
    expect(counts.often / counts.seldom).toBeLessThan(3.5);
    expect(pickWeighted({ never: 0, only: 1 }, () => 0)).toBe('only');
  });
});
