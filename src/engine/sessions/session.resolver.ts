// Sign-in, refresh, sign-out, and the sessions of an account.
import { Args, Context, ID, Int, Mutation, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../access/operation-context.js';
import { Public, SelfOrRole, SessionHolder, SignedIn } from '../access/policies.js';
import { Role } from '../access/role.js';
import { accountById } from '../accounts/account.loader.js';
import { User } from '../accounts/account.type.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import {
  ClearsCookies,
  CountedAs,
  Credential,
  Input,
  Limited,
  NotCountedAsWrite,
} from '../graphql/schema/field-rules.js';
import { id } from '../graphql/schema/input-text.js';
import { AuthPayloads } from './auth-payloads.js';
import { RequestSessions } from './request-sessions.js';
import { deviceOf } from './device.js';
import { LoginInput, loginArgs, refreshTokenArgs, RegisterInput, registerArgs } from './session.input.js';
import { MOST_SESSIONS, openSessionsOf, sessionById, type SessionRow } from './session.loader.js';
import { SessionService } from './session.service.js';
import { SessionUse } from './session-use.js';
import { AuthPayload, OpenSocket, Session, SessionKind } from './session.type.js';
import { SignInService } from './sign-in.service.js';

@Resolver(() => Session)
export class SessionResolver {
  constructor(
    private readonly signIn: SignInService,
    private readonly service: SessionService,
    private readonly payloads: AuthPayloads,
    private readonly requests: RequestSessions,
    private readonly use: SessionUse,
  ) {}

  @Public()
  @Credential()
  @Limited('register')
  @Input(registerArgs)
  @Mutation(() => AuthPayload, {
    description:
      'Creates an account and signs it in. `CONFLICT` if the e-mail is registered. Ends the session of the request’s cookies.',
  })
  async register(
    @Context() context: OperationContext,
    @Args('input', { description: 'The new account.' }) input: RegisterInput,
  ) {
    const origin = await this.requests.signIn(context, input.transport);
    return this.payloads.signedIn(context, await this.signIn.register(input, origin));
  }

  @Public()
  @Credential()
  @Limited('login')
  @Input(loginArgs)
  @Mutation(() => AuthPayload, {
    description:
      'Signs in. `INVALID_CREDENTIALS` is identical for a wrong password, an unknown e-mail and a disabled account. Ends the ' +
      'session of the request’s cookies.',
  })
  async login(
    @Context() context: OperationContext,
    @Args('input', { description: 'The credentials.' }) input: LoginInput,
  ) {
    const origin = await this.requests.signIn(context, input.transport);
    return this.payloads.signedIn(context, await this.signIn.login(input.email, input.password, origin));
  }

  @Public()
  @Credential()
  @Limited('refresh')
  @Input(refreshTokenArgs)
  @Mutation(() => AuthPayload, {
    description:
      'Exchanges the refresh token for new tokens. The previous token gets the same answer for a few seconds (racing tabs, ' +
      'lost replies); an older one ends the session with `REFRESH_TOKEN_REUSED`. The new tokens use the ' +
      'transport of the old one. Refused cookies stay until the next sign-in.',
  })
  async refresh(
    @Context() context: OperationContext,
    @Args('refreshToken', {
      type: () => String,
      nullable: true,
      description: 'Refresh token of a session in BODY transport. Absent: the one in the cookie.',
    })
    refreshToken?: string | null,
  ) {
    return this.payloads.renewed(context, await this.requests.refresh(context, refreshToken));
  }

