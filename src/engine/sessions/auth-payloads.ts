// What a sign-in answers: tokens of the open session, and from here on the operation speaks for its account.
import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import type { Account } from '../accounts/account.entity.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import { AccessTokens } from './access-tokens.js';
import { RefreshTokens } from './refresh-tokens.js';
import type { Session } from './session.entity.js';
import type { OpenSession } from './session.service.js';

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
  ) {}

  /** The payload of `opened`; fields below it are answered as that account may see them. */
  async signedIn(context: OperationContext, { account, session }: OpenSession): Promise<AuthResult> {
    const rights = await this.rights.of(account.id);
    if (!rights) throw new UnauthenticatedError();
    const access = this.accessTokens.issue(account.id, session.id, account.role, session.idleExpiresAt);
    context.signIn({
      accountId: account.id,
      sessionId: session.id,
      rights,
      transport: session.transport,
      tokenExpiresAt: access.expiresAt.getTime(),
    });
    return {
      accessToken: access.token,
      refreshToken: this.refreshTokens.make(session.id, session.generation, session.seed),
      accessTokenExpiresAt: access.expiresAt,
      user: account,
      session,
    };
  }
}
