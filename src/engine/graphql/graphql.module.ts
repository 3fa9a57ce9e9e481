// GraphQL over HTTP through Apollo, and what sockets need to run operations by the same rules.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Global, Logger, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { Counter } from 'prom-client';
import { ErrorMapper } from '../errors/error-mapper.js';
import { DatabaseWrites } from '../monitoring/database-writes.js';
import { Metrics } from '../operations/metrics.js';
import { ApolloOptions } from './apollo-options.js';
import { HttpAdmission } from './http/admission.js';
import { HttpLoad } from './http/load.js';
import { HttpRefusals } from './http/refusals.js';
import { ContextFactory } from './context-factory.js';
import { DateTimeScalar } from './date-time.scalar.js';
import { OperationErrorsFilter } from './operation-errors.filter.js';
import { DocumentCache } from './operations/document-cache.js';
import { NormalOperations } from './operations/normal-operations.js';
import { OperationPipeline } from './operations/operation-pipeline.js';
import { SharedExecutions } from './shared-executions.js';

const logger = new Logger('GraphQL');

/** The log gets what the client does not. */
function report(error: unknown, errorId: string): void {
  logger.error(`Unexpected error ${errorId}`, error instanceof Error ? error.stack : String(error));
}

function errorMapper(writes: DatabaseWrites, { registry }: Metrics): ErrorMapper {
  const counted = new Counter({
    name: 'tidings_errors_total',
    help: 'Errors that clients received, by code; those of an execution that is shared counted once.',
    labelNames: ['code'],
    registers: [registry],
  });
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
    HttpLoad,
    HttpRefusals,
    OperationPipeline,
    {
      provide: ErrorMapper,
      inject: [DatabaseWrites, Metrics],
      useFactory: errorMapper,
    },
  ],
  exports: [ApolloOptions, ContextFactory, OperationPipeline, ErrorMapper],
})
class OperationModule {}

@Global()
@Module({
  imports: [
    OperationModule,
    GraphQLModule.forRootAsync<ApolloDriverConfig>({ driver: ApolloDriver, useExisting: ApolloOptions }),
  ],
  providers: [
    DateTimeScalar,
    NormalOperations,
    SharedExecutions,
    { provide: APP_FILTER, useClass: OperationErrorsFilter },
  ],
  exports: [SharedExecutions, GraphQLModule],
})
export class GraphqlModule {}
