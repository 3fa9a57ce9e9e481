// What graphql-ws asks of us for each connection and operation: sign-in, preparation, execution, errors. No hook here throws,
// since graphql-ws answers that by closing the whole socket.
import { Injectable } from '@nestjs/common';
import {
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLFormattedError,
} from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import type { Caller, OperationContext } from '../access/operation-context.js';
import { ErrorMapper } from '../errors/error-mapper.js';
import { RateLimitedError, UnauthenticatedError } from '../errors/service-error.js';
import { ContextFactory } from '../graphql/context-factory.js';
import { isErrors, type OperationRequest } from '../graphql/operations/operation-pipeline.js';
import type { ParsedOperation } from '../graphql/operations/parsed-operation.js';
import { signOutIn } from '../graphql/operations/sign-out.js';
import { ownerOf } from '../limits/client-network.js';
import type { ShownToken } from '../sessions/presented-tokens.js';
import { isOtherAccount, SessionAuthenticator, shownAccountIn } from '../sessions/session.authenticator.js';
import { build } from '../operations/build.js';
import { OpenSockets } from './open-sockets.js';
import { SocketAdmission } from './socket-admission.js';
import { retryAdvice } from './sockets/retry-advice.js';
import { CloseCode, DEADLINE_GRACE_MS, type Socket } from './socket.js';
import { argumentsOf, type OpenSubscription, SubscriptionOperations } from './subscription-operations.js';

/** The mutation that shows a socket a newer token. */
const RENEWAL = 'renewConnection';
/** ms for which it is known who asks: after a longer wait it is looked up again. */
const CALLER_MS = 50;

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
    private readonly authenticator: SessionAuthenticator,
    private readonly errors: ErrorMapper,
    private readonly sockets: OpenSockets,
  ) {}

  /** The hooks of graphql-ws. */
  get options(): Options & Pick<ServerOptions, 'execute' | 'subscribe'> {
    return {
      onConnect: ({ connectionParams, extra }) => this.connect(extra.socket, connectionParams),
      onSubscribe: async ({ extra }, key, payload) => this.prepare(extra.socket, key, payload),
      onNext: (_context, _id, _payload, _args, result) => this.formatted(result),
      onError: (_context, _id, _payload, errors) => errors.map((error) => this.errors.map(error)),
      execute: (args: ExecutionArgs) => execute(args),
      subscribe: (args) => this.subscriptions.run(args as OpenSubscription),
    };
  }

  /**
   * Answers a ping behind everything that was written before: how far the log has been written to this socket. `cursor` and `at` are null
   * while that is not known.
   */
  async pong(socket: Socket, payload: Payload): Promise<void> {
    const progress = socket.shown && this.subscriptions.progressOf(socket);
    const answer = payload || progress ? { payload: { ...payload, ...progress } } : {};
    await socket.send(JSON.stringify({ type: 'pong', ...answer }));
  }

  /** Resolves with the payload of `connection_ack`, or false. */
  private async connect(socket: Socket, params: Payload): Promise<Record<string, unknown> | false> {
    const taken = await this.sockets.turns.enter(ownerOf(socket.client.address), () => socket.open);
    if (!taken) return refuse(socket, CloseCode.TryAgainLater, 'Try again later');
    const shown = this.shown(socket, params);
    if (!shown) return refuse(socket, CloseCode.Unauthenticated, 'Unauthorized');
    // Before it is looked at whether the token has expired: whoever shows another account is not to refresh it.
    if (isOtherAccount(shown, shownAccountIn(params ?? {}))) {
      return refuse(socket, CloseCode.Unauthenticated, 'OTHER_ACCOUNT');
    }
    const { claims } = shown;
    if (claims.exp * 1000 <= Date.now()) return refuse(socket, CloseCode.Expired, 'Access token expired');
    // Known before it is asked whether the session lives: should it end meanwhile, this socket is closed with it.
    socket.shown = shown;
    const caller = await this.authenticator.callerOf(shown);
    if (caller.refusal) return refuse(socket, CloseCode.TryAgainLater, 'Try again later');
    if (!caller.principal) return refuse(socket, CloseCode.Unauthenticated, 'Unauthorized');
    if (!socket.open) return false;
    socket.deadline = claims.exp * 1000 + DEADLINE_GRACE_MS;
    if (!this.sockets.admit(socket)) {
      return refuse(socket, CloseCode.TryAgainLater, 'Too many connections of this account');
    }
    const retry = retryAdvice(this.sockets.size);
    return { accountId: claims.sub, build: await build(), now: new Date().toISOString(), retry };
  }

  /** `authorization` in the payload counts, whatever it says; without it the cookie that the upgrade had. */
  private shown(socket: Socket, params: Payload): ShownToken | undefined {
    const { address } = socket.client;
    if (!params || !('authorization' in params || 'Authorization' in params)) {
      return this.authenticator.presented.inCookie(socket.accessCookie, address);
    }
    const authorization = params['authorization'] ?? params['Authorization'];
    return typeof authorization === 'string'
      ? this.authenticator.presented.inHeader(authorization, address)
      : undefined;
  }

  private async prepare(
    socket: Socket,
    key: string,
    request: OperationRequest,
  ): Promise<readonly GraphQLError[] | ExecutionArgs> {
    const { shown } = socket;
    const operation = socket.operations.get(key);
    if (!shown || !operation) return [new UnauthenticatedError()];
    const wanted = () => socket.open && !operation.completed;
    if (this.sockets.isCrowded(socket)) return [new RateLimitedError(1)];
    let caller = await this.authenticator.callerOf(shown);
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
    if (performance.now() - since > CALLER_MS) caller = await this.authenticator.callerOf(shown);
    if (!wanted()) return [new UnauthenticatedError()];
    const isSubscription = ready.operation.type === 'subscription';
    if (!isSubscription) {
      // It may take long until the client has taken what it asked for before.
      const waited = await socket.enter(operation, ready.cost);
      if (waited) caller = await this.authenticator.callerOf(shown);
      if (!wanted()) return [new UnauthenticatedError()];
      operation.awaited = true;
      operation.opening = false;
    }
    const expired = shown.claims.exp * 1000 <= Date.now() && !isSubscription && !isRenewal(ready.operation);
    const contextOf = (by: Caller): OperationContext => {
      const context = this.contexts.forSocket(socket.client, expired ? {} : by);
      this.sockets.carry(context, socket);
      return context;
    };
    if (!isSubscription) return argumentsOf(ready, contextOf(caller));
    // graphql-ws keeps the message as long as the subscription lasts.
    Object.assign(request, { query: '', variables: null, extensions: null });
    const contextNow = async () => contextOf(await this.authenticator.callerOf(shown));
    return this.subscriptions.open(ready, contextNow, socket, operation);
  }

  private formatted({ errors, ...result }: ExecutionResult): ExecutionResult {
    if (!errors) return result;
    // What graphql-ws sends is JSON: formatted errors are what it needs.
    return { ...result, errors: errors.map((error) => asSent(this.errors.map(error))) };
  }
}

/** Whether the operation does nothing but show a newer token, which is welcome when the present one has expired. */
function isRenewal({ type, rootFields }: ParsedOperation): boolean {
  return type === 'mutation' && rootFields.every(({ name }) => name.value === RENEWAL);
}

/** An error whose JSON is exactly `formatted`. */
function asSent(formatted: GraphQLFormattedError): GraphQLError {
  return { toJSON: () => formatted, ...formatted } as unknown as GraphQLError;
}

function refuse(socket: Socket, code: number, reason: string): false {
  socket.close(code, reason);
  return false;
}
