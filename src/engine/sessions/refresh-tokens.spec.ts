import { createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { anyText } from '../../../test/support/any-text.js';
import { tries } from '../../../test/support/extent.js';
import { RefreshTokens } from './refresh-tokens.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const using = (...appSecrets: Buffer[]) => new RefreshTokens({ appSecrets, service });
const [old, next] = [randomBytes(32), randomBytes(32)];
const tokens = using(old);
const seed = randomBytes(32);
const session = randomUUID();

/** What `tokens` make of a token for a session with this seed. */
const accepts = (by: RefreshTokens, token: string, of = seed) => {
  const presented = by.parse(token);
  return presented !== undefined && by.isGenuine(presented, of);
};

describe('refresh tokens', () => {
  it('contain session and generation, and are deterministic', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 999_999_999 }), (id, generation) => {
        const token = tokens.make(id, generation, seed);
        expect(tokens.parse(token)).toMatchObject({ sessionId: id, generation });
        expect(tokens.make(id, generation, seed)).toBe(token);
        expect(accepts(tokens, token)).toBe(true);
      }),
    );
  });

  it('are made by HMAC-SHA256 over session, generation and seed, as documented', () => {
    const key = Buffer.from(hkdfSync('sha256', old, '', 'notes refresh token', 32));
    const mac = createHmac('sha256', key)
      .update(Buffer.concat([Buffer.from(`tr1.${session}.7.`), seed]))
      .digest('base64url');
    expect(tokens.make(session, 7, seed)).toBe(`tr1.${session}.7.${mac}`);
  });

  it('are parsed strictly, and parsing never throws', () => {
    const near = fc
      .tuple(
        fc.constantFrom('tr1', 'tr2', 'TR1', ''),
        fc.oneof(fc.uuid(), fc.string()),
        fc.oneof(fc.integer(), fc.string()),
        fc.base64String(),
      )
      .map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.oneof(anyText(), near, fc.string({ minLength: 60 })), (text) => {
        const presented = tokens.parse(text);
        expect([32, undefined]).toContain(presented?.mac.length);
        expect(accepts(tokens, text)).toBe(false);
      }),
      { numRuns: tries(2_000) },
    );
  });

  it('are invalid after a change of any character', () => {
    const token = tokens.make(session, 12, seed);
    // The last character carries four bits of the MAC and two that mean nothing.
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = token.slice(0, at) + (token[at] === '1' ? '2' : '1') + token.slice(at + 1);
      expect([at, accepts(tokens, changed)]).toEqual([at, false]);
    }
  });

  it('need both the seed and the key', () => {
    const token = tokens.make(session, 1, seed);
    expect(accepts(tokens, token, randomBytes(32))).toBe(false);
    expect(accepts(using(next), token)).toBe(false);
  });

  it('stay valid while their secret is listed; new ones use the first secret', () => {
    const both = using(next, old);
    expect(accepts(both, tokens.make(session, 1, seed))).toBe(true);
    expect(accepts(tokens, both.make(session, 1, seed))).toBe(false);
    expect(accepts(using(next), both.make(session, 1, seed))).toBe(true);
  });

  it('cannot be made without a secret', () => {
    expect(() => using().make(session, 1, seed)).toThrow('APP_SECRET');
  });
});
