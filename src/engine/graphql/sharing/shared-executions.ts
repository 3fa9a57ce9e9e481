// Executes an event once for each permission class. A plan that turns out to need a viewer is never shared again.
import { Injectable, Logger } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { execute, type ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Counter } from 'prom-client';
import type { PermissionClass } from '../../access/permission-class.js';
import type { CachedReads } from '../../access/cached-reads.js';
import { SharedContext, ViewerNeededError } from '../../access/shared-context.js';
import { Metrics } from '../../monitoring/metrics.js';
import { NormalizedOperations } from '../operations/normalized-operations.js';
import type { ReadyOperation } from '../operations/operation-pipeline.js';
import { planOf, type SharingPlan } from './sharing-plan.js';

/** One event, for one class. */
export interface SharedRun {
  /** Root value of the execution. */
  readonly event: unknown;
  /** The resource that the event is about; empty where there is none. */
  readonly resourceId: string;
  /** Of the plan's `classOf`, for that resource. */
  readonly permission: PermissionClass;
  /** One for all executions of the event. */
  readonly reads: CachedReads;
}

/** Demoted documents that are remembered; one that is forgotten is found out again. */
const MAX_DEMOTED = 1_000;

@Injectable()
export class SharedExecutions {
  private readonly logger = new Logger(SharedExecutions.name);
  private readonly demoted = new LRUCache<string, true>({ max: MAX_DEMOTED });
  private readonly demotions: Counter;

  constructor(
    private readonly host: GraphQLSchemaHost,
    private readonly normals: NormalizedOperations,
    metrics: Metrics,
  ) {
    this.demotions = metrics.counter(
      'demotions_total',
      'Documents demoted to execution per viewer, because a shared execution needed the viewer.',
    );
  }

  /** How an operation that may run is shared. */
  planOf({ operation, variables, cost }: ReadyOperation): SharingPlan {
    return planOf(this.normals.of(operation), variables, cost);
  }

  /** Whether one execution may serve a class; if not, each viewer needs a separate one. */
  isShared({ perViewer, documentKey }: SharingPlan): boolean {
    return perViewer === undefined && !this.demoted.has(documentKey);
  }

  /** How many documents were demoted. */
  get demotedDocuments(): number {
    return this.demoted.size;
  }

  /** The result for the whole class; `undefined`: it must not be delivered, each viewer needs a separate execution. */
  async execute(plan: SharingPlan, run: SharedRun): Promise<ExecutionResult | undefined> {
    if (!this.isShared(plan)) return undefined;
    const context = new SharedContext(run.reads, run.permission, run.resourceId);
    const result = await execute({
      schema: this.host.schema,
      document: plan.document,
      variableValues: plan.variables,
      rootValue: run.event,
      contextValue: context,
    });
    if (context.viewerNeeded === undefined) return result;
    const at = result.errors?.find(({ originalError }) => originalError instanceof ViewerNeededError)?.path;
    this.demote(plan, at ? `${context.viewerNeeded} at ${at.join('.')}` : context.viewerNeeded);
    return undefined;
  }

  private demote({ documentKey }: SharingPlan, reason: string): void {
    // Executions of several classes may find out at the same time.
    if (this.demoted.has(documentKey)) return;
    this.demoted.set(documentKey, true);
    this.demotions.inc();
    this.logger.warn(`A document is executed per viewer from now on: ${reason}, which no field declares`);
  }
}
