// Apollo Server behind NestJS, with the rules that sockets obey too: limits, one error mapper, no page of its own.
import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable, Logger } from '@nestjs/common';
import type { GqlOptionsFactory } from '@nestjs/graphql';
import type { Request, Response } from 'express';
import { type GraphQLError, type GraphQLFormattedError, OperationTypeNode } from 'graphql';
import { Counter } from 'prom-client';
import type { OperationContext } from '../access/operation-context.js';
import { ErrorMapper } from '../errors/error-mapper.js';
import { BadUserInputError } from '../errors/service-error.js';
import { type AuditAction, AuditTrail } from '../operations/audit.js';
import { Metrics } from '../operations/metrics.js';
import { ContextFactory } from './context-factory.js';
import { MAX_TOKENS } from './operations/document-limits.js';
import { guardSchema, type OnRefusal } from './guarded-schema.js';
import { documentError } from './operations/document-error.js';
import { checkOperation, isErrors } from './operations/operation-check.js';

const REFUSED: Readonly<Record<OperationTypeNode, AuditAction>> = {
  query: 'QUERY_REFUSED',
  mutation: 'MUTATION_REFUSED',
  subscription: 'SUBSCRIPTION_REFUSED',
};

@Injectable()
export class ApolloOptions implements GqlOptionsFactory<ApolloDriverConfig> {
  private readonly denied: Counter<'field'>;

  constructor(
    private readonly contexts: ContextFactory,
    private readonly errors: ErrorMapper,
    private readonly audit: AuditTrail,
    { registry }: Metrics,
  ) {
    this.denied = new Counter({
      name: 'tidings_denied_fields_total',
      help: 'Guarded fields below the roots that were null with FORBIDDEN, an execution that is shared counted once.',
      labelNames: ['field'],
      registers: [registry],
    });
  }

  /** Whoever was refused a root field stands in the audit trail. */
  private readonly recordRefusal: OnRefusal = (operation, field, context) =>
    this.audit.recordRefusal(context, REFUSED[operation], {
      actorId: context.principal?.accountId,
      address: context.client.address,
      details: { field },
    });

  createGqlOptions(): Omit<ApolloDriverConfig, 'driver'> {
    return {
      path: '/graphql',
      autoSchemaFile: true,
      // Apollo checks the schema when it starts; an introspection before that finds no more, and takes a tenth of the start.
      buildSchemaOptions: { skipCheck: true },
      sortSchema: true,
      transformSchema: (schema) =>
        guardSchema(schema, {
          limits: this.contexts.limits,
          catchUp: () => this.contexts.catchUp(),
          onRefusal: this.recordRefusal,
          onDenial: (field) => this.denied.inc({ field }),
        }),
      graphiql: false,
      introspection: true,
      includeStacktraceInErrorResponses: false,
      autoTransformHttpErrors: false,
      stopOnApplicationShutdown: true,
      context: ({ req, res }: { req: Request; res: Response }) => this.contexts.forRequest(req, res),
      formatError: ({ extensions }, error) => {
        const unreadable = extensions?.['code'] === 'GRAPHQL_PARSE_FAILED';
        return this.errors.map(unreadable ? documentError(error, 'GRAPHQL_PARSE_FAILED') : error);
      },
      parseOptions: { maxTokens: MAX_TOKENS },
      // Apollo would answer 500 where a rule of graphql-js throws: `check` does it instead, by the rules of the socket.
      dangerouslyDisableValidation: true,
      persistedQueries: false,
      csrfPrevention: { requestHeaders: ['x-tidings-csrf', 'apollo-require-preflight'] },
      logger: apolloLogger,
      plugins: [this.bound, this.check, statusByMediaType],
    };
  }

  /** Refuses cookies that a strange page may have sent, and an account that asks too much, before anything is looked at. */
  private readonly bound: ApolloServerPlugin<OperationContext> = {
    requestDidStart: async () => ({
      responseForOperation: async ({ contextValue: { cookies, principal }, response }) => {
        const limited = principal && (await this.contexts.limits.operation(principal.accountId));
        const refused = cookies.refusal ?? limited;
        if (!refused) return null;
        response.http.status = cookies.refusal ? 403 : 429;
        return { http: response.http, body: { kind: 'single', singleResult: { errors: [this.errors.map(refused)] } } };
      },
    }),
  };

  /** Refuses what may not run, with every reason at once. */
  private readonly check: ApolloServerPlugin = {
    requestDidStart: async () => ({
      responseForOperation: async ({ schema, document, request, response }) => {
        const { operationName, variables } = request;
        const checked = checkOperation(schema, { document, operationName, variables });
        const errors = isErrors(checked)
          ? checked
          : checked.operation.operation === OperationTypeNode.SUBSCRIPTION
            ? [wrongPlace()]
            : [];
        if (errors.length === 0) return null;
        response.http.status = 400;
        const formatted = errors.map((error) => this.errors.map(error));
        return { http: response.http, body: { kind: 'single', singleResult: { errors: formatted } } };
      },
    }),
  };
}

function wrongPlace(): GraphQLError {
  return new BadUserInputError(
    [],
    'Subscriptions run over the WebSocket at this address, by the protocol graphql-transport-ws.',
  );
}

const logger = new Logger('Apollo');
const apolloLogger = {
  debug: (message: string) => logger.debug(message),
  info: (message: string) => logger.log(message),
  warn: (message: string) => logger.warn(message),
  error: (message: string) => logger.error(message),
};

const RESPONSE_JSON = 'application/graphql-response+json';

/**
 * `application/json` answers 200 to whatever was a well-formed request, `application/graphql-response+json` says 400.
 * https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const statusByMediaType: ApolloServerPlugin<BaseContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, errors, response: { http, body } }) => {
      const failed = body.kind === 'single' && body.singleResult.errors !== undefined;
      const limited = body.kind === 'single' ? body.singleResult.errors?.map(retryAfter).find(Boolean) : undefined;
      if (limited) http.headers.set('retry-after', limited);
      const wellFormed = !errors?.some(({ extensions }) => extensions['code'] === 'BAD_REQUEST');
      if (request.http?.headers.get('accept')?.includes(RESPONSE_JSON)) {
        http.headers.set('content-type', `${RESPONSE_JSON}; charset=utf-8`);
      } else if (failed && wellFormed && [400, 403, 429].includes(http.status ?? 200)) {
        http.status = 200;
      }
    },
  }),
};

/** Seconds, of an error that says so. */
function retryAfter({ extensions }: GraphQLFormattedError): string | undefined {
  return extensions?.['code'] === 'RATE_LIMITED' ? String(extensions['retryAfter']) : undefined;
}
