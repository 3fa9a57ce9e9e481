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
import { EXECUTION_TIMEOUT_MS, ExecutionLimit } from './execution-limit.js';
import { patiently } from './patience.js';

/** What was made of one thing, by operation and class, and how long that is waited for. */
interface Making {
  readonly limit: ExecutionLimit;
  readonly made: Map<string, Promise<ExecutionResult | undefined>>;
}

@Injectable()
export class LiveExecutions {
  private readonly executionTimeout = EXECUTION_TIMEOUT_MS;
  /** Kept as long as somebody is still to be told of the thing. */
  private readonly makings = new WeakMap<object, Making>();

  constructor(
    private readonly host: GraphQLSchemaHost,
    private readonly shared: SharedExecutions,
    private readonly contexts: ContextFactory,
  ) {}

  /**
   * The payload of `event` for the viewer of `context`; whoever is told of the same is given the same object. While the database
   * is away it waits: an error in its place would lose the event.
   */
  execute(event: unknown, context: OperationContext, plan: SharingPlan, over: () => boolean): Promise<ExecutionResult> {
    const { document, variables: variableValues } = plan;
    const making = this.makingOf(event);
    return patiently(async () => {
      const result =
        (await this.forClass(event, making, context, plan)) ??
        (await making.limit.answered(async () =>
          execute({
            schema: this.host.schema,
            document,
            variableValues,
            rootValue: event,
            contextValue: context.renewed(),
          }),
        ));
      const away = failureOf(result);
      if (away && !over()) throw away;
      return result;
    }, over);
  }

  private makingOf(event: unknown): Making {
    const known = isObject(event) && this.makings.get(event);
    if (known) return known;
    const making = { limit: new ExecutionLimit(this.executionTimeout), made: new Map() };
    if (isObject(event)) this.makings.set(event, making);
    return making;
  }

  /** `undefined`: it must be executed for this viewer. */
  private forClass(event: unknown, { limit, made }: Making, { viewer }: OperationContext, plan: SharingPlan) {
    if (!isObject(event) || !this.shared.isShared(plan)) return undefined;
    // It is no event of a resource: rules about one have made the document one of each viewer.
    const resourceId = '';
    const permission = plan.classOf(viewer.rights, resourceId);
    const key = `${plan.groupKey} ${permission.key}`;
    let result = made.get(key);
    if (!result) {
      const view = this.contexts.view();
      result = limit.answered(() => this.shared.execute(plan, { event, resourceId, permission, view }));
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

const isObject = (event: unknown): event is object => typeof event === 'object' && event !== null;

/** What failed because the database is away. */
function failureOf(result: ExecutionResult | undefined): Error | undefined {
  const error = result?.errors?.find(({ originalError }) => isDatabaseAway(originalError));
  return error?.originalError ?? error;
}
