// The session that a request comes from, as its cookies or its argument have it: which one a refresh renews, and which one a
// new sign-in takes the place of.
import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../access/operation-context.js';
import type { Transport } from '../access/role.js';
import { RefreshTokenReusedError, UnauthenticatedError } from '../errors/service-error.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SessionEntity } from './session.entity.js';
import { RefreshService } from './refresh.service.js';
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

  /** Throws {@link ForbiddenError} if it asks for cookies, and nothing shows that a page of ours does. */
  async signIn(context: OperationContext, transport: Transport): Promise<SignInOrigin> {
    if (transport === 'COOKIE') context.cookies.assertAllowed();
    return { context, transport, before: await this.before(context) };
  }

  /** The session whose cookies came with the operation, alive or not; undefined: nothing genuine did. */
  private async before({ cookies, em, principal }: OperationContext): Promise<SessionName | undefined> {
    if (principal?.transport === 'COOKIE') return principal;
    // An access token expires long before whoever has it signs in again.
    const shown = this.tokens.parse(cookies.refreshToken ?? '');
    const session = shown && (await em.fork().findOne(SessionEntity, shown.sessionId));
    if (!session || session.transport !== 'COOKIE' || !this.tokens.isGenuine(shown, session.seed)) return undefined;
    return { accountId: session.accountId, sessionId: session.id };
  }
}
