// Access tokens: JWT ES256 (RFC 9068's `at+jwt`), signed with the current key, verified with all.
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Role } from '../access/role.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { deriveSigningKey, type SigningKey } from './signing-keys.js';

const TYPE = 'at+jwt';

const headerSchema = z.object({ alg: z.literal('ES256'), typ: z.literal(TYPE), kid: z.string() });

/** Every claim is required; times are seconds since 1970. */
const claimsFor = (audience: string) =>
  z.object({
    iss: z.string(),
    aud: z.literal(audience),
    sub: z.uuid(),
    sid: z.uuid(),
    role: z.enum(['USER', 'EDITOR', 'ADMIN']),
    iat: z.int(),
    exp: z.int(),
    jti: z.uuid(),
  });

export type AccessClaims = z.infer<ReturnType<typeof claimsFor>>;

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

@Injectable()
export class AccessTokens {
  private readonly keys: readonly SigningKey[];
  private readonly claims: ReturnType<typeof claimsFor>;
  /** Tokens with a verified signature. Expiry and revocation are still checked every time. */
  private readonly verified = new LRUCache<string, AccessClaims>({ maxSize: 50_000, sizeCalculation: () => 1 });

  constructor(
    private readonly jwt: JwtService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.keys = config.appSecrets.map((secret) => deriveSigningKey(secret, config.service.prefix));
    this.claims = claimsFor(config.service.prefix);
    this.selfTest();
  }

  /** The JSON Web Key Set of all keys that tokens may be signed with. */
  get jwks(): { keys: readonly Readonly<Record<string, string>>[] } {
    return { keys: this.keys.map(({ jwk }) => jwk) };
  }

  /** A token of `sessionId`, valid for ACCESS_TOKEN_TTL and never beyond `notAfter`. `role` is for other services. */
  issue(accountId: string, sessionId: string, role: Role, notAfter: Date): IssuedToken {
    const key = this.keys[0];
    if (!key) throw new Error('There is no APP_SECRET to sign with');
    const iat = Math.floor(Date.now() / 1000);
    const exp = Math.min(iat + Math.floor(this.config.accessTokenTtl / 1000), Math.floor(notAfter.getTime() / 1000));
    const claims = {
      iss: this.config.publicUrl,
      aud: this.config.service.prefix,
      sub: accountId,
      sid: sessionId,
      role,
      iat,
      exp,
      jti: randomUUID(),
    };
    const token = this.jwt.sign(claims, {
      privateKey: key.privateKey,
      algorithm: 'ES256',
      header: { alg: 'ES256', typ: TYPE, kid: key.kid },
    });
    return { token, expiresAt: new Date(exp * 1000) };
  }

  /** The claims of a token of this service, expired or not; `undefined` otherwise. */
  verify(token: string): AccessClaims | undefined {
    const known = this.verified.get(token);
    if (known) return known;
    const claims = this.verifySignature(token);
    if (claims) this.verified.set(token, claims);
    return claims;
  }

  /** Refuses to start an instance that cannot sign, and compiles the schemas before the first sign-in. */
  private selfTest(): void {
    const { token } = this.issue(
      randomUUID(),
      randomUUID(),
      Role.USER,
      new Date(Date.now() + this.config.accessTokenTtl),
    );
    if (!this.verifySignature(token)) throw new Error('Access tokens that are issued here are not accepted here');
  }

  private verifySignature(token: string): AccessClaims | undefined {
    if (token.length > 2_048) return undefined;
    try {
      // `decode` throws too, where a header says JWT and the payload is no JSON.
      const header = headerSchema.safeParse(this.jwt.decode(token, { complete: true })?.header).data;
      const key = this.keys.find(({ kid }) => kid === header?.kid);
      if (!key) return undefined;
      const claims: unknown = this.jwt.verify(token, {
        // The library accepts a KeyObject, which saves parsing each time; its types do not say so.
        publicKey: key.publicKey as unknown as Buffer,
        algorithms: ['ES256'],
        ignoreExpiration: true,
      });
      const checked = this.claims.safeParse(claims).data;
      const lifetime = checked ? checked.exp - checked.iat : Number.NaN;
      return checked && lifetime <= this.config.accessTokenTtl / 1000 ? checked : undefined;
    } catch {
      return undefined;
    }
  }
}
