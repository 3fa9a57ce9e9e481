// Subscriptions over a socket: opened before anything is sent, and then either a member of the hub, which is written its events
// by that, or executed here for each thing that its own stream brings.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  createSourceEventStream,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
} from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { isDatabaseAway } from '../database/unit-of-work.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Hub } from './hub.js';
import { LiveQueue } from './live-queue.js';
import { Member } from './member.js';
import { patiently } from './patience.js';
import type { Socket } from './socket.js';

/** What `onSubscribe` hands to `subscribe`. */
export interface OpenSubscription extends ExecutionArgs {
  readonly stream: AsyncIterable<unknown>;
  /** How its events are shared, if it is a member of the hub. */
  readonly plan?: SharingPlan;
  /** Otherwise the way to the client, for one event after the other. */
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
  ) {}

  get schema(): GraphQLSchema {
    return this.host.schema;
  }

  /** Subscribes before anything is sent, so that a refusal goes out as `error`. */
  async open(
    args: ExecutionArgs,
    socket: Socket,
    id: string,
    cost: number,
  ): Promise<readonly GraphQLError[] | OpenSubscription> {
    const stream = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in stream)) {
      return stream.errors ?? [new GraphQLError('The subscription could not be opened.')];
    }
    if (!(stream instanceof Member)) {
      return { ...args, stream, way: { enter: () => socket.enter(id, cost), leave: () => socket.leave(id) } };
    }
    const { document, operationName, variableValues } = args;
    const plan = this.shared.planOf({ document, operationName, variables: variableValues }, cost);
    const refused = this.hub.admit(stream, plan);
    if (refused) return [refused];
    stream.attach(socket, id);
    // graphql-ws keeps this as long as the subscription lasts: nothing but what it needs.
    return {
      schema: args.schema,
      document,
      operationName: operationName ?? null,
      contextValue: undefined,
      stream,
      plan,
    };
  }

  /** What graphql-ws iterates: it ends when the subscription does. */
  run(open: OpenSubscription): AsyncIterable<ExecutionResult> {
    const { stream, plan } = open;
    if (!(stream instanceof Member) || !plan) return executeEach(open);
    this.hub.join(stream, plan);
    return stream;
  }
}

/** Executes the operation for each event, each with a view of the database of its own. */
function executeEach({ stream, way, ...args }: OpenSubscription): AsyncGenerator<ExecutionResult, void, void> {
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
        const result = await executeFor(value, args, () => over).catch((error: unknown) =>
          end().then(() => Promise.reject(error)),
        );
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

/** The payload of one event. While the database is away it waits: an error in its place would lose the event. */
async function executeFor(event: unknown, args: ExecutionArgs, over: () => boolean): Promise<ExecutionResult> {
  const context = args.contextValue as OperationContext;
  const execution = async (): Promise<ExecutionResult> => {
    const result = await execute({ ...args, rootValue: event, contextValue: context.renewed() });
    const away = result.errors?.find(({ originalError }) => isDatabaseAway(originalError));
    if (away && !over()) throw away.originalError ?? away;
    return result;
  };
  return patiently(execution, over);
}
