// Iteration counts of randomized tests: a short form for `npm test`, a long form for `npm run test:long`.
export const isLong = process.env['EXTENT'] === 'long';

/** Iterations of a randomized test: `long` in the long form, a quarter of that in the short form. */
export const tries = (long: number): number => (isLong ? long : long / 4);

/** Iterations of a test with random interleavings. */
export const INTERLEAVINGS = tries(200);
