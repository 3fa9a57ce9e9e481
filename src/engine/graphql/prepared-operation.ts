// An operation that came over a socket, made ready: parsed, validated, limited, by the rules that HTTP obeys.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  type DocumentNode,
  GraphQLError,
  type OperationDefinitionNode,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { BadUserInputError } from '../errors/service-error.js';
import { assertAffordable, MAX_TOKENS, subscriptionRootProblem, VALIDATION_RULES } from './document-limits.js';

/** `payload` of a `subscribe` message. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

export interface PreparedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** How many bad variables are named at once. */
const MAX_ERRORS = { maxErrors: 20 };

type Checked = DocumentNode | readonly GraphQLError[];

@Injectable()
export class OperationPreparer {
  private readonly documents = new LRUCache<string, { checked: Checked }>({ max: 1_000 });
  private readonly rules = [...specifiedRules, ...VALIDATION_RULES];

  constructor(private readonly host: GraphQLSchemaHost) {}

  /** The operation to run, or every reason why not. Never throws. */
  prepare(request: OperationRequest): PreparedOperation | readonly GraphQLError[] {
    const checked = this.check(request.query);
    if (isErrors(checked)) return checked;
    const operation = getOperationAST(checked, request.operationName);
    if (!operation) return [unknownOperation(request.operationName)];
    const { schema } = this.host;
    const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], request.variables ?? {}, MAX_ERRORS);
    if (errors) return errors;
    try {
      assertAffordable(schema, checked, request.operationName ?? undefined, request.variables ?? {});
    } catch (error) {
      return [error instanceof GraphQLError ? error : new BadUserInputError([], 'The arguments cannot be read.')];
    }
    return { document: checked, operation };
  }

  private check(query: string): Checked {
    const known = this.documents.get(query);
    if (known) return known.checked;
    const checked = this.parseAndValidate(query);
    this.documents.set(query, { checked });
    return checked;
  }

  private parseAndValidate(query: string): Checked {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MAX_TOKENS });
    } catch (error) {
      return [withCode(error, 'GRAPHQL_PARSE_FAILED')];
    }
    const problem = subscriptionRootProblem(document);
    if (problem) return [problem];
    try {
      const errors = validate(this.host.schema, document, this.rules);
      return errors.length > 0 ? errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) : document;
    } catch (error) {
      return [withCode(error, 'GRAPHQL_VALIDATION_FAILED')];
    }
  }
}

export function isErrors(value: unknown): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

function unknownOperation(name: string | null | undefined): GraphQLError {
  const message = name ? `Unknown operation named "${name.slice(0, 100)}".` : 'Name the operation to run.';
  return new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } });
}

function withCode(error: unknown, code: string): GraphQLError {
  const cause = error instanceof GraphQLError ? error : new GraphQLError('The document cannot be read.');
  return new GraphQLError(cause.message, {
    nodes: cause.nodes,
    source: cause.source,
    positions: cause.positions,
    extensions: { code },
  });
}
