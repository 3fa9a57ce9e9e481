// The session that a request comes from, as its cookies or its argument have it: which one a refresh renews, and which one a
// new sign-in takes the place of.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { OperationContext } from '../access/operation-context.js';
import type { Transport } from '../access/role.js';
import { RefreshTokenReusedError, UnauthenticatedError } from '../errors/service-error.js';
import { RefreshTokens } from './refresh-tokens.js';
import { RefreshService } from './refresh.service.js';
import { originOf } from './rotation.js';
import type { OpenSession } from './session.service.js';

export interface SessionName {
  readonly accountId: string;
  readonly sessionId: string;
}

/** The operation that signs in, and what becomes of the session whose cookies came with it. */
export interface SignInOrigin {
  readonly context: OperationContext;
  /** Of the new session. */
  readonly transport: Transport;
  /** Ends with the sign-in. */
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
   * Renews by `argument`, else by the cookie, each for sessions of its own transport. Cookies that were refused are cleared.
   * Throws {@link UnauthenticatedError}, {@link RefreshTokenReusedError}.
   */
  async refresh(context: OperationContext, argument: string | null | undefined): Promise<OpenSession> {
    const { cookies } = context;
    if (argument != null) return this.refreshes.refresh(argument, 'BODY', context);
    if (cookies.refreshToken === undefined) throw new UnauthenticatedError('There is no refresh token.');
    try {
      return await this.refreshes.refresh(cookies.refreshToken, 'COOKIE', context);
    } catch (error) {
      if (error instanceof UnauthenticatedError || error instanceof RefreshTokenReusedError) cookies.clear();
      throw error;
    }
  }

  /**
   * The session to sign out of: that of the access token, else that of the refresh token in `argument` or the cookie. One that was
   * rotated away names it as well: a tab that missed a rotation may still sign out.
   * Throws {@link UnauthenticatedError}, or why the caller cannot be known now.
   */
  async own(context: OperationContext, argument: string | null | undefined): Promise<SessionName> {
    const { principal, cookies, em } = context;
    const token = argument ?? cookies.refreshToken;
    if (token === undefined || (principal && !principal.session.ended)) return context.viewer;
    const named = await this.genuine(em, token, argument == null ? 'COOKIE' : 'BODY');
    if (named) context.assertShown(named.accountId);
    const lives = named && (await em.execute<unknown[]>(LIVES, [named.sessionId])).length > 0;
    if (!lives) throw new UnauthenticatedError('This refresh token is not valid.');
    return named;
  }

  /**
   * Throws {@link ForbiddenError} if it asks for cookies, and nothing shows that a page of ours does; {@link OtherAccountError} if the
   * cookies that came are of another account than the page shows.
   */
  async signIn(context: OperationContext, transport: Transport): Promise<SignInOrigin> {
    if (transport === 'COOKIE') context.cookies.assertAllowed();
    const before = await this.before(context);
    if (before) context.assertShown(before.accountId);
    return { context, transport, before };
  }

  /** The session whose cookies came with the operation, alive or not; undefined: nothing genuine did. */
  private async before({ cookies, em, principal }: OperationContext): Promise<SessionName | undefined> {
    if (principal?.transport === 'COOKIE') return principal;
    // An access token expires long before whoever has it signs in again.
    return this.genuine(em, cookies.refreshToken ?? '', 'COOKIE');
  }

  /** The session of a refresh token of ours that came as those of its session do, whichever generation it is of. */
  private async genuine(em: EntityManager, token: string, transport: Transport): Promise<SessionName | undefined> {
    const presented = this.tokens.parse(token);
    const origin = presented && (await originOf(em.fork(), presented.sessionId));
    if (!origin || origin.transport !== transport || !this.tokens.isGenuine(presented, origin.seed)) return undefined;
    return { accountId: origin.accountId, sessionId: presented.sessionId };
  }
}
