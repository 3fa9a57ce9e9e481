// The results of a subscription to live objects, which are not in the log: each object of its stream is executed when there is room for
// the result at its socket, with an empty cache of reads.
import type { ExecutionResult } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import type { LiveExecutions } from './live-executions.js';
import { LiveQueue } from './live-queue.js';

export interface LiveSubscription {
  readonly context: OperationContext;
  /** The accounts that executions are charged to. */
  readonly payers: () => readonly string[];
  /** Lets a result in when there is room for it at its socket, and takes it out when it was sent. */
  readonly acquire: () => Promise<unknown>;
  readonly releaseResult: () => void;
  /** To be called when it has ended. */
  readonly ended: () => void;
}

export class LiveResults implements AsyncIterableIterator<ExecutionResult> {
  private readonly source: AsyncIterator<unknown>;
  private closed = false;

  constructor(
    stream: AsyncIterable<unknown>,
    private readonly plan: SharingPlan,
    private readonly subscription: LiveSubscription,
    private readonly executions: LiveExecutions,
  ) {
    this.source = stream[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    try {
      for (;;) {
        // The previous result has been sent.
        this.subscription.releaseResult();
        const { done, value } = await this.source.next();
        if (done) break;
        await this.subscription.acquire();
        const result = await this.execute(value);
        // The right to see it may have been lost while it was executed.
        if (this.source instanceof LiveQueue && !this.source.open) continue;
        return { done: false, value: result };
      }
    } catch (error) {
      await this.end();
      throw error;
    }
    return this.return();
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    await this.end();
    return { done: true, value: undefined };
  }

  private execute(event: unknown): Promise<ExecutionResult> {
    const { context, payers } = this.subscription;
    return this.executions.execute(event, { context, plan: this.plan, payers, isCancelled: () => this.closed });
  }

  private async end(): Promise<void> {
    this.closed = true;
    this.subscription.releaseResult();
    this.subscription.ended();
    await this.source.return?.();
  }
}
