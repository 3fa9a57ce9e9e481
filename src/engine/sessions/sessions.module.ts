import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { ACCOUNT_SESSIONS } from '../accounts/account-sessions.port.js';
import { AUTHENTICATOR } from '../graphql/http/authenticator.port.js';
import { SOCKET_SESSIONS } from '../realtime/sockets/socket-sessions.port.js';
import { FIELD_LIMITS } from '../graphql/schema/field-limits.port.js';
import { AccessTokens } from './access-tokens.js';
import { AccountMails } from './account-mails.js';
import { AuthPayloads } from './auth-payloads.js';
import { JwksController } from './jwks.controller.js';
import { KnownAddresses } from './known-addresses.js';
import { PasswordChanges } from './password-changes.js';
import { PasswordResetRequests } from './password-reset-requests.js';
import { PasswordResets } from './password-resets.js';
import { PasswordResolver } from './password.resolver.js';
import { RefreshService } from './refresh.service.js';
import { RefreshTokens } from './refresh-tokens.js';
import { RequestSessions } from './request-sessions.js';
import { PresentedTokens } from './presented-tokens.js';
import { SessionAuthenticator } from './session.authenticator.js';
import { AccountSessionsResolver, SessionResolver } from './session.resolver.js';
import { SessionRetention } from './session.retention.js';
import { SessionCookies } from './session-cookies.js';
import { SessionService } from './session.service.js';
import { SessionUse } from './session-use.js';
import { SessionCache } from './session-cache.js';
import { SignInLimits } from './sign-in-limits.js';
import { SignInService } from './sign-in.service.js';
import { SessionsOfSockets } from './socket-sessions.js';

@Global()
@Module({
  imports: [JwtModule.register({})],
  controllers: [JwksController],
  providers: [
    AccessTokens,
    AccountMails,
    AccountSessionsResolver,
    AuthPayloads,
    KnownAddresses,
    PasswordChanges,
    PasswordResetRequests,
    PasswordResets,
    PasswordResolver,
    RefreshService,
    RefreshTokens,
    RequestSessions,
    PresentedTokens,
    SessionAuthenticator,
    SessionCookies,
    SessionResolver,
    SessionRetention,
    SessionService,
    SessionUse,
    SessionCache,
    SignInLimits,
    SignInService,
    SessionsOfSockets,
    { provide: AUTHENTICATOR, useExisting: SessionAuthenticator },
    { provide: ACCOUNT_SESSIONS, useExisting: SessionService },
    { provide: SOCKET_SESSIONS, useExisting: SessionsOfSockets },
    { provide: FIELD_LIMITS, useExisting: SignInLimits },
  ],
  exports: [ACCOUNT_SESSIONS, AUTHENTICATOR, FIELD_LIMITS, PasswordChanges, SessionService, SOCKET_SESSIONS],
})
export class SessionsModule {}
