// Apollo Server behind NestJS, with the rules that sockets obey too: limits, one error mapper, no landing page.
import type { ApolloServerPlugin, BaseContext, GraphQLRequestContextDidResolveSource } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { GqlOptionsFactory } from '@nestjs/graphql';
import type { Request, Response } from 'express';
import { type GraphQLError, parse } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import { csrfHeaderOf } from '../../config/service.js';
import { ErrorMapper } from '../../errors/error-mapper.js';
import { BadUserInputError } from '../../errors/service-error.js';
import { Gate } from '../../limits/gate.js';
import { ContextFactory } from './context-factory.js';
import { SchemaFactory } from './schema-factory.js';
import { RESPONSE_JSON, refusalOf, wantsResponseJson } from './refusal-response.js';
import type { ParsedOperation } from '../operations/parsed-operation.js';
import { isErrors, OperationPipeline, type ReadyOperation } from '../operations/operation-pipeline.js';
import { signOutIn } from '../operations/sign-out.js';

@Injectable()
export class ApolloOptions implements GqlOptionsFactory<ApolloDriverConfig> {
  constructor(
    private readonly contexts: ContextFactory,
    private readonly pipeline: OperationPipeline,
    private readonly errors: ErrorMapper,
    private readonly gate: Gate,
    private readonly schemas: SchemaFactory,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  createGqlOptions(): Omit<ApolloDriverConfig, 'driver'> {
    return {
      path: this.config.service.endpoint,
      autoSchemaFile: true,
      // Apollo checks the schema when it starts; an introspection before that finds no more, and takes a tenth of the start.
      buildSchemaOptions: { skipCheck: true },
      sortSchema: true,
      transformSchema: (schema) => this.schemas.complete(schema),
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
      csrfPrevention: { requestHeaders: [csrfHeaderOf(this.config.service), 'apollo-require-preflight'] },
      stringifyResult: (result) => this.pipeline.introspection.textOf(result),
      logger: apolloLogger,
      // The plugin would wrap every field to arrive at `no-store`, which every reply has anyway.
      plugins: [ApolloServerPluginCacheControlDisabled(), this.prepare, statusByMediaType],
    };
  }

  /**
   * Prepares the operation in the pipeline before Apollo would parse it: Apollo gets the parsed document and neither parses nor validates.
   * For a refused operation Apollo gets a document that does nothing, and the refusal as its answer.
   */
  private readonly prepare: ApolloServerPlugin<OperationContext> = {
    requestDidStart: async () => {
      let refusal: Refusal | undefined;
      let operation: ParsedOperation | undefined;
      return {
        didResolveSource: async (request) => {
          const ready = await this.readyOperation(request);
          if ('errors' in ready) refusal = ready;
          else if (ready.operation.type === 'subscription') refusal = { status: 400, errors: [wrongPlace()] };
          else ({ operation } = ready);
          Object.assign(request, { document: 'errors' in ready ? NOTHING : ready.operation.document });
        },
        responseForOperation: async ({ response }) => {
          const data = operation && this.pipeline.introspection.dataOf(operation);
          if (data) return { http: response.http, body: { kind: 'single', singleResult: { data } } };
          if (!refusal) return null;
          response.http.status = refusal.status;
          const errors = refusal.errors.map((error) => this.errors.map(error));
          return { http: response.http, body: { kind: 'single', singleResult: { errors } } };
        },
        willSendResponse: async ({ response: { body } }) => {
          if (operation && body.kind === 'single') this.pipeline.introspection.add(operation, body.singleResult);
        },
      };
    },
  };

  /** Refuses cookies from a foreign origin, and accounts above their limits, before the document is parsed. */
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
    const ready = this.pipeline.prepare(schema, sent, { signedIn: contextValue.isSignedIn, via: 'http' });
    if (isErrors(ready)) return { status: 400, errors: ready };
    const more = principal && this.contexts.limits.rootFields(principal.accountId, ready.operation.rootFields);
    if (more) return tooMany(more);
    this.gate.recordFields(source, ready.cost);
    return ready;
  }
}

interface Refusal {
  readonly status: number;
  readonly errors: readonly GraphQLError[];
}

const NOTHING = parse('{ __typename }');

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
 * `application/json` answers 200 to every well-formed request, `application/graphql-response+json` 400. Temporary refusals are 429 or 503
 * with `Retry-After` in both, so that clients and proxies without GraphQL wait as well.
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
      // A plugin of NestJS runs after this one and sets 200 wherever there is `data`, null included.
      await Promise.resolve();
      if (refusal && nothing) http.status = refusal.status;
      else if (!responseJson && result?.errors && wellFormed && [400, 403].includes(http.status ?? 200))
        http.status = 200;
    },
  }),
};
