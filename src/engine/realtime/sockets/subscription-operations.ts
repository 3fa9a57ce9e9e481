// Subscriptions over a socket: opened before anything is sent, and then either a subscriber of the hub, or executed here for each object of
// a stream of live objects.
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
import type { OperationContext } from '../../access/operation-context.js';
import { isDatabaseUnavailable } from '../../database/unit-of-work.js';
import { ServiceUnavailableError, UnauthenticatedError } from '../../errors/service-error.js';
import { isErrors, type ReadyOperation } from '../../graphql/operations/operation-pipeline.js';
import { SharedExecutions } from '../../graphql/sharing/shared-executions.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { ownerOf } from '../../limits/client-network.js';
import { LiveResults, type LiveSubscription } from '../fan-out/live-results.js';
import { PLACEHOLDER, sourceDocument } from '../fan-out/source-document.js';
import { type Admission, executionKeyOf, SubscriptionLimits } from '../fan-out/subscription-limits.js';
import { Hub, type Progress } from '../fan-out/hub.js';
import { LiveExecutions } from '../fan-out/live-executions.js';
import { Subscriber } from '../fan-out/subscriber.js';
import { OpenSockets } from './open-sockets.js';
import { CloseCode } from './close-codes.js';
import type { Socket } from './socket.js';
import type { Operation } from './running-operations.js';

/** Passed from `onSubscribe` to `subscribe`. graphql-ws keeps it as long as the subscription lasts, so it holds no more than necessary. */
export interface OpenSubscription extends ExecutionArgs {
  readonly stream: AsyncIterable<unknown>;
  /** How its events are shared; undefined once the hub has it. */
  plan: SharingPlan | undefined;
  readonly operation: Operation;
  /** Set for a subscription to live objects, which is no subscriber of the hub. */
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
    return this.openWhenAdmitted({ admission, source, socket, operation }, contextNow);
  }

  private async openWhenAdmitted(
    opening: Opening,
    contextNow: () => Promise<OperationContext>,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const { admission, socket, operation } = opening;
    let opened: readonly GraphQLError[] | OpenSubscription | undefined;
    try {
      const owner = {
        ...ownerOf(socket.client.address),
        ...(socket.credential ? { key: socket.credential.accountId } : {}),
      };
      const admitted = await this.sockets.queue.admit(owner, () => socket.open && !operation.completed);
      if (admitted) opened = await this.openWhenBack(opening, contextNow);
      else if (!operation.completed) socket.close(CloseCode.TryAgainLater, 'Try again later');
      // Created only when needed: a stack trace for each of thousands of reconnecting clients would delay them.
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
    if (stream instanceof Subscriber) {
      stream.attach(socket, operation.id, release);
      return open;
    }
    const acquire = () => socket.acquireAnswer(operation, plan.cost);
    const releaseResult = () => socket.releaseAnswer(operation);
    return { ...open, live: { context, payers, acquire, releaseResult, ended: release } };
  }

  /** The iterable that graphql-ws consumes: it ends when the subscription does. */
  run(open: OpenSubscription): AsyncIterable<ExecutionResult> {
    const { stream, plan, live, operation } = open;
    if (!plan) throw new TypeError('A subscription runs once');
    operation.opening = false;
    if (live) return new LiveResults(stream, plan, live, this.executions);
    // Its group has it.
    open.plan = undefined;
    this.hub.join(stream as Subscriber, plan);
    return stream as Subscriber;
  }

  /** How far the log has been written to the socket. */
  progressOf(socket: Socket): Progress {
    const isOpening = [...socket.operations].some(({ opening, completed }) => opening && !completed);
    return this.hub.progressOf(socket, isOpening);
  }

  /** For the account that the socket has signed in with. */
  private admit(plan: SharingPlan, { client, credential }: Socket): Admission | GraphQLError {
    if (!credential) return new UnauthenticatedError();
    const executionKey = executionKeyOf(plan, this.shared.isShared(plan), credential.sessionId, client.address);
    return this.limits.admit({ accountId: credential.accountId, executionKey }, plan);
  }
}

/** The arguments with which graphql-js executes the operation. */
export function argumentsOf({ operation, variables }: ReadyOperation, contextValue: OperationContext): ExecutionArgs {
  const { schema, document, name } = operation;
  return { schema, document, operationName: name ?? null, variableValues: variables, contextValue };
}

/** Whether the subscription could not be judged because the database or the log is unavailable. */
function isUnavailable(error: GraphQLError): boolean {
  const cause = error.originalError ?? error;
  return cause instanceof ServiceUnavailableError || isDatabaseUnavailable(cause);
}

/** The errors that prevented the subscription; closes a stream whose client is gone. */
async function refusalOf(stream: AsyncIterable<unknown> | ExecutionResult): Promise<readonly GraphQLError[]> {
  if (!(Symbol.asyncIterator in stream)) {
    return stream.errors ?? [new GraphQLError('The subscription could not be opened.')];
  }
  await stream[Symbol.asyncIterator]().return?.();
  return [new ServiceUnavailableError()];
}
