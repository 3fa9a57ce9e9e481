// The key pairs of access tokens, derived from APP_SECRET, so that all instances have the same without a key table.
import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { deriveKey } from '../config/app-secret.js';

export interface SigningKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As published: RFC 7517, public members only. */
  readonly jwk: Readonly<Record<string, string>>;
}

/** Order of P-256 (FIPS 186-5). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The ES256 key pair of `secret` and the service's prefix. The scalar is 48 derived bytes modulo the order: no visible bias (FIPS 186-5, A.2.1). */
export function deriveSigningKey(secret: Buffer, prefix: string): SigningKey {
  const wide = BigInt(`0x${deriveKey(secret, `${prefix} access token ES256`, 48).toString('hex')}`);
  const scalar = Buffer.from(((wide % (ORDER - 1n)) + 1n).toString(16).padStart(64, '0'), 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  // In the order of RFC 7638, section 3.
  const coordinates = { crv: 'P-256', kty: 'EC', x, y };
  const kid = createHash('sha256').update(JSON.stringify(coordinates)).digest('base64url');
  return {
    kid,
    privateKey: createPrivateKey({ format: 'jwk', key: { ...coordinates, d: scalar.toString('base64url') } }),
    publicKey: createPublicKey({ format: 'jwk', key: coordinates }),
    jwk: { ...coordinates, kid, alg: 'ES256', use: 'sig' },
  };
}
