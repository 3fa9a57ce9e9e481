// Apollo Server behind NestJS, with the rules that sockets obey too: limits, one error mapper, no page of its own.
import type { ApolloServerPlugin, BaseContext, GraphQLRequestContextDidResolveSource } from '@apollo/server';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Injectable, Logger } from '@nestjs/common';
import type { GqlOptionsFactory } from '@nestjs/graphql';
import type { Request, Response } from 'express';
import { type GraphQLError, type OperationTypeNode, parse } from 'graphql';
import { Counter } from 'prom-client';
import type { OperationContext } from '../access/operation-context.js';
import { ErrorMapper } from '../errors/error-mapper.js';
import { BadUserInputError, UnauthenticatedError } from '../errors/service-error.js';
import { Gate } from '../limits/gate.js';
import type { AuditAction } from '../audit/audit-row.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Metrics } from '../operations/metrics.js';
import { ContextFactory } from './context-factory.js';
import { RESPONSE_JSON, refusalOf, wantsResponseJson } from './http/refusal.js';
import { guardSchema, type OnRefusal } from './guarded-schema.js';
import { withSpecifications } from './scalars.js';
import { isErrors, OperationPipeline, type ReadyOperation } from './operations/operation-pipeline.js';
import { signOutIn } from './operations/sign-out.js';

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
    private readonly pipeline: OperationPipeline,
    private readonly errors: ErrorMapper,
    private readonly audit: AuditTrail,
    private readonly gate: Gate,
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
  private readonly recordRefusal: OnRefusal = ({ operation, ...details }, context) =>
    this.audit.recordRefusal(context, REFUSED[operation], {
      actorId: context.principal?.accountId,
      address: context.client.address,
      details,
    });

  createGqlOptions(): Omit<ApolloDriverConfig, 'driver'> {
    return {
      path: '/graphql',
      autoSchemaFile: true,
      // Apollo checks the schema when it starts; an introspection before that finds no more, and takes a tenth of the start.
      buildSchemaOptions: { skipCheck: true },
      sortSchema: true,
      transformSchema: (schema) =>
        guardSchema(withSpecifications(schema), {
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
      formatError: (_formatted, error) => this.errors.map(error),
      // `prepare` parses, validates and keeps documents.
      dangerouslyDisableValidation: true,
      documentStore: null,
      persistedQueries: false,
      csrfPrevention: { requestHeaders: ['x-tidings-csrf', 'apollo-require-preflight'] },
      logger: apolloLogger,
      plugins: [this.prepare, statusByMediaType],
    };
  }

  /**
   * Makes the operation ready in our pipeline, before Apollo would parse: Apollo is given the parsed document and neither parses nor
   * validates. Of an operation that is refused it is given one that does nothing, and the refusal as its answer.
   */
  private readonly prepare: ApolloServerPlugin<OperationContext> = {
    requestDidStart: async () => {
      let refusal: Refusal | undefined;
      return {
        didResolveSource: async (request) => {
          const ready = await this.readyOperation(request);
          if ('errors' in ready) refusal = ready;
          else if (ready.operation.type === 'subscription') refusal = { status: 400, errors: [wrongPlace()] };
          Object.assign(request, { document: 'errors' in ready ? NOTHING : ready.operation.document });
        },
        responseForOperation: async ({ response }) => {
          if (!refusal) return null;
          response.http.status = refusal.status;
          const errors = refusal.errors.map((error) => this.errors.map(error));
          return { http: response.http, body: { kind: 'single', singleResult: { errors } } };
        },
      };
    },
  };

  /** Cookies that a strange page may have sent, and an account that asks too much, are refused before the text is looked at. */
  private async readyOperation({
    schema,
    source,
    request,
    contextValue,
  }: GraphQLRequestContextDidResolveSource<OperationContext>): Promise<ReadyOperation | Refusal> {
    const { cookies, principal } = contextValue;
    if (cookies.refusal) return { status: 403, errors: [cookies.refusal] };
    const signOut = signOutIn(source);
    const tooMany = (limited: GraphQLError): Refusal => {
      if (signOut) cookies.clear();
      return { status: 429, errors: [limited] };
    };
    const limited = principal && signOut !== 'alone' && this.contexts.limits.operation(principal.accountId);
    if (limited) return tooMany(limited);
    const { operationName, variables } = request;
    const sent = { query: source, operationName, variables };
    const ready = this.pipeline.prepare(schema, sent, { signedIn: isSignedIn(contextValue), via: 'http' });
    if (isErrors(ready)) return { status: 400, errors: ready };
    const more = principal && this.contexts.limits.rootFields(principal.accountId, ready.operation.rootFields);
    if (more) return tooMany(more);
    this.gate.counted(source, ready.cost);
    return ready;
  }
}

interface Refusal {
  readonly status: number;
  readonly errors: readonly GraphQLError[];
}

const NOTHING = parse('{ __typename }');

/** Also while it cannot be known whether the session has ended. */
function isSignedIn(context: OperationContext): boolean {
  try {
    return context.viewer !== undefined;
  } catch (error) {
    return !(error instanceof UnauthenticatedError);
  }
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

/**
 * `application/json` answers 200 to whatever was a well-formed request, `application/graphql-response+json` says 400. What says: not
 * now, is 429 or 503 with `Retry-After` in both, so that clients and proxies that know no GraphQL wait as well.
 * https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const statusByMediaType: ApolloServerPlugin<BaseContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, errors, response: { http, body } }) => {
      const result = body.kind === 'single' ? body.singleResult : undefined;
      const refusal = refusalOf(result?.errors);
      if (refusal) http.headers.set('retry-after', refusal.retryAfter);
      const nothing = Object.values(result?.data ?? {}).every((value) => value === null);
      const wellFormed = !errors?.some(({ extensions }) => extensions['code'] === 'BAD_REQUEST');
      const responseJson = wantsResponseJson(request.http?.headers.get('accept'));
      if (responseJson) http.headers.set('content-type', `${RESPONSE_JSON}; charset=utf-8`);
      // NestJS has a plugin of its own behind ours, which sets 200 wherever there is `data`, null included.
      await Promise.resolve();
      if (refusal && nothing) http.status = refusal.status;
      else if (!responseJson && result?.errors && wellFormed && [400, 403].includes(http.status ?? 200))
        http.status = 200;
    },
  }),
};
