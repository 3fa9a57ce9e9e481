// Access tokens as requests and sockets present them: in `Authorization` or in a cookie. One that was forged is recorded.
import { Injectable } from '@nestjs/common';
import type { Transport } from '../access/role.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { type AccessClaims, AccessTokens } from './access-tokens.js';

/** An access token of ours, expired or not, and how it came. */
export interface ShownToken {
  readonly claims: AccessClaims;
  readonly transport: Transport;
}

const BEARER = /^Bearer +([A-Za-z0-9_.-]+) *$/i;

@Injectable()
export class PresentedTokens {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly audit: AuditTrail,
  ) {}

  /** The token in an `Authorization` value, which came from `address`. */
  inHeader(authorization: string, address: string): ShownToken | undefined {
    return this.verified(BEARER.exec(authorization)?.[1], 'BODY', address);
  }

  /** The token in a cookie, which came from `address`. */
  inCookie(value: string | undefined, address: string): ShownToken | undefined {
    return this.verified(value, 'COOKIE', address);
  }

  private verified(token: string | undefined, transport: Transport, address: string): ShownToken | undefined {
    if (!token) return undefined;
    const claims = this.tokens.verify(token);
    // Not waited for: nobody is refused later for it.
    if (!claims) void this.audit.recordRepeatable({ action: 'ACCESS_TOKEN_REFUSED', outcome: 'REFUSED', address });
    return claims && { claims, transport };
  }
}
