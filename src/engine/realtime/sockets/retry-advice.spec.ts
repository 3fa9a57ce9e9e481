import { LATER, retryAdvice, withAdvice } from './retry-advice.js';

describe('retryAdvice', () => {
  it('lets the clients of a small instance come back soon, and spreads those of a large one', () => {
    expect(retryAdvice(0)).toEqual({ min: 0, max: 2 });
    expect(retryAdvice(1)).toEqual({ min: 1, max: 3 });
    expect(retryAdvice(500)).toEqual({ min: 2, max: 7 });
    expect(retryAdvice(1_300)).toEqual(LATER);
    expect(retryAdvice(50_000)).toEqual(LATER);
  });
});

describe('withAdvice', () => {
  it('is read by a client, and fits into the reason of a close', () => {
    expect(withAdvice('Try again later', LATER)).toBe('Try again later; retry=5-15');
    const longest = withAdvice('Silent while others of the account need its place', LATER);
    expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(123);
  });
});
