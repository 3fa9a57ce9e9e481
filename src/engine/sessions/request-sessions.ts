// The session named by a request's cookies or argument: which one a refresh renews, and which one a new sign-in replaces.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { OperationContext } from '../access/operation-context.js';
import type { Transport } from '../access/role.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import { RefreshTokens } from './refresh-tokens.js';
import { RefreshService } from './refresh.service.js';
import { originOf } from './session-statements.js';
import type { OpenSession } from './session-statements.js';

export interface SessionName {
  readonly accountId: string;
  readonly sessionId: string;
}

/** The operation that signs in, and what happens to the session of its cookies. */
export interface SignInOrigin {
  readonly context: OperationContext;
  /** Of the new session. */
  readonly transport: Transport;
  /** The session that the sign-in ends. */
  readonly before: SessionName | undefined;
}

const LIVES = `
select 1 from session where id = ? and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)`;

@Injectable()
export class RequestSessions {
  constructor(
    private readonly refreshes: RefreshService,
    private readonly tokens: RefreshTokens,
  ) {}

  /**
   * Renews by `argument`, else by the cookie, each for sessions of its own transport. Refused cookies stay: another page may
   * replace them before the reply arrives, and a reply can clear cookies by name only.
   * Throws {@link UnauthenticatedError}, {@link RefreshTokenReusedError}.
   */
  async refresh(context: OperationContext, argument: string | null | undefined): Promise<OpenSession> {
    const { cookies } = context;
    if (argument != null) return this.refreshes.refresh(argument, 'BODY', context);
    if (cookies.refreshToken === undefined) throw new UnauthenticatedError('There is no refresh token.');
    return this.refreshes.refresh(cookies.refreshToken, 'COOKIE', context);
  }

  /**
   * The session to sign out of: that of the access token, else of the refresh token in `argument` or the cookie. A rotated token
   * also names it, so a tab that missed a rotation can sign out.
   * Throws {@link UnauthenticatedError}, or why the caller is unknown.
   */
  async own(context: OperationContext, argument: string | null | undefined): Promise<SessionName> {
    const { principal, cookies, em } = context;
    const token = argument ?? cookies.refreshToken;
    if (token === undefined || (principal && !principal.session.ended)) return context.viewer;
    const named = await this.genuine(em, token, argument == null ? 'COOKIE' : 'BODY');
    if (named) context.assertPageAccount(named.accountId);
    const lives = named && (await em.execute<unknown[]>(LIVES, [named.sessionId])).length > 0;
    if (!lives) throw new UnauthenticatedError('This refresh token is not valid.');
    return named;
  }

  /**
   * Throws {@link ForbiddenError} for a request of cookies without proof that an allowed page sent it; {@link OtherAccountError} if its
   * cookies belong to another account than the page shows.
   */
  async signIn(context: OperationContext, transport: Transport): Promise<SignInOrigin> {
    if (transport === 'COOKIE') context.cookies.assertAllowed();
    const before = await this.before(context);
    if (before) context.assertPageAccount(before.accountId);
    return { context, transport, before };
  }

  /** The session of the operation's cookies, live or not; undefined: none or forged. */
  private async before({ cookies, em, principal }: OperationContext): Promise<SessionName | undefined> {
    if (principal?.transport === 'COOKIE') return principal;
    // At a new sign-in, the access token of the earlier session has usually expired.
    return this.genuine(em, cookies.refreshToken ?? '', 'COOKIE');
  }

  /** The session of a genuine refresh token in its session's transport, of any generation. */
  private async genuine(em: EntityManager, token: string, transport: Transport): Promise<SessionName | undefined> {
    const presented = this.tokens.parse(token);
    const origin = presented && (await originOf(em.fork(), presented.sessionId));
    if (!origin || origin.transport !== transport || !this.tokens.isGenuine(presented, origin.seed)) return undefined;
    return { accountId: origin.accountId, sessionId: presented.sessionId };
  }
}
