// Counting in one process: bounded, whoever sends from how many addresses.
import { LocalCounters } from './local-counters.js';

const LIMIT = { name: 'limit', points: 3, seconds: 60 };

it('LocalCounters allows a number of attempts per window, and returns the time to wait', () => {
  const counters = new LocalCounters();
  expect([1, 2, 3].map(() => counters.consume(LIMIT, 'a'))).toEqual([0, 0, 0]);
  expect(counters.peek(LIMIT, 'a')).toBeGreaterThan(59_000);
  expect(counters.consume(LIMIT, 'a')).toBeLessThanOrEqual(60_000);
  expect(counters.consume(LIMIT, 'b')).toBe(0);
  expect(counters.consume({ ...LIMIT, name: 'other' }, 'a')).toBe(0);
});

it('LocalCounters consumes several points at once, and refunds one', () => {
  const counters = new LocalCounters();
  expect(counters.consume(LIMIT, 'a', 3)).toBe(0);
  counters.refund(LIMIT, 'a');
  expect([counters.consume(LIMIT, 'a'), counters.consume(LIMIT, 'a') > 0]).toEqual([0, true]);
});

it('LocalCounters keeps a bounded number of keys and evicts the least recently used', () => {
  const counters = new LocalCounters(100);
  counters.consume(LIMIT, 'often', 3);
  const waits: number[] = [];
  for (let at = 0; at < 1_000; at += 1) {
    counters.consume(LIMIT, `address ${at}`);
    if (at % 50 === 0) waits.push(counters.consume(LIMIT, 'often'));
  }
  expect(Math.min(...waits)).toBeGreaterThan(0);
  expect(counters.size).toBe(100);
});
