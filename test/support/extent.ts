// How far tests go that find more the longer they try: the short form in `npm test`, the long one in `npm run test:long`.
export const isLong = process.env['EXTENT'] === 'long';

/** How often something is tried that is drawn by lot: `long` in the long form, a quarter of that in the short one. */
export const tries = (long: number): number => (isLong ? long : long / 4);

/** How often something is tried whose order is left to chance. */
export const INTERLEAVINGS = tries(200);
