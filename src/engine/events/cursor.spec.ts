import * as fc from 'fast-check';
import { anyText } from '../../../test/support/any-text.js';
import { CursorExpiredError } from '../errors/service-error.js';
import { decodeCursor, encodeCursor } from './cursor.js';

const position = fc.record({
  pos: fc.maxSafeNat(),
  nonce: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});

describe('a cursor', () => {
  it('encodes its position', () => {
    fc.assert(fc.property(position, (given) => expect(decodeCursor(encodeCursor(given))).toEqual(given)));
  });

  it('is deterministic and safe in URLs', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        const same = a.pos === b.pos && a.nonce === b.nonce;
        expect(encodeCursor(a) === encodeCursor(b)).toBe(same);
        expect(encodeCursor(a)).toMatch(/^[\w-]{19}$/);
      }),
    );
  });

  const anything = fc.oneof(
    anyText(),
    fc.string({ unit: fc.constantFrom(...'abcXYZ019-_=+/ \n\0é') }),
    fc.base64String(),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    position.map((given) => `${encodeCursor(given)}=`),
    position.map((given) => ` ${encodeCursor(given)}`),
    position.map((given) => Buffer.from(encodeCursor(given), 'base64url').toString('base64')),
  );

  it('that is malformed is CURSOR_EXPIRED', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const outcome = readAgain(text);
        expect(outcome === text || outcome instanceof CursorExpiredError).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('beyond the safe integers is CURSOR_EXPIRED', () => {
    for (const pos of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
      const bytes = Buffer.alloc(14);
      bytes.writeBigUInt64BE(pos, 6);
      expect(() => decodeCursor(bytes.toString('base64url'))).toThrow(CursorExpiredError);
    }
  });
});

/** The cursor of the position that `text` names, or what reading it threw. */
function readAgain(text: string): unknown {
  try {
    return encodeCursor(decodeCursor(text));
  } catch (error) {
    return error;
  }
}
