// Authenticates `Authorization` or a cookie: checks signature, expiry, session and account each time.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { NO_COOKIES } from '../access/credential-cookies.js';
import type { Caller } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import { LogFollower } from '../events/log-follower.js';
import { OtherAccountError, ServiceUnavailableError } from '../errors/service-error.js';
import type { Authenticator } from '../graphql/http/authenticator.port.js';
import { type PresentedAccessToken, PresentedTokens } from './presented-tokens.js';
import { SessionCookies } from './session-cookies.js';
import { SessionUse } from './session-use.js';
import { SessionCache } from './session-cache.js';

const NOBODY: Caller = {};

@Injectable()
export class SessionAuthenticator implements Authenticator {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly sessions: SessionCache,
    private readonly rights: Rights,
    private readonly follower: LogFollower,
    private readonly use: SessionUse,
    private readonly cookies: SessionCookies,
  ) {}

  async authenticate(request: IncomingMessage, response: ServerResponse, address: string): Promise<Caller> {
    const { authorization } = request.headers;
    const cookies = this.cookies.of(request, response);
    if (cookies.refusal) return { cookies };
    const pageAccount = this.cookies.shownAccountIn(request.headers);
    const token =
      authorization === undefined
        ? this.presented.inCookie(cookies.accessToken, address)
        : this.presented.inHeader(authorization, address);
    // Also when expired: a page that shows another account must not refresh this session.
    if (token && isOtherAccount(token, pageAccount)) {
      return { cookies: { ...NO_COOKIES, refusal: new OtherAccountError() } };
    }
    if (!token) return { cookies, pageAccount, cookiesUnverified: pageAccount !== undefined };
    if (token.expiresAt <= Date.now()) return { cookies, pageAccount };
    return { ...(await this.callerOf(token)), cookies, pageAccount };
  }

  /** The caller according to the log: none once the session has ended or the account is disabled. */
  async callerOf({ accountId, sessionId, expiresAt, transport }: PresentedAccessToken): Promise<Caller> {
    try {
      await this.follower.ensureFresh();
      const [session, rights] = await Promise.all([this.sessions.get(sessionId), this.rights.of(accountId)]);
      if (!session || session.ended || session.accountId !== accountId || !rights || rights.disabled) return NOBODY;
      // A token must be sent in the transport of its session, so that cookies stay inaccessible to scripts.
      if (session.transport !== transport) return NOBODY;
      this.use.touch(sessionId);
      return {
        principal: { accountId, sessionId, session, rights, transport, tokenExpiresAt: expiresAt },
      };
    } catch {
      // The client learns only that it is unavailable; the cause is reported where it failed.
      return { refusal: new ServiceUnavailableError() };
    }
  }
}

/** Whether a page that shows `account` has the token of another account. */
export function isOtherAccount({ accountId }: PresentedAccessToken, account: string | undefined): boolean {
  return account !== undefined && account !== accountId;
}
