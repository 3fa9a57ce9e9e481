// GraphQL over HTTP through Apollo, and the services with which sockets run operations by the same rules.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type DynamicModule, Global, Logger, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { ErrorMapper } from '../errors/error-mapper.js';
import { DatabaseWrites } from '../monitoring/database-writes.js';
import { Metrics } from '../monitoring/metrics.js';
import { ApolloOptions } from './http/apollo-options.js';
import { HttpAdmission } from './http/admission.js';
import { RequestMemory } from './http/request-memory.js';
import { HttpRefusals } from './http/http-refusals.js';
import { SCHEMA_DESCRIPTIONS, SchemaFactory } from './http/schema-factory.js';
import { ContextFactory } from './http/context-factory.js';
import { DateTimeScalar } from './schema/date-time.scalar.js';
import { OperationErrorsFilter } from './operations/operation-errors.filter.js';
import { DocumentCache } from './operations/document-cache.js';
import { NormalizedOperations } from './operations/normalized-operations.js';
import { OperationPipeline } from './operations/operation-pipeline.js';
import { SharedExecutions } from './sharing/shared-executions.js';

const logger = new Logger('GraphQL');

/** Logs the details that are hidden from the client. */
function report(error: unknown, errorId: string): void {
  logger.error(`Unexpected error ${errorId}`, error instanceof Error ? error.stack : String(error));
}

function errorMapper(writes: DatabaseWrites, metrics: Metrics): ErrorMapper {
  const counted = metrics.counter(
    'errors_total',
    'Errors that clients received, by code; those of an execution that is shared counted once.',
    'code',
  );
  return new ErrorMapper(
    report,
    (error) => writes.isUnavailable(error),
    () => performance.now(),
    (code) => counted.inc({ code }),
  );
}

@Global()
@Module({
  providers: [
    ApolloOptions,
    ContextFactory,
    DocumentCache,
    HttpAdmission,
    RequestMemory,
    HttpRefusals,
    OperationPipeline,
    SchemaFactory,
    {
      provide: ErrorMapper,
      inject: [DatabaseWrites, Metrics],
      useFactory: errorMapper,
    },
  ],
  exports: [ApolloOptions, ContextFactory, OperationPipeline, ErrorMapper],
})
class OperationModule {
  static forRoot(descriptions: Readonly<Record<string, string>>): DynamicModule {
    return { module: OperationModule, providers: [{ provide: SCHEMA_DESCRIPTIONS, useValue: descriptions }] };
  }
}

@Global()
@Module({
  imports: [GraphQLModule.forRootAsync<ApolloDriverConfig>({ driver: ApolloDriver, useExisting: ApolloOptions })],
  providers: [
    DateTimeScalar,
    NormalizedOperations,
    SharedExecutions,
    { provide: APP_FILTER, useClass: OperationErrorsFilter },
  ],
  exports: [SharedExecutions, GraphQLModule],
})
export class GraphqlModule {
  /** `descriptions`: of the engine's schema elements, by schema coordinate. */
  static forRoot(descriptions: Readonly<Record<string, string>>): DynamicModule {
    return { module: GraphqlModule, imports: [OperationModule.forRoot(descriptions)] };
  }
}
