import { createECDH, createHash, createPublicKey, hkdfSync, randomBytes, sign, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { deriveSigningKey } from './signing-keys.js';

const secrets = fc.uint8Array({ minLength: 32, maxLength: 64 }).map((bytes) => Buffer.from(bytes));

describe('the signing key of a secret', () => {
  it('is deterministic, and different for each secret', () => {
    fc.assert(
      fc.property(secrets, secrets, (a, b) => {
        expect(deriveSigningKey(a, 'tidings').jwk).toEqual(deriveSigningKey(Buffer.from(a), 'tidings').jwk);
        expect(deriveSigningKey(a, 'tidings').kid === deriveSigningKey(b, 'tidings').kid).toBe(a.equals(b));
      }),
      { numRuns: 50 },
    );
  });

  it('is pinned, since a change would sign everybody out', () => {
    expect(deriveSigningKey(Buffer.alloc(32, 'tidings'), 'tidings').kid).toBe(
      'wyhGdZS30akv2VkH22CFll3q5tdkyWm5OKFOCUeE1Wk',
    );
  });

  it('is 48 bytes of HKDF modulo the order of the curve', () => {
    const order = BigInt('115792089210356248762697446949407573529996955224135760342422259061068512044369');
    const secret = randomBytes(32);
    const wide = Buffer.from(hkdfSync('sha256', secret, '', 'tidings access token ES256', 48));
    const scalar = (BigInt(`0x${wide.toString('hex')}`) % (order - 1n)) + 1n;
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
    const { x, y } = deriveSigningKey(secret, 'tidings').jwk;
    expect(Buffer.concat([Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')])).toEqual(
      ecdh.getPublicKey(),
    );
  });

  it('has its thumbprint as key id (RFC 7638)', () => {
    const { kid, jwk } = deriveSigningKey(randomBytes(32), 'tidings');
    const canonical = `{"crv":"P-256","kty":"EC","x":"${jwk['x']}","y":"${jwk['y']}"}`;
    expect(kid).toBe(createHash('sha256').update(canonical).digest().toString('base64url'));
    expect(jwk).toEqual({ kty: 'EC', crv: 'P-256', x: jwk['x'], y: jwk['y'], kid, alg: 'ES256', use: 'sig' });
  });

  it('makes signatures that the published key verifies, as JWK and as object', () => {
    fc.assert(
      fc.property(secrets, fc.uint8Array({ maxLength: 200 }), (secret, message) => {
        const { privateKey, publicKey, jwk } = deriveSigningKey(secret, 'tidings');
        const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
        expect(signature).toHaveLength(64);
        for (const key of [createPublicKey({ format: 'jwk', key: jwk }), publicKey]) {
          expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('publishes no private part', () => {
    const { privateKey, publicKey, jwk } = deriveSigningKey(randomBytes(32), 'tidings');
    const { d } = privateKey.export({ format: 'jwk' });
    expect(JSON.stringify([publicKey.export({ format: 'jwk' }), jwk])).not.toContain(d);
    expect(publicKey.type).toBe('public');
  });
});
