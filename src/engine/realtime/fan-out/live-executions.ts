// Executes live objects, which are not in the log: once for all subscribers of a permission class with equal operations on the same
// object, and once for each viewer where the document or the object is its own.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { execute, type ExecutionResult } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import { isDatabaseUnavailable } from '../../database/unit-of-work.js';
import { ContextFactory } from '../../graphql/http/context-factory.js';
import { SharedExecutions } from '../../graphql/sharing/shared-executions.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { FlowControl } from '../flow-control/flow-control.js';
import { EXECUTION_TIMEOUT_MS, GrowingTimeout, retryWhileUnavailable } from '../flow-control/retries.js';
import { executionKeyOf } from './subscription-limits.js';

export interface LiveRequest {
  readonly context: OperationContext;
  readonly plan: SharingPlan;
  /** The accounts that the execution is charged to. */
  readonly payers: () => readonly string[];
  /** Whether the result is no longer needed. */
  readonly isCancelled: () => boolean;
}

/** The results of one object, by operation and class, and the timeout that their attempts share. */
interface ObjectResults {
  readonly timeout: GrowingTimeout;
  readonly results: Map<string, Promise<ExecutionResult | undefined>>;
}

@Injectable()
export class LiveExecutions {
  /** ms for the first attempt. */
  executionTimeout = EXECUTION_TIMEOUT_MS;
  /** Kept as long as the object is pending for a subscriber. */
  private readonly objects = new WeakMap<object, ObjectResults>();

  constructor(
    private readonly shared: SharedExecutions,
    private readonly contexts: ContextFactory,
    private readonly host: GraphQLSchemaHost,
    private readonly flow: FlowControl,
  ) {}

  /**
   * The result of `event`; subscribers of one class share the result of the same object. Retried while the database is unavailable: an
   * error in its place would lose the event.
   */
  execute(event: unknown, request: LiveRequest): Promise<ExecutionResult> {
    const object = this.resultsOf(event);
    return retryWhileUnavailable(async () => {
      const result = (await this.forClass(event, object, request)) ?? (await this.forViewer(event, object, request));
      const away = failureOf(result);
      if (away && !request.isCancelled()) throw away;
      return result!;
    }, request.isCancelled);
  }

  private resultsOf(event: unknown): ObjectResults {
    const known = isObject(event) && this.objects.get(event);
    if (known) return known;
    const made = { timeout: new GrowingTimeout(this.executionTimeout), results: new Map() };
    if (isObject(event)) this.objects.set(event, made);
    return made;
  }

  private forClass(event: unknown, object: ObjectResults, request: LiveRequest) {
    const { plan, context } = request;
    if (!isObject(event) || !this.shared.isShared(plan)) return undefined;
    // It is no event of a resource: rules about one have made the document one of each viewer.
    const resourceId = '';
    const permission = plan.classOf(context.viewer.rights, resourceId);
    return this.once(`${plan.groupKey} ${permission.key}`, object, request, () => {
      const reads = this.contexts.newReads();
      return this.shared.execute(plan, { event, resourceId, permission, reads });
    });
  }

  /** One execution for all equal subscriptions of a session. */
  private forViewer(event: unknown, object: ObjectResults, request: LiveRequest) {
    const { plan, context } = request;
    const { sessionId } = context.viewer;
    return this.once(executionKeyOf(plan, false, sessionId, context.client.address), object, request, async () =>
      execute({
        schema: this.host.schema,
        document: plan.document,
        variableValues: plan.variables,
        rootValue: event,
        contextValue: context.withNewReads(),
      }),
    );
  }

  private once(
    key: string,
    { timeout, results }: ObjectResults,
    { plan, payers }: LiveRequest,
    work: () => Promise<ExecutionResult | undefined>,
  ): Promise<ExecutionResult | undefined> {
    const known = results.get(key);
    if (known) return known;
    const { live } = this.flow;
    const execution = async () => {
      if (live.sliceSpent) await live.nextSlice();
      return work();
    };
    const attempt = { cost: plan.cost, accounts: payers(), timeout };
    const result = live.run(attempt, execution, (made) => Promise.resolve(made));
    results.set(key, result);
    // An attempt after this one executes it again.
    result.then(
      (one) => failureOf(one) && results.delete(key),
      () => results.delete(key),
    );
    return result;
  }
}

const isObject = (event: unknown): event is object => typeof event === 'object' && event !== null;

/** The failure, if the database was unavailable. */
function failureOf(result: ExecutionResult | undefined): Error | undefined {
  const error = result?.errors?.find(({ originalError }) => isDatabaseUnavailable(originalError));
  return error?.originalError ?? error;
}
