import { type WriteProgress, stallOf } from './unread-response.js';

const KILOBYTE = 1024;
/** A connection that had 1 MB to send at 0 ms, and has sent so many bytes since. */
const progress = (sent: number, grewAt: number): WriteProgress => ({
  since: 0,
  sentBefore: 0,
  sent,
  grewAt,
  unsent: 1024 * KILOBYTE - sent,
});

describe('a connection whose client reads its response', () => {
  it('not at all is closed after ten seconds without a byte', () => {
    expect(stallOf(progress(0, 0), 9_999)).toBeUndefined();
    expect(stallOf(progress(0, 0), 10_000)).toBe('unread');
    expect(stallOf(progress(500 * KILOBYTE, 30_000), 39_999)).toBeUndefined();
    expect(stallOf(progress(500 * KILOBYTE, 30_000), 40_000)).toBe('unread');
  });

  it('slowly is closed ten seconds after all of it could have been sent at 32 KB per second', () => {
    expect(stallOf(progress(KILOBYTE, 41_000), 41_999)).toBeUndefined();
    expect(stallOf(progress(KILOBYTE, 41_000), 42_000)).toBe('trickle');
  });

  it('to its end is not closed', () => {
    expect(stallOf(undefined, 60_000)).toBeUndefined();
  });
});
