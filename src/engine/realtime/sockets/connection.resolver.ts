// `renewConnection`: extends the life of a socket in band, by a newer access token of the same session.
import { Inject } from '@nestjs/common';
import { Args, Context, Mutation, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../access/operation-context.js';
import { SignedIn } from '../../access/policies.js';
import { BadUserInputError, UnauthenticatedError } from '../../errors/service-error.js';
import { NotCountedAsWrite } from '../../graphql/schema/field-rules.js';
import { OpenSockets } from './open-sockets.js';
import { DEADLINE_GRACE_MS } from './socket.js';
import { SocketDeadlines } from './socket-deadlines.js';
import { SOCKET_SESSIONS, type SocketSessions } from './socket-sessions.port.js';

@Resolver()
export class ConnectionResolver {
  constructor(
    @Inject(SOCKET_SESSIONS) private readonly sessions: SocketSessions,
    private readonly sockets: OpenSockets,
    private readonly deadlines: SocketDeadlines,
  ) {}

  @SignedIn()
  @NotCountedAsWrite()
  @Mutation(() => Date, {
    description:
      'Over a socket: replaces its access token by a newer one of the same session, which extends its life. Returns when the ' +
      'socket will be closed unless it is renewed again. Over HTTP `BAD_USER_INPUT`.',
  })
  renewConnection(
    @Context() context: OperationContext,
    @Args('accessToken', { description: 'Of the same session, not expired.' }) accessToken: string,
  ): Date {
    const socket = this.sockets.socketOf(context);
    if (!socket?.credential)
      throw new BadUserInputError([], 'renewConnection extends the life of a socket: send it over one.');
    const token = this.sessions.inHeader(`Bearer ${accessToken}`, context.client.address);
    // Tokens of a session that keeps them in cookies are never presented by hand.
    const isValid = token && token.expiresAt > Date.now() && token.transport === context.viewer.transport;
    if (!isValid) throw new UnauthenticatedError('This access token is not valid here.');
    if (token.sessionId !== socket.credential.sessionId) {
      throw new BadUserInputError([{ path: 'accessToken', message: 'is not of the session of this socket' }]);
    }
    if (token.expiresAt > socket.credential.expiresAt) socket.presented = token;
    socket.extend(token.expiresAt + DEADLINE_GRACE_MS);
    return this.deadlines.deadlineOf(socket);
  }
}
