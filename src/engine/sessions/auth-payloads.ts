// The payload of a sign-in: tokens in the reply or in cookies. From here on the operation runs as the account.
import { Inject, Injectable } from '@nestjs/common';
import type { OperationContext } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import type { Account } from '../accounts/account.entity.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import { PUB_SUB, type PubSub } from '../pubsub/pubsub.port.js';
import { AccessTokens } from './access-tokens.js';
import { RefreshTokens } from './refresh-tokens.js';
import type { Session } from './session.entity.js';
import type { OpenSession } from './session-statements.js';

export interface AuthResult {
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
  readonly accessTokenExpiresAt: Date;
  readonly user: Account;
  readonly session: Session;
}

@Injectable()
export class AuthPayloads {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly rights: Rights,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
  ) {}

  /** The payload of a new session. Cookies that came with the operation are cleared. */
  async signedIn(context: OperationContext, opened: OpenSession): Promise<AuthResult> {
    if (opened.session.transport === 'BODY') context.cookies.clear();
    return this.renewed(context, opened);
  }

  /** The payload of a session; its fields are resolved as its account. */
  async renewed(context: OperationContext, { account, session }: OpenSession): Promise<AuthResult> {
    const rights = await this.rights.of(account.id);
    if (!rights) throw new UnauthenticatedError();
    const access = this.accessTokens.issue(account.id, session.id, account.role, session.idleExpiresAt);
    const expiresAt = access.expiresAt.getTime();
    // Only a session that existed before has sockets, on any instance.
    if (session.rotatedAt) this.pubSub.publish('session', { accountId: account.id, sessionId: session.id, expiresAt });
    context.signIn({
      accountId: account.id,
      sessionId: session.id,
      // It was open a moment ago, and a sign-in is the only field of its operation.
      session: { ended: false },
      rights,
      transport: session.transport,
      tokenExpiresAt: expiresAt,
    });
    const { expiresAt: accessTokenExpiresAt, token: accessToken } = access;
    const refreshToken = this.refreshTokens.make(session.id, session.generation, session.seed);
    const rest = { accessTokenExpiresAt, user: account, session };
    if (session.transport === 'BODY') return { accessToken, refreshToken, ...rest };
    context.cookies.set({ accessToken, refreshToken }, session.idleExpiresAt);
    return { accessToken: null, refreshToken: null, ...rest };
  }
}
