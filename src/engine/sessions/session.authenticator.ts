// From an `Authorization` value to a principal: signature, expiry, session and account, each looked at every time.
import { Injectable } from '@nestjs/common';
import type { Caller } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import { LogFollower } from '../events/log-follower.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import type { Authenticator } from '../graphql/authenticator.port.js';
import { type AccessClaims, AccessTokens } from './access-tokens.js';
import { SessionUse } from './session-use.js';
import { SessionView } from './session.view.js';

const NOBODY: Caller = {};
const BEARER = /^Bearer +([A-Za-z0-9_.-]+) *$/i;

@Injectable()
export class SessionAuthenticator implements Authenticator {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly sessions: SessionView,
    private readonly rights: Rights,
    private readonly follower: LogFollower,
    private readonly use: SessionUse,
  ) {}

  async authenticate(authorization: string | undefined): Promise<Caller> {
    const claims = this.claimsOf(authorization);
    if (!claims || claims.exp * 1000 <= Date.now()) return NOBODY;
    return this.callerOf(claims);
  }

  /** The claims of a bearer token of ours, expired or not. */
  claimsOf(authorization: string | undefined): AccessClaims | undefined {
    const token = BEARER.exec(authorization ?? '')?.[1];
    return token ? this.tokens.verify(token) : undefined;
  }

  /** The caller as the log has it now: nobody once the session has ended or the account is disabled. */
  async callerOf(claims: AccessClaims): Promise<Caller> {
    try {
      await this.follower.ensureFresh();
      const [session, rights] = await Promise.all([this.sessions.get(claims.sid), this.rights.of(claims.sub)]);
      if (!session || session.ended || session.accountId !== claims.sub || !rights || rights.disabled) return NOBODY;
      this.use.touch(claims.sid);
      return {
        principal: {
          accountId: claims.sub,
          sessionId: claims.sid,
          rights,
          transport: session.transport,
          tokenExpiresAt: claims.exp * 1000,
        },
      };
    } catch {
      // Whoever asks learns nothing but that it cannot be known now; why it cannot is reported where it failed.
      return { refusal: new ServiceUnavailableError() };
    }
  }
}
