// An operation that came over a socket, made ready: parsed, and checked by the rules that HTTP obeys.
import { Injectable } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { type DocumentNode, GraphQLError, parse, validate, type ValidationRule } from 'graphql';
import { LRUCache } from 'lru-cache';
import { MAX_TOKENS } from './document-limits.js';
import { isCredential } from '../field-rules.js';
import { documentError } from './document-error.js';
import { type CheckedOperation, checkOperation, isErrors } from './operation-check.js';

/** `payload` of a `subscribe` message. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

export interface PreparedOperation extends CheckedOperation {
  readonly document: DocumentNode;
}

/** Characters of the documents that are kept parsed. In memory a document takes up to some hundred times as much. */
const MAX_KEPT = 256 * 1024;

/** Credentials are given and taken over HTTP alone. */
const noCredentialsRule: ValidationRule = (context) => ({
  Field(node) {
    if (!isCredential(context.getFieldDef()?.extensions)) return;
    context.reportError(new GraphQLError(`"${node.name.value}" is not accepted over a socket.`, { nodes: node }));
  },
});

@Injectable()
export class OperationPreparer {
  private readonly documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_KEPT,
    sizeCalculation: (_, query) => query.length + 1,
  });

  constructor(private readonly host: GraphQLSchemaHost) {}

  /** The operation to run, or every reason why not. Never throws. */
  prepare(request: OperationRequest): PreparedOperation | readonly GraphQLError[] {
    const document = this.parse(request.query);
    if (isErrors(document)) return document;
    const { operationName, variables } = request;
    const checked = checkOperation(this.host.schema, { document, operationName, variables });
    if (isErrors(checked)) return checked;
    if (checked.operation.operation !== 'mutation') return { document, ...checked };
    const refused = validate(this.host.schema, document, [noCredentialsRule]);
    if (refused.length > 0) return refused.map((error) => documentError(error, 'GRAPHQL_VALIDATION_FAILED'));
    return { document, ...checked };
  }

  private parse(query: string): DocumentNode | readonly GraphQLError[] {
    const known = this.documents.get(query);
    if (known) return known;
    try {
      const document = parse(query, { maxTokens: MAX_TOKENS });
      this.documents.set(query, document);
      return document;
    } catch (error) {
      return [documentError(error, 'GRAPHQL_PARSE_FAILED')];
    }
  }
}
