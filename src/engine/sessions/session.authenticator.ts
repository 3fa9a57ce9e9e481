// From `Authorization` or a cookie to a principal: signature, expiry, session and account, each looked at every time.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { NO_COOKIES } from '../access/credential-cookies.js';
import type { Caller } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import { LogFollower } from '../events/log-follower.js';
import { OtherAccountError, ServiceUnavailableError } from '../errors/service-error.js';
import type { Authenticator } from '../graphql/authenticator.port.js';
import { PresentedTokens, type ShownToken } from './presented-tokens.js';
import { SessionCookies } from './session-cookies.js';
import { SessionUse } from './session-use.js';
import { SessionView } from './session.view.js';

/** By this name, as a header and in the payload of `connection_init`, a page says which account it shows. */
const ACCOUNT_HEADER = 'x-tidings-account';

const NOBODY: Caller = {};

@Injectable()
export class SessionAuthenticator implements Authenticator {
  constructor(
    readonly presented: PresentedTokens,
    private readonly sessions: SessionView,
    private readonly rights: Rights,
    private readonly follower: LogFollower,
    private readonly use: SessionUse,
    private readonly cookies: SessionCookies,
  ) {}

  async authenticate(request: IncomingMessage, response: ServerResponse, address: string): Promise<Caller> {
    const { authorization } = request.headers;
    const cookies = this.cookies.of(request, response);
    if (cookies.refusal) return { cookies };
    const shownAccount = shownAccountIn(request.headers);
    const shown =
      authorization === undefined
        ? this.presented.inCookie(cookies.accessToken, address)
        : this.presented.inHeader(authorization, address);
    // Expired or not: a page that shows another account must not refresh this one's session.
    if (shown && isOtherAccount(shown, shownAccount)) {
      return { cookies: { ...NO_COOKIES, refusal: new OtherAccountError() } };
    }
    if (!shown) return { cookies, shownAccount, inDoubt: shownAccount !== undefined };
    if (shown.claims.exp * 1000 <= Date.now()) return { cookies, shownAccount };
    return { ...(await this.callerOf(shown)), cookies, shownAccount };
  }

  /** The caller as the log has it now: nobody once the session has ended or the account is disabled. */
  async callerOf({ claims, transport }: ShownToken): Promise<Caller> {
    try {
      await this.follower.ensureFresh();
      const [session, rights] = await Promise.all([this.sessions.get(claims.sid), this.rights.of(claims.sub)]);
      if (!session || session.ended || session.accountId !== claims.sub || !rights || rights.disabled) return NOBODY;
      // Tokens do not cross over: what scripts may read, and what they may not, stays what it is.
      if (session.transport !== transport) return NOBODY;
      this.use.touch(claims.sid);
      return {
        principal: {
          accountId: claims.sub,
          sessionId: claims.sid,
          session,
          rights,
          transport,
          tokenExpiresAt: claims.exp * 1000,
        },
      };
    } catch {
      // Whoever asks learns nothing but that it cannot be known now; why it cannot is reported where it failed.
      return { refusal: new ServiceUnavailableError() };
    }
  }
}

/**
 * The account that a page says it shows, under the name in any case, as in HTTP; an empty text, or what is none, is that of no account,
 * and so are several.
 */
export function shownAccountIn(values: Readonly<Record<string, unknown>>): string | undefined {
  const [value, ...more] = Object.entries(values).flatMap(([name, said]) =>
    name.toLowerCase() === ACCOUNT_HEADER && said !== undefined ? [said] : [],
  );
  if (value === undefined) return undefined;
  return typeof value === 'string' && more.length === 0 ? value.toLowerCase() : '';
}

/** Whether a page that shows `account` has the token of another one. */
export function isOtherAccount({ claims }: ShownToken, account: string | undefined): boolean {
  return account !== undefined && account !== claims.sub;
}