  @SessionHolder()
  @ClearsCookies()
  @NotCountedAsWrite()
  @Input(refreshTokenArgs)
  @Limited('logout')
  @Mutation(() => Boolean, {
    description:
      'Ends the session of this request; its tokens are refused everywhere from now on. Without a valid access ' +
      'token, a valid refresh token in the argument or the cookie names the session. Session cookies are cleared ' +
      'in any case, unless the argument names the session.',
  })
  async logout(
    @Context() context: OperationContext,
    @Args('refreshToken', {
      type: () => String,
      nullable: true,
      description:
        'Refresh token of the session to end, in BODY transport. Used only without a valid access token. Absent: the one in the cookie.',
    })
    refreshToken?: string | null,
  ) {
    const { accountId, sessionId } = await this.requests.own(context, refreshToken);
    await this.service.end(accountId, [sessionId], 'LOGOUT', context.client);
    return true;
  }

  @SignedIn()
  @NotCountedAsWrite()
  @Mutation(() => Int, { description: 'Ends all sessions of the account. Returns their number.' })
  async logoutEverywhere(
    @Context() { viewer, client, cookies }: OperationContext,
    @Args('keepCurrent', {
      type: () => Boolean,
      nullable: true,
      defaultValue: false,
      description: 'Keep the session of this request.',
    })
    keepCurrent: boolean | null,
  ) {
    const kept = keepCurrent ? viewer.sessionId : undefined;
    const ended = await this.service.endAll(viewer.accountId, kept, 'LOGOUT', client, viewer.sessionId);
    if (!keepCurrent) cookies.clear();
    return ended.length;
  }

  @SignedIn()
  @NotCountedAsWrite()
  @Input(z.object({ id }))
  @Mutation(() => Boolean, {
    description: 'Ends one session of the account. False if there is no such live session.',
  })
  async revokeSession(
    @Context() { viewer, client, cookies }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the session.' }) sessionId: string,
  ) {
    const ended = await this.service.end(viewer.accountId, [sessionId], 'REVOKED', client, viewer.sessionId);
    if (ended.includes(viewer.sessionId)) cookies.clear();
    return ended.length > 0;
  }

  @SignedIn()
  @Query(() => Session, {
    description:
      'The session of this request. A reloaded page learns from it who is signed in and when to refresh, without rotating tokens.',
  })
  async session(@Context() context: OperationContext) {
    const session = await context.load(sessionById, context.viewer.sessionId);
    if (!session) throw new UnauthenticatedError();
    return session;
  }

  @SignedIn()
  @CountedAs(MOST_SESSIONS)
  @Query(() => [Session], { description: 'The open sessions of the account, the latest used first.' })
  sessions(@Context() context: OperationContext) {
    return context.load(openSessionsOf, context.viewer.accountId);
  }

  @ResolveField(() => Boolean)
  current(session: SessionRow, _args: unknown, { principal }: OperationContext) {
    return session.id === principal?.sessionId;
  }

  @ResolveField(() => SessionKind)
  kind() {
    return SessionKind.PERSON;
  }

  @ResolveField(() => User)
  user(session: SessionRow, _args: unknown, context: OperationContext) {
    return context.load(accountById, session.accountId);
  }

  @ResolveField(() => Date)
  accessTokenExpiresAt(session: SessionRow, _args: unknown, { principal }: OperationContext) {
    return session.id === principal?.sessionId ? new Date(principal.tokenExpiresAt) : null;
  }

  @ResolveField(() => Date)
  now() {
    return new Date();
  }

  @ResolveField(() => String)
  device(session: SessionRow) {
    return deviceOf(session.userAgent);
  }

  // At most 100 per account, over all of its sessions.
  @CountedAs(2)
  @ResolveField(() => [OpenSocket])
  openSockets(session: SessionRow, _args: unknown, context: OperationContext) {
    return context.load(this.use.socketsOf, session.id);
  }
}

@Resolver(() => User)
export class AccountSessionsResolver {
  @SelfOrRole(Role.ADMIN, (user: User) => user.id)
  @CountedAs(MOST_SESSIONS)
  @ResolveField(() => [Session], {
    nullable: true,
    description: 'The open sessions of the account, the latest used first.',
  })
  sessions(user: User, _args: unknown, context: OperationContext) {
    return context.load(openSessionsOf, user.id);
  }
}
