// `renewConnection`: a socket's life extended in band, by a newer access token of its own session.
import { Args, Context, Mutation, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../access/operation-context.js';
import { SignedIn } from '../access/policies.js';
import { BadUserInputError, UnauthenticatedError } from '../errors/service-error.js';
import { NotCountedAsWrite } from '../graphql/field-rules.js';
import { SessionAuthenticator } from '../sessions/session.authenticator.js';
import { OpenSockets } from './open-sockets.js';
import { DEADLINE_GRACE_MS } from './socket.js';
import { SocketDeadlines } from './socket-deadlines.js';

@Resolver()
export class ConnectionResolver {
  constructor(
    private readonly authenticator: SessionAuthenticator,
    private readonly sockets: OpenSockets,
    private readonly deadlines: SocketDeadlines,
  ) {}

  @SignedIn()
  @NotCountedAsWrite()
  @Mutation(() => Date, {
    description:
      'Over a socket: extends its life by a newer access token of the same session, which it carries from then on. Returns when the ' +
      'socket will be closed unless it is renewed again. Over HTTP `BAD_USER_INPUT`.',
  })
  renewConnection(
    @Context() context: OperationContext,
    @Args('accessToken', { description: 'Of the same session, not expired.' }) accessToken: string,
  ): Date {
    const socket = this.sockets.carrierOf(context);
    if (!socket?.claims)
      throw new BadUserInputError([], 'renewConnection extends the life of a socket: send it over one.');
    const shown = this.authenticator.presented.inHeader(`Bearer ${accessToken}`, context.client.address);
    // Tokens of a session that keeps them in cookies are never shown by hand.
    const isValid = shown && shown.claims.exp * 1000 > Date.now() && shown.transport === context.viewer.transport;
    if (!isValid) throw new UnauthenticatedError('This access token is not valid here.');
    const { exp, sid } = shown.claims;
    if (sid !== socket.claims.sid) {
      throw new BadUserInputError([{ path: 'accessToken', message: 'is not of the session of this socket' }]);
    }
    if (exp > socket.claims.exp) socket.shown = shown;
    socket.extend(exp * 1000 + DEADLINE_GRACE_MS);
    return this.deadlines.deadlineOf(socket);
  }
}
