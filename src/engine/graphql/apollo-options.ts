// Apollo Server behind NestJS, with the rules that sockets obey too: limits, one error mapper, no page of its own.
import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable } from '@nestjs/common';
import type { GqlOptionsFactory } from '@nestjs/graphql';
import type { Request } from 'express';
import { GraphQLError } from 'graphql';
import { ErrorMapper } from '../errors/error-mapper.js';
import { ContextFactory } from './context-factory.js';
import { assertAffordable, MAX_TOKENS, subscriptionRootProblem, VALIDATION_RULES } from './document-limits.js';
import { guardSchema } from './guarded-schema.js';

@Injectable()
export class ApolloOptions implements GqlOptionsFactory<ApolloDriverConfig> {
  constructor(
    private readonly contexts: ContextFactory,
    private readonly errors: ErrorMapper,
  ) {}

  createGqlOptions(): Omit<ApolloDriverConfig, 'driver'> {
    return {
      path: '/graphql',
      autoSchemaFile: true,
      sortSchema: true,
      transformSchema: guardSchema,
      graphiql: false,
      introspection: true,
      includeStacktraceInErrorResponses: false,
      autoTransformHttpErrors: false,
      stopOnApplicationShutdown: true,
      context: ({ req }: { req: Request }) => this.contexts.forRequest(req),
      formatError: (formatted, error) => this.errors.map(asGraphQLError(formatted, error)),
      validationRules: [...VALIDATION_RULES],
      parseOptions: { maxTokens: MAX_TOKENS },
      plugins: [limits, legacyStatus],
    };
  }
}

/** The error as Apollo classified it: its code, over the message and place of what was thrown. */
function asGraphQLError(formatted: { message: string; extensions?: Record<string, unknown> }, error: unknown): GraphQLError {
  if (error instanceof GraphQLError && (error.originalError || error.path)) return error;
  const cause = unwrapResolverError(error);
  if (!(error instanceof GraphQLError)) {
    return new GraphQLError(formatted.message, { originalError: cause instanceof Error ? cause : new Error(String(cause)) });
  }
  const code = formatted.extensions?.['code'];
  if (error.extensions['code'] === code) return error;
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { ...error.extensions, code },
  });
}

const limits: ApolloServerPlugin = {
  requestDidStart: async () => ({
    validationDidStart: async ({ document }) => {
      const problem = subscriptionRootProblem(document);
      if (problem) throw withStatus(problem, 400);
    },
    didResolveOperation: async ({ schema, document, request, operationName }) => {
      try {
        assertAffordable(schema, document, operationName ?? undefined, request.variables ?? {});
      } catch (error) {
        // What getComplexity cannot coerce is refused with its place by the execution that follows.
        if (error instanceof GraphQLError && error.extensions['code'] === 'QUERY_TOO_COMPLEX') throw withStatus(error, 400);
      }
    },
  }),
};

function withStatus(error: GraphQLError, status: number): GraphQLError {
  error.extensions['http'] = { status };
  return error;
}

/**
 * `application/json` answers 200 to whatever was a well-formed request, `application/graphql-response+json` says 400.
 * https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const legacyStatus: ApolloServerPlugin<BaseContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response }) => {
      const asked = response.http.headers.get('content-type') ?? '';
      const wellFormed = response.body.kind === 'single' && response.body.singleResult.errors !== undefined;
      if (asked.startsWith('application/json') && wellFormed && response.http.status === 400) response.http.status = 200;
    },
  }),
};
