// Executes what happens now, and is not of the log: once for all of a permission class who ask the same about the very same
// thing, for each viewer where the document or the thing is its own.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { execute, type ExecutionResult } from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { isDatabaseAway } from '../database/unit-of-work.js';
import { ContextFactory } from '../graphql/context-factory.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { ExecutionScheduler } from './fan-out/execution-scheduler.js';
import { EXECUTION_TIMEOUT_MS, GrowingTimeout, retryWhileUnavailable } from './fan-out/flow-control.js';
import { executionKeyOf } from './fan-out/subscription-limits.js';

export interface LiveRequest {
  readonly context: OperationContext;
  readonly plan: SharingPlan;
  /** The accounts that the execution is charged to. */
  readonly payers: () => readonly string[];
  /** Whether nobody waits for the result any more. */
  readonly isOver: () => boolean;
}

/** What was made of one thing, by operation and class, and the timeout of that. */
interface Making {
  readonly timeout: GrowingTimeout;
  readonly made: Map<string, Promise<ExecutionResult | undefined>>;
}

@Injectable()
export class LiveExecutions {
  private readonly executionTimeout = EXECUTION_TIMEOUT_MS;
  /** Kept as long as somebody is still to be told of the thing. */
  private readonly makings = new WeakMap<object, Making>();

  constructor(
    private readonly shared: SharedExecutions,
    private readonly contexts: ContextFactory,
    private readonly host: GraphQLSchemaHost,
    private readonly scheduler: ExecutionScheduler,
  ) {}

  /**
   * The payload of `event`; all who may see the same of the same object are given the same payload. While the database is away it
   * waits: an error in its place would lose the event.
   */
  execute(event: unknown, request: LiveRequest): Promise<ExecutionResult> {
    const making = this.makingOf(event);
    return retryWhileUnavailable(async () => {
      const result = (await this.forClass(event, making, request)) ?? (await this.forViewer(event, making, request));
      const away = failureOf(result);
      if (away && !request.isOver()) throw away;
      return result!;
    }, request.isOver);
  }

  private makingOf(event: unknown): Making {
    const known = isObject(event) && this.makings.get(event);
    if (known) return known;
    const making = { timeout: new GrowingTimeout(this.executionTimeout), made: new Map() };
    if (isObject(event)) this.makings.set(event, making);
    return making;
  }

  private forClass(event: unknown, making: Making, request: LiveRequest) {
    const { plan, context } = request;
    if (!isObject(event) || !this.shared.isShared(plan)) return undefined;
    // It is no event of a resource: rules about one have made the document one of each viewer.
    const resourceId = '';
    const permission = plan.classOf(context.viewer.rights, resourceId);
    return this.once(`${plan.groupKey} ${permission.key}`, making, request, () => {
      const view = this.contexts.view();
      return this.shared.execute(plan, { event, resourceId, permission, view });
    });
  }

  /** However many subscriptions of one session ask for the same. */
  private forViewer(event: unknown, making: Making, request: LiveRequest) {
    const { plan, context } = request;
    const { sessionId } = context.viewer;
    return this.once(executionKeyOf(plan, false, sessionId, context.client.address), making, request, async () =>
      execute({
        schema: this.host.schema,
        document: plan.document,
        variableValues: plan.variables,
        rootValue: event,
        contextValue: context.renewed(),
      }),
    );
  }

  private once(
    key: string,
    { timeout, made }: Making,
    { plan, payers }: LiveRequest,
    work: () => Promise<ExecutionResult | undefined>,
  ): Promise<ExecutionResult | undefined> {
    const known = made.get(key);
    if (known) return known;
    const { live } = this.scheduler;
    const result = live.run(plan.cost, payers(), async () => {
      if (live.slicer.spent) await live.slicer.rest();
      return timeout.run(work);
    });
    made.set(key, result);
    // An attempt after this one executes it again.
    result.then(
      (one) => failureOf(one) && made.delete(key),
      () => made.delete(key),
    );
    return result;
  }
}

const isObject = (event: unknown): event is object => typeof event === 'object' && event !== null;

/** What failed because the database is away. */
function failureOf(result: ExecutionResult | undefined): Error | undefined {
  const error = result?.errors?.find(({ originalError }) => isDatabaseAway(originalError));
  return error?.originalError ?? error;
}
