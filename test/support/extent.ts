// How far tests go that find more the longer they try: the short form in `npm test`, the long one in `npm run test:long`.
export const isLong = process.env['EXTENT'] === 'long';

/** How often something is tried whose order is left to chance. */
export const INTERLEAVINGS = isLong ? 200 : 50;
