// Executes what happens now, and is not of the log: once for all of a permission class who ask the same about the very same
// thing, for each viewer where the document or the thing is its own.
import { Injectable } from '@nestjs/common';
import { execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { answered } from '../database/answered.js';
import { isDatabaseAway } from '../database/unit-of-work.js';
import { ContextFactory } from '../graphql/context-factory.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { EXECUTION_TIMEOUT_MS } from './event-executions.js';
import { patiently } from './patience.js';

@Injectable()
export class LiveExecutions {
  /** What was made of each thing, by operation and class: kept as long as somebody is still to be told of it. */
  private readonly made = new WeakMap<object, Map<string, Promise<ExecutionResult | undefined>>>();

  constructor(
    private readonly shared: SharedExecutions,
    private readonly contexts: ContextFactory,
  ) {}

  /**
   * The payload of `event` for the viewer of `args`; whoever is told of the same is given the same object. While the database
   * is away it waits: an error in its place would lose the event.
   */
  execute(event: unknown, args: ExecutionArgs, plan: SharingPlan, over: () => boolean): Promise<ExecutionResult> {
    const context = args.contextValue as OperationContext;
    return patiently(async () => {
      const result =
        (await this.forClass(event, context, plan)) ??
        (await answered(EXECUTION_TIMEOUT_MS, async () =>
          execute({ ...args, rootValue: event, contextValue: context.renewed() }),
        ));
      const away = failureOf(result);
      if (away && !over()) throw away;
      return result;
    }, over);
  }

  /** `undefined`: it must be executed for this viewer. */
  private forClass(event: unknown, { viewer }: OperationContext, plan: SharingPlan) {
    if (typeof event !== 'object' || event === null || !this.shared.isShared(plan)) return undefined;
    // It is no event of a resource: rules about one have made the document one of each viewer.
    const resourceId = '';
    const permission = plan.classOf(viewer.rights, resourceId);
    const key = `${plan.groupKey} ${permission.key}`;
    const made = this.made.get(event) ?? new Map<string, Promise<ExecutionResult | undefined>>();
    this.made.set(event, made);
    let result = made.get(key);
    if (!result) {
      const view = this.contexts.view();
      result = answered(EXECUTION_TIMEOUT_MS, () => this.shared.execute(plan, { event, resourceId, permission, view }));
      made.set(key, result);
      // Whoever tries again makes it again.
      result.then(
        (one) => failureOf(one) && made.delete(key),
        () => made.delete(key),
      );
    }
    return result;
  }
}

/** What failed because the database is away. */
function failureOf(result: ExecutionResult | undefined): Error | undefined {
  const error = result?.errors?.find(({ originalError }) => isDatabaseAway(originalError));
  return error?.originalError ?? error;
}
