import { LATER, retryAdvice, withAdvice } from './retry-advice.js';

describe('retryAdvice', () => {
  it('is short for a small instance, and spreads the clients of a large one', () => {
    expect(retryAdvice(0)).toEqual({ min: 0, max: 2 });
    expect(retryAdvice(1)).toEqual({ min: 1, max: 3 });
    expect(retryAdvice(500)).toEqual({ min: 2, max: 7 });
    expect(retryAdvice(1_300)).toEqual(LATER);
    expect(retryAdvice(50_000)).toEqual(LATER);
  });
});

describe('withAdvice', () => {
  it('is parsed by a client, and fits into a close reason', () => {
    expect(withAdvice('Try again later', LATER)).toBe('Try again later; retry=5-15');
    const longest = withAdvice('Silent while others of the account need its place', LATER);
    expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(123);
  });
});
