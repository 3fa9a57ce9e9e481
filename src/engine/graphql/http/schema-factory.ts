// Completes the code-first schema: specifications, the domain's descriptions, and the guards with their audit entries and metrics.
import { Inject, Injectable } from '@nestjs/common';
import type { GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Counter } from 'prom-client';
import type { AuditAction } from '../../audit/audit-actions.js';
import { AuditTrail } from '../../audit/audit-trail.js';
import { Metrics } from '../../monitoring/metrics.js';
import type { OnRefusal } from '../schema/field-guards.js';
import { guardSchema } from '../schema/guarded-schema.js';
import { withSpecifications } from '../schema/scalars.js';
import { describeSchema } from '../schema/schema-descriptions.js';
import { ContextFactory } from './context-factory.js';

const REFUSED: Readonly<Record<OperationTypeNode, AuditAction>> = {
  query: 'QUERY_REFUSED',
  mutation: 'MUTATION_REFUSED',
  subscription: 'SUBSCRIPTION_REFUSED',
};

/** Token of the domain's descriptions, by schema coordinate. */
export const SCHEMA_DESCRIPTIONS = Symbol('SchemaDescriptions');

@Injectable()
export class SchemaFactory {
  private readonly denied: Counter<'field'>;

  constructor(
    private readonly contexts: ContextFactory,
    private readonly audit: AuditTrail,
    metrics: Metrics,
    @Inject(SCHEMA_DESCRIPTIONS) private readonly descriptions: Readonly<Record<string, string>>,
  ) {
    this.denied = metrics.counter(
      'denied_fields_total',
      'Guarded fields below the roots that were null with FORBIDDEN; a shared execution is counted once.',
      'field',
    );
  }

  /** Throws, naming the field, where a rule cannot be enforced. */
  complete(schema: GraphQLSchema): GraphQLSchema {
    return guardSchema(withSpecifications(describeSchema(schema, this.descriptions)), {
      limits: this.contexts.limits,
      catchUp: () => this.contexts.catchUp(),
      onRefusal: this.recordRefusal,
      onDenial: (field) => this.denied.inc({ field }),
    });
  }

  private readonly recordRefusal: OnRefusal = ({ operation, ...details }, context) =>
    this.audit.recordRefusal(context, REFUSED[operation], {
      actorId: context.principal?.accountId,
      address: context.client.address,
      details,
    });
}
