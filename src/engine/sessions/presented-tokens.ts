// Reads access tokens from `Authorization` or a cookie. Forged ones are audited.
import { Injectable } from '@nestjs/common';
import type { Transport } from '../access/role.js';
import { AuditTrail } from '../audit/audit-trail.js';
import type { SocketCredential } from '../realtime/sockets/socket-sessions.port.js';
import { AccessTokens } from './access-tokens.js';

/** An access token of this service, expired or not, and its transport. */
export type PresentedAccessToken = SocketCredential;

const BEARER = /^Bearer +([A-Za-z0-9_.-]+) *$/i;

@Injectable()
export class PresentedTokens {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly audit: AuditTrail,
  ) {}

  /** The token in an `Authorization` value, sent from `address`. */
  inHeader(authorization: string, address: string): PresentedAccessToken | undefined {
    return this.verified(BEARER.exec(authorization)?.[1], 'BODY', address);
  }

  /** The token in a cookie, sent from `address`. */
  inCookie(value: string | undefined, address: string): PresentedAccessToken | undefined {
    return this.verified(value, 'COOKIE', address);
  }

  private verified(token: string | undefined, transport: Transport, address: string): PresentedAccessToken | undefined {
    if (!token) return undefined;
    const claims = this.tokens.verify(token);
    // Not awaited: requests do not wait for the audit.
    if (!claims) void this.audit.recordRepeatable({ action: 'ACCESS_TOKEN_REFUSED', outcome: 'REFUSED', address });
    if (!claims) return undefined;
    return { accountId: claims.sub, sessionId: claims.sid, expiresAt: claims.exp * 1000, transport };
  }
}
