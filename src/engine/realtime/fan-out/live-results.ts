// What a subscriber of things that are not of the log is sent: each thing that its stream brings is executed when there is room for the
// result at its socket, over a view of the database as it is then.
import type { ExecutionResult } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import type { SharingPlan } from '../../graphql/sharing-plan.js';
import type { LiveExecutions } from '../live-executions.js';
import { LiveQueue } from '../live-queue.js';

export interface LiveSubscription {
  readonly context: OperationContext;
  /** The accounts that executions are charged to. */
  readonly payers: () => readonly string[];
  /** Lets a result in when there is room for it at its socket, and takes it out when it was sent. */
  readonly enter: () => Promise<unknown>;
  readonly leave: () => void;
  /** To be called when it has ended. */
  readonly release: () => void;
}

export class LiveResults implements AsyncIterableIterator<ExecutionResult> {
  private readonly source: AsyncIterator<unknown>;
  private over = false;

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
        // What was given before has been sent.
        this.subscription.leave();
        const { done, value } = await this.source.next();
        if (done) break;
        await this.subscription.enter();
        const result = await this.execute(value);
        // Who lost the right to see it while it was executed is not sent it.
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
    return this.executions.execute(event, { context, plan: this.plan, payers, isOver: () => this.over });
  }

  private async end(): Promise<void> {
    this.over = true;
    this.subscription.leave();
    this.subscription.release();
    await this.source.return?.();
  }
}
