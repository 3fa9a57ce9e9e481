// Subscriptions over a socket: opened before anything is sent, and then either a member of the hub, which is written its events
// by that, or executed here for each thing that its own stream brings.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  parse,
} from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import type { ReadyOperation } from '../graphql/operations/operation-pipeline.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Hub } from './hub.js';
import { LiveExecutions } from './live-executions.js';
import { LiveQueue } from './live-queue.js';
import { Member } from './member.js';
import type { Socket } from './socket.js';
import type { Operation } from './sockets/running-operations.js';

/** What `onSubscribe` hands to `subscribe`. */
export interface OpenSubscription extends ExecutionArgs {
  readonly stream: AsyncIterable<unknown>;
  /** How its events are shared. */
  readonly plan: SharingPlan;
  /** The way to the client, for one event after the other, if it is no member of the hub. */
  readonly way?: Way;
}

/** Lets an answer in when there is room for it at its socket, and takes it out when it was sent. */
interface Way {
  readonly enter: () => Promise<unknown>;
  readonly leave: () => void;
}

@Injectable()
export class SubscriptionOperations {
  constructor(
    private readonly host: GraphQLSchemaHost,
    private readonly shared: SharedExecutions,
    private readonly hub: Hub,
    private readonly executions: LiveExecutions,
  ) {}

  get schema(): GraphQLSchema {
    return this.host.schema;
  }

  /** Subscribes before anything is sent, so that a refusal goes out as `error`. */
  async open(
    ready: ReadyOperation,
    contextValue: OperationContext,
    socket: Socket,
    operation: Operation,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const stream = await createSourceEventStream(argumentsOf(ready, contextValue));
    if (!(Symbol.asyncIterator in stream)) {
      return stream.errors ?? [new GraphQLError('The subscription could not be opened.')];
    }
    if (operation.completed || !socket.open) {
      await stream[Symbol.asyncIterator]().return?.();
      // Nobody is left to receive it.
      return [new ServiceUnavailableError()];
    }
    const plan = this.shared.planOf(ready);
    // graphql-ws keeps this as long as the subscription lasts: nothing but what it needs to see that it is a subscription.
    const kept = { schema: this.schema, document: ANY_SUBSCRIPTION, stream, plan };
    if (!(stream instanceof Member)) {
      const way = { enter: () => socket.enter(operation, plan.cost), leave: () => socket.leave(operation) };
      return { ...kept, contextValue, way };
    }
    const refused = this.hub.admit(stream, plan);
    if (refused) return [refused];
    stream.attach(socket, operation.id);
    return { ...kept, contextValue: undefined };
  }

  /** What graphql-ws iterates: it ends when the subscription does. */
  run(open: OpenSubscription): AsyncIterable<ExecutionResult> {
    const { stream, plan } = open;
    if (!(stream instanceof Member)) return executeEach(open, this.executions);
    this.hub.join(stream, plan);
    return stream;
  }
}

const ANY_SUBSCRIPTION = parse('subscription { __typename }', { noLocation: true });

/** What graphql-js executes. */
export function argumentsOf({ operation, variables }: ReadyOperation, contextValue: OperationContext): ExecutionArgs {
  const { schema, document, name } = operation;
  return { schema, document, operationName: name ?? null, variableValues: variables, contextValue };
}

/** Executes the operation for each event, over a view of the database as it is then. */
function executeEach(
  { stream, plan, way, contextValue }: OpenSubscription,
  executions: LiveExecutions,
): AsyncGenerator<ExecutionResult, void, void> {
  const source = stream[Symbol.asyncIterator]();
  let over = false;
  const end = async (): Promise<void> => {
    over = true;
    way?.leave();
    await source.return?.();
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      for (;;) {
        // What was given before has been sent.
        way?.leave();
        const { done, value } = await source.next();
        if (done) return { done: true, value: undefined };
        await way?.enter();
        const execution = executions.execute(value, contextValue as OperationContext, plan, () => over);
        const result = await execution.catch((error: unknown) => end().then(() => Promise.reject(error)));
        // Who lost the right to see it while it was executed is not sent it.
        if (source instanceof LiveQueue && !source.open) continue;
        return { done: false, value: result };
      }
    },
    async return() {
      await end();
      return { done: true, value: undefined };
    },
    async throw(error: unknown) {
      await end();
      throw error;
    },
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}
