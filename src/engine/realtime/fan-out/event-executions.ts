// Executes an event for a permission class, or for one viewer where the document cannot be shared, and makes its payload.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { execute, type ExecutionResult } from 'graphql';
import type { CachedReads } from '../../access/cached-reads.js';
import { isDatabaseUnavailable } from '../../database/unit-of-work.js';
import { ErrorMapper } from '../../errors/error-mapper.js';
import { ContextFactory } from '../../graphql/http/context-factory.js';
import { SharedExecutions } from '../../graphql/sharing/shared-executions.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { payloadOf } from './frames.js';
import type { Subscriber } from './subscriber.js';
import type { DeliveryBatch } from './delivery-batch.js';

@Injectable()
export class EventExecutions {
  /** Executions so far. */
  count = 0;

  constructor(
    private readonly shared: SharedExecutions,
    private readonly contexts: ContextFactory,
    private readonly host: GraphQLSchemaHost,
    private readonly errors: ErrorMapper,
  ) {}

  /** An empty cache of reads. */
  newReads(): CachedReads {
    return this.contexts.newReads();
  }

  /**
   * Executes `batch` over `newReads`. Resolves with the bytes after the envelope, or `undefined` when the plan cannot be shared
   * after all; rejects when the database is away: an error in the event's place would lose the event.
   */
  async payloadFor(plan: SharingPlan, batch: DeliveryBatch, reads: CachedReads): Promise<Buffer | undefined> {
    this.count += 1;
    const result = await this.execute(plan, batch, reads);
    const away = result?.errors?.find(({ originalError }) => isDatabaseUnavailable(originalError));
    if (away) throw away.originalError ?? away;
    return result && payloadOf(this.formatted(result));
  }

  private execute(plan: SharingPlan, batch: DeliveryBatch, reads: CachedReads): Promise<ExecutionResult | undefined> {
    const { event, permission, skipped } = batch;
    const rootValue = skipped === undefined ? event : { ...event, skipped };
    if (this.shared.isShared(plan)) {
      return this.shared.execute(plan, { event: rootValue, resourceId: event.resource.id, permission, reads });
    }
    const [subscriber] = batch.subscribers;
    // They were grouped when the plan could still be shared.
    if (!subscriber || batch.subscribers.some((other) => !isSameViewer(other, subscriber)))
      return Promise.resolve(undefined);
    return this.executeFor(
      plan,
      rootValue,
      this.contexts.forEvent(subscriber.socket.client, subscriber.request.viewer, reads),
    );
  }

  private async executeFor(plan: SharingPlan, rootValue: unknown, contextValue: unknown): Promise<ExecutionResult> {
    const { document, variables } = plan;
    return execute({ schema: this.host.schema, document, variableValues: variables, rootValue, contextValue });
  }

  private formatted({ data, errors }: ExecutionResult): unknown {
    return errors ? { data, errors: errors.map((error) => this.errors.map(error)) } : { data };
  }
}

/** Whether one execution serves both: nothing else of a subscriber can be seen in a payload. */
function isSameViewer(one: Subscriber, other: Subscriber): boolean {
  return (
    one.request.viewer.sessionId === other.request.viewer.sessionId &&
    one.socket.client.address === other.socket.client.address
  );
}
