// Subscriptions over a socket: opened before anything is sent, and then either a member of the hub, which is written its events
// by that, or executed here for each thing that its own stream brings.
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { isDatabaseAway } from '../database/unit-of-work.js';
import { ServiceUnavailableError, UnauthenticatedError } from '../errors/service-error.js';
import { isErrors, type ReadyOperation } from '../graphql/operations/operation-pipeline.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { ownerOf } from '../limits/client-network.js';
import { LiveResults, type LiveSubscription } from './fan-out/live-results.js';
import { PLACEHOLDER, sourceDocument } from './fan-out/source-document.js';
import { type Admission, executionKeyOf, SubscriptionLimits } from './fan-out/subscription-limits.js';
import { Hub, type Progress } from './hub.js';
import { LiveExecutions } from './live-executions.js';
import { Member } from './member.js';
import { OpenSockets } from './open-sockets.js';
import { CloseCode, type Socket } from './socket.js';
import type { Operation } from './sockets/running-operations.js';

/** What `onSubscribe` hands to `subscribe`. graphql-ws keeps it as long as the subscription lasts: nothing but what it needs. */
export interface OpenSubscription extends ExecutionArgs {
  readonly stream: AsyncIterable<unknown>;
  /** How its events are shared; undefined once the hub has it. */
  plan: SharingPlan | undefined;
  readonly operation: Operation;
  /** Of what is no member of the hub. */
  readonly live?: LiveSubscription;
}

interface Opening {
  readonly admission: Admission;
  /** Opens the stream. */
  readonly source: ExecutionArgs;
  readonly socket: Socket;
  readonly operation: Operation;
}

/** ms between two attempts to open a subscription while the backend is away, and ms after which its socket is closed. */
const OPENING_RETRY_MS = 200;
const OPENING_TIMEOUT_MS = 20_000;

@Injectable()
export class SubscriptionOperations {
  constructor(
    private readonly host: GraphQLSchemaHost,
    private readonly shared: SharedExecutions,
    private readonly hub: Hub,
    private readonly executions: LiveExecutions,
    private readonly limits: SubscriptionLimits,
    private readonly sockets: OpenSockets,
  ) {}

  get schema(): GraphQLSchema {
    return this.host.schema;
  }

  /**
   * Subscribes before anything is sent, so that a refusal goes out as `error`. Such a frame ends the subscription at its client for good:
   * while the backend is away this waits, with a context made anew for each attempt, and in the end closes the socket with 1013.
   */
  open(
    ready: ReadyOperation,
    contextNow: () => Promise<OperationContext>,
    socket: Socket,
    operation: Operation,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    // Before anything is waited for: from here on the document is held in its normal form alone, and counted.
    const admission = this.admit(this.shared.planOf(ready), socket);
    if (admission instanceof GraphQLError) return Promise.resolve([admission]);
    const { schema, name } = ready.operation;
    const document = sourceDocument(ready.operation);
    const source = { schema, document, operationName: name ?? null, variableValues: ready.variables };
    return this.openInTurn({ admission, source, socket, operation }, contextNow);
  }

  private async openInTurn(
    opening: Opening,
    contextNow: () => Promise<OperationContext>,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const { admission, socket, operation } = opening;
    let opened: readonly GraphQLError[] | OpenSubscription | undefined;
    try {
      const owner = { ...ownerOf(socket.client.address), ...(socket.claims ? { key: socket.claims.sub } : {}) };
      const taken = await this.sockets.turns.enter(owner, () => socket.open && !operation.completed);
      if (taken) opened = await this.openWhenBack(opening, contextNow);
      else if (!operation.completed) socket.close(CloseCode.TryAgainLater, 'Try again later');
      // Not made before it is needed: thousands who come back would wait for the stack traces of errors that nobody gets.
      return opened ?? [new ServiceUnavailableError()];
    } finally {
      if (!opened || isErrors(opened)) admission.release();
    }
  }

  private async openWhenBack(
    opening: Opening,
    contextNow: () => Promise<OperationContext>,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const { socket, operation } = opening;
    const timer = setTimeout(() => socket.close(CloseCode.TryAgainLater, 'Try again later'), OPENING_TIMEOUT_MS);
    try {
      for (;;) {
        const opened = await this.tryToOpen(opening, await contextNow());
        const isPending = isErrors(opened) && opened.some((error) => isUnavailable(error));
        if (!isPending || !socket.open || operation.completed) return opened;
        await pause(OPENING_RETRY_MS);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private async tryToOpen(
    { admission, source, socket, operation }: Opening,
    context: OperationContext,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const stream = await createSourceEventStream({ ...source, contextValue: context });
    if (!(Symbol.asyncIterator in stream) || operation.completed || !socket.open) return refusalOf(stream);
    const { plan, release, payers } = admission;
    const open = { schema: this.schema, document: PLACEHOLDER, contextValue: undefined, stream, plan, operation };
    if (stream instanceof Member) {
      stream.attach(socket, operation.id, release);
      return open;
    }
    const enter = () => socket.enter(operation, plan.cost);
    const leave = () => socket.leave(operation);
    return { ...open, live: { context, payers, enter, leave, release } };
  }

  /** What graphql-ws iterates: it ends when the subscription does. */
  run(open: OpenSubscription): AsyncIterable<ExecutionResult> {
    const { stream, plan, live, operation } = open;
    if (!plan) throw new TypeError('A subscription runs once');
    operation.opening = false;
    if (live) return new LiveResults(stream, plan, live, this.executions);
    // Its group has it.
    open.plan = undefined;
    this.hub.join(stream as Member, plan);
    return stream as Member;
  }

  /** How far the log has been written to the socket. */
  progressOf(socket: Socket): Progress {
    const isOpening = [...socket.operations].some(({ opening, completed }) => opening && !completed);
    return this.hub.progressOf(socket, isOpening);
  }

  /** For the account that the socket has signed in with. */
  private admit(plan: SharingPlan, { client, claims }: Socket): Admission | GraphQLError {
    if (!claims) return new UnauthenticatedError();
    const executionKey = executionKeyOf(plan, this.shared.isShared(plan), claims.sid, client.address);
    return this.limits.admit({ accountId: claims.sub, executionKey }, plan);
  }
}

/** What graphql-js executes. */
export function argumentsOf({ operation, variables }: ReadyOperation, contextValue: OperationContext): ExecutionArgs {
  const { schema, document, name } = operation;
  return { schema, document, operationName: name ?? null, variableValues: variables, contextValue };
}

/** Whether it cannot be known now if the subscription may be opened. */
function isUnavailable(error: GraphQLError): boolean {
  const cause = error.originalError ?? error;
  return cause instanceof ServiceUnavailableError || isDatabaseAway(cause);
}

/** Why nothing was opened; a stream that nobody is left to receive is ended. */
async function refusalOf(stream: AsyncIterable<unknown> | ExecutionResult): Promise<readonly GraphQLError[]> {
  if (!(Symbol.asyncIterator in stream)) {
    return stream.errors ?? [new GraphQLError('The subscription could not be opened.')];
  }
  await stream[Symbol.asyncIterator]().return?.();
  return [new ServiceUnavailableError()];
}
