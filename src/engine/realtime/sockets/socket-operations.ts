// The hooks of graphql-ws for each connection and operation: sign-in, preparation, execution, errors. No hook throws, since graphql-ws
// would close the whole socket.
import { Inject, Injectable } from '@nestjs/common';
import { execute, type ExecutionArgs, type ExecutionResult, type GraphQLError } from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import type { Caller, OperationContext } from '../../access/operation-context.js';
import { ErrorMapper } from '../../errors/error-mapper.js';
import { RateLimitedError, UnauthenticatedError } from '../../errors/service-error.js';
import { ContextFactory } from '../../graphql/http/context-factory.js';
import { isErrors, type OperationRequest } from '../../graphql/operations/operation-pipeline.js';
import type { ParsedOperation } from '../../graphql/operations/parsed-operation.js';
import { signOutIn } from '../../graphql/operations/sign-out.js';
import { ownerOf } from '../../limits/client-network.js';
import { OpenSockets } from './open-sockets.js';
import { SocketAdmission } from './socket-admission.js';
import { retryAdvice } from './retry-advice.js';
import { SOCKET_SESSIONS, type SocketCredential, type SocketSessions } from './socket-sessions.port.js';
import { CloseCode } from './close-codes.js';
import { DEADLINE_GRACE_MS, type Socket } from './socket.js';
import { argumentsOf, type OpenSubscription, SubscriptionOperations } from './subscription-operations.js';

/** The mutation that presents a newer token to a socket. */
const RENEWAL = 'renewConnection';
/** ms for which a looked-up caller is valid: after a longer wait the caller is looked up again. */
const CALLER_MS = 50;

/** Takes the place of a result in the text that graphql-ws writes: that text stays short, and is parsed again. */
const EMPTY_RESULT: ExecutionResult = {};

type Payload = Record<string, unknown> | undefined;
type Options = Required<
  Pick<ServerOptions<Payload, { socket: Socket }>, 'onConnect' | 'onSubscribe' | 'onNext' | 'onError'>
>;

@Injectable()
export class SocketOperations {
  constructor(
    private readonly subscriptions: SubscriptionOperations,
    private readonly admission: SocketAdmission,
    private readonly contexts: ContextFactory,
    @Inject(SOCKET_SESSIONS) private readonly sessions: SocketSessions,
    private readonly errors: ErrorMapper,
    private readonly sockets: OpenSockets,
  ) {}

  /** The hooks of graphql-ws. */
  get options(): Options & Pick<ServerOptions, 'execute' | 'subscribe'> {
    return {
      onConnect: ({ connectionParams, extra }) => this.connect(extra.socket, connectionParams),
      onSubscribe: async ({ extra }, key, payload) => this.prepare(extra.socket, key, payload),
      onNext: ({ extra }, key, _payload, _args, result) => this.takeResult(extra.socket, key, result),
      onError: (_context, _id, _payload, errors) => errors.map((error) => this.errors.map(error)),
      execute: (args: ExecutionArgs) => execute(args),
      subscribe: (args) => this.subscriptions.run(args as OpenSubscription),
    };
  }

  /**
   * Answers a ping behind everything that was written before: how far the log has been written to this socket. `cursor` and `at` are null
   * while that is not known. A client that has not been admitted learns nothing of the log.
   */
  async pong(socket: Socket, payload: Payload): Promise<void> {
    const progress = socket.credential && this.subscriptions.progressOf(socket);
    const answer = payload || progress ? { payload: { ...payload, ...progress } } : {};
    await socket.send({ type: 'pong', ...answer });
  }

  /** Resolves with the payload of `connection_ack`, or false. */
  private async connect(socket: Socket, params: Payload): Promise<Record<string, unknown> | false> {
    const admitted = await this.sockets.queue.admit(ownerOf(socket.client.address), () => socket.open);
    if (!admitted) return refuse(socket, CloseCode.TryAgainLater, 'Try again later');
    const token = this.presented(socket, params);
    if (!token) return refuse(socket, CloseCode.Unauthenticated, 'Unauthorized');
    // Before it is looked at whether the token has expired: a page that shows another account must not refresh it.
    if (this.sessions.isOtherAccount(token, params ?? {})) {
      return refuse(socket, CloseCode.Unauthenticated, 'OTHER_ACCOUNT');
    }
    if (token.expiresAt <= Date.now()) return refuse(socket, CloseCode.Expired, 'Access token expired');
    // Set before the session is looked up: if it ends meanwhile, this socket is closed with it.
    socket.presented = token;
    const [caller, own] = await Promise.all([this.sessions.callerOf(token), this.sockets.build()]);
    if (caller.refusal) return refuse(socket, CloseCode.TryAgainLater, 'Try again later');
    if (!caller.principal) return refuse(socket, CloseCode.Unauthenticated, 'Unauthorized');
    if (!socket.open) return false;
    socket.deadline = token.expiresAt + DEADLINE_GRACE_MS;
    if (!this.sockets.admit(socket)) {
      return refuse(socket, CloseCode.TryAgainLater, 'Too many connections of this account');
    }
    // Nothing is waited for from here on: `connection_ack` is sent before any other message that an admitted client may receive.
    const retry = retryAdvice(this.sockets.size);
    return { accountId: token.accountId, build: own, now: new Date().toISOString(), retry };
  }

