// Prepares the text of a request into an operation that may run, or returns the errors: the same for HTTP and sockets.
import { Inject, Injectable } from '@nestjs/common';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Counter } from 'prom-client';
import type { Config } from '../../config/config.js';
import { CONFIG } from '../../config/config.module.js';
import type { Service } from '../../config/service.js';
import { BadUserInputError, UnauthenticatedError } from '../../errors/service-error.js';
import { Metrics } from '../../monitoring/metrics.js';
import { isCredential } from '../schema/field-rules.js';
import { IntrospectionResults } from './introspection-results.js';
import { variableProblems } from './input-problems.js';
import { checkDocument, type DocumentVerdict } from './document-check.js';
import { DocumentCache, keyOf } from './document-cache.js';
import {
  MAX_ANONYMOUS_INTROSPECTION_BYTES,
  MAX_ANONYMOUS_TOKENS,
  MAX_TOKENS,
  shapeProblem,
} from './document-limits.js';
import { OperationCosts } from './operation-cost.js';
import { ParsedDocument, type ParsedOperation } from './parsed-operation.js';

/** The request of a client, over HTTP or in a `subscribe` message. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Who sends it, and how. */
export interface Sender {
  readonly signedIn: boolean;
  readonly via: 'http' | 'socket';
}

/** An operation that may run. */
export interface ReadyOperation {
  readonly operation: ParsedOperation;
  readonly variables: Readonly<Record<string, unknown>>;
  /** In fields, see operation-cost.ts. */
  readonly cost: number;
}

@Injectable()
export class OperationPipeline {
  /** Results that need not be executed again. */
  readonly introspection: IntrospectionResults;
  private readonly refusals: Counter<'code'>;
  private costs: OperationCosts | undefined;

  constructor(
    private readonly cache: DocumentCache,
    metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'introspection' | 'service'>,
  ) {
    this.introspection = new IntrospectionResults(metrics);
    this.refusals = metrics.counter(
      'operations_refused_total',
      'Operations refused before they ran, for their document, their variables or what they cost, by code.',
      'code',
    );
  }

  /** Whether the document is known to be valid: then it is neither parsed nor validated again. */
  knows(query: string): boolean {
    return this.cache.has(keyOf(query));
  }

  /** The operation to run, or every reason why not. Never throws. */
  prepare(schema: GraphQLSchema, request: OperationRequest, sender: Sender): ReadyOperation | readonly GraphQLError[] {
    const ready = this.prepared(schema, request, sender);
    if (isErrors(ready)) this.refusals.inc({ code: codeOf(ready[0]) });
    return ready;
  }

  private prepared(
    schema: GraphQLSchema,
    request: OperationRequest,
    sender: Sender,
  ): ReadyOperation | readonly GraphQLError[] {
    const missing = missingDocument(request);
    if (missing) return [missing];
    const verdict = this.verdictOn(schema, request.query, sender);
    if (!verdict) return [tooManyTokens(sender)];
    if (!(verdict instanceof ParsedDocument)) return verdict;
    const operationName = request.operationName || undefined;
    const operation = verdict.operation(operationName);
    if (!operation) return [unknownOperation(operationName)];
    const problem =
      shapeProblem(operation) ??
      (sender.via === 'socket' ? credentialProblem(operation) : undefined) ??
      (this.config.introspection ? undefined : introspectionProblem(operation, this.config.service));
    if (problem) return [problem];
    const variables = request.variables ?? {};
    const problems = variableProblems(schema, operation.definition, variables);
    if (problems.length > 0) return [new BadUserInputError(problems)];
    try {
      const { fields, introspectionBytes } = operation.costWith(variables);
      if (!sender.signedIn && introspectionBytes > MAX_ANONYMOUS_INTROSPECTION_BYTES) return [tooLarge()];
      return { operation, variables, cost: fields };
    } catch (error) {
      return [error instanceof GraphQLError ? error : new BadUserInputError([], 'The arguments cannot be read.')];
    }
  }

  /** There is one schema as long as the service runs. */
  private costsOf(schema: GraphQLSchema): OperationCosts {
    if (this.costs?.schema !== schema) this.costs = new OperationCosts(schema);
    return this.costs;
  }

  /** `undefined`: it has more tokens than the sender's documents may have. */
  private verdictOn(schema: GraphQLSchema, query: string, { signedIn }: Sender): DocumentVerdict | undefined {
    const maxTokens = signedIn ? MAX_TOKENS : MAX_ANONYMOUS_TOKENS;
    const key = keyOf(query);
    const known = this.cache.get(key, signedIn);
    if (known) return known instanceof ParsedDocument && known.tokens > maxTokens ? undefined : known;
    const verdict = checkDocument(this.costsOf(schema), query, maxTokens);
    if (verdict) this.cache.add(key, verdict, signedIn);
    return verdict;
  }
}

/** The code of the error. Errors of graphql-js about arguments have none before they are mapped. */
function codeOf(error: GraphQLError | undefined): string {
  const code = error?.extensions['code'];
  return typeof code === 'string' ? code : 'BAD_USER_INPUT';
}

export function isErrors(value: unknown): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

/** Credentials are accepted and returned over HTTP alone. */
function credentialProblem({ type, rootFields, schema }: ParsedOperation): GraphQLError | undefined {
  if (type !== 'mutation') return undefined;
  const known = schema.getMutationType()?.getFields();
  const credential = rootFields.find(({ name }) => isCredential(known?.[name.value]?.extensions));
  if (!credential) return undefined;
  const message = `"${credential.name.value}" is not accepted over a socket.`;
  return new GraphQLError(message, { nodes: credential, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
}

/** The schema describes itself where introspection is on. `__typename` is no introspection: clients add it everywhere. */
function introspectionProblem(
  { rootFields }: ParsedOperation,
  { introspectionHint }: Service,
): GraphQLError | undefined {
  const field = rootFields.find(({ name }) => name.value === '__schema' || name.value === '__type');
  if (!field) return undefined;
  const message = `Introspection is off here: "${field.name.value}" is not answered. ${introspectionHint}`;
  return new GraphQLError(message, { nodes: field, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
}

/** Without sign-in UNAUTHENTICATED, since the document may be allowed with it: a client whose token has expired then refreshes it. */
function tooManyTokens({ signedIn }: Sender): GraphQLError {
  if (!signedIn) {
    const message = `Sign in first: without that a document has at most ${MAX_ANONYMOUS_TOKENS} tokens.`;
    return new UnauthenticatedError(message);
  }
  return new GraphQLError(`A document has at most ${MAX_TOKENS} tokens.`, {
    extensions: { code: 'GRAPHQL_PARSE_FAILED' },
  });
}

function tooLarge(): GraphQLError {
  const most = `${MAX_ANONYMOUS_INTROSPECTION_BYTES / 1024} KiB`;
  return new UnauthenticatedError(`Sign in first: without that the answer about the schema has at most ${most}.`);
}

/** Over HTTP it is Apollo that refuses these, in the same words. */
function missingDocument({ query, extensions }: OperationRequest): BadUserInputError | undefined {
  if (extensions?.['persistedQuery']) return new BadUserInputError([], 'PersistedQueryNotSupported');
  if (query !== '') return undefined;
  const message = 'GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension.';
  return new BadUserInputError([], message);
}

function unknownOperation(name: string | undefined): GraphQLError {
  const message = name ? `Unknown operation named "${name.slice(0, 100)}".` : 'Name the operation to run.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}