  /** `authorization` in the payload takes precedence, even if it is invalid; without it the cookie of the upgrade counts. */
  private presented(socket: Socket, params: Payload): SocketCredential | undefined {
    const { address } = socket.client;
    if (!params || !('authorization' in params || 'Authorization' in params)) {
      return this.sessions.inCookie(socket.accessCookie, address);
    }
    const authorization = params['authorization'] ?? params['Authorization'];
    return typeof authorization === 'string' ? this.sessions.inHeader(authorization, address) : undefined;
  }

  private async prepare(
    socket: Socket,
    key: string,
    request: OperationRequest,
  ): Promise<readonly GraphQLError[] | ExecutionArgs> {
    const { presented } = socket;
    const operation = socket.operations.get(key);
    if (!presented || !operation) return [new UnauthenticatedError()];
    const wanted = () => socket.open && !operation.completed;
    if (this.sockets.exceedsOperationLimit(socket)) return [new RateLimitedError(1)];
    let caller = await this.sessions.callerOf(presented);
    const signsOut = signOutIn(request.query) === 'alone';
    const limited = caller.principal && !signsOut && this.contexts.limits.operation(caller.principal.accountId);
    if (!wanted()) return [new UnauthenticatedError()];
    if (limited) return [limited];
    const since = performance.now();
    const ready = await this.admission.prepare(socket, this.subscriptions.schema, request, caller, wanted);
    if (isErrors(ready)) return ready;
    const accountId = caller.principal?.accountId;
    const more = accountId && this.contexts.limits.rootFields(accountId, ready.operation.rootFields);
    if (more) return [more];
    if (performance.now() - since > CALLER_MS) caller = await this.sessions.callerOf(presented);
    if (!wanted()) return [new UnauthenticatedError()];
    const isSubscription = ready.operation.type === 'subscription';
    if (!isSubscription) {
      // It may take long until the client has read the answers before this one.
      const waited = await socket.acquireAnswer(operation, ready.cost);
      if (waited) caller = await this.sessions.callerOf(presented);
      if (!wanted()) return [new UnauthenticatedError()];
      operation.awaited = true;
      operation.opening = false;
    }
    const expired = presented.expiresAt <= Date.now() && !isSubscription && !isRenewal(ready.operation);
    const contextOf = (by: Caller): OperationContext => {
      const context = this.contexts.forSocket(socket.client, expired ? {} : by);
      this.sockets.bind(context, socket);
      return context;
    };
    if (!isSubscription) return argumentsOf(ready, contextOf(caller));
    // graphql-ws keeps the message as long as the subscription lasts.
    Object.assign(request, { query: '', variables: null, extensions: null });
    const contextNow = async () => contextOf(await this.sessions.callerOf(presented));
    return this.subscriptions.open(ready, contextNow, socket, operation);
  }

  /** Leaves the result to the socket, which serializes it; graphql-ws writes the rest of the message. */
  private takeResult(socket: Socket, key: string, { errors, ...result }: ExecutionResult): ExecutionResult {
    const operation = socket.operations.get(key);
    if (operation) operation.result = errors ? { ...result, errors: errors.map((e) => this.errors.map(e)) } : result;
    return EMPTY_RESULT;
  }
}

/** Whether the operation does nothing but present a newer token, which is allowed when the current one has expired. */
function isRenewal({ type, rootFields }: ParsedOperation): boolean {
  return type === 'mutation' && rootFields.every(({ name }) => name.value === RENEWAL);
}

function refuse(socket: Socket, code: number, reason: string): false {
  socket.close(code, reason);
  return false;
}
