// Everything known about a document and its operations, for HTTP and sockets alike. It holds as long as the schema, which never
// changes while the service runs.
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
} from 'graphql';
import { affordableCost } from './document-limits.js';
import type { NormalizedOperation } from './normalized-operation.js';
import type { OperationCost, OperationCosts } from './operation-cost.js';
import { type Fragments, fragmentsOf, rootFieldsOf } from './root-fields.js';

/** Bytes of heap that a document takes for each of its tokens, its normal forms for each, and all else. */
const BYTES_PER_TOKEN = 175;
const NORMALIZED_BYTES_PER_TOKEN = 92;
const DOCUMENT_BYTES = 1_000;

type Variables = Readonly<Record<string, unknown>>;

/** A valid document. */
export class ParsedDocument {
  readonly fragments: Fragments;
  private readonly operations: readonly ParsedOperation[];

  constructor(
    readonly costs: OperationCosts,
    readonly document: DocumentNode,
    /** Tokens of the text, comments not counted. */
    readonly tokens: number,
    /** Characters of the text, which positions refer to. */
    readonly length: number,
  ) {
    this.fragments = fragmentsOf(document);
    this.operations = document.definitions
      .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
      .map((definition) => new ParsedOperation(this, definition));
  }

  /** Estimated bytes of heap that it takes, with the normal forms of its subscriptions. */
  get bytes(): number {
    const subscribes = this.operations.some(({ type }) => type === 'subscription');
    const perToken = BYTES_PER_TOKEN + (subscribes ? NORMALIZED_BYTES_PER_TOKEN : 0);
    return DOCUMENT_BYTES + this.tokens * perToken + this.length * 2;
  }

  /** The operation of that name, or the only one; `undefined`: there is none, or several. */
  operation(name?: string | null): ParsedOperation | undefined {
    if (name) return this.operations.find(({ definition }) => definition.name?.value === name);
    return this.operations.length === 1 ? this.operations[0] : undefined;
  }
}

/** One operation of a valid document. */
export class ParsedOperation {
  readonly type: OperationTypeNode;
  /** Its root fields, including fields in fragments, one for each response name. */
  readonly rootFields: readonly FieldNode[];
  /** Set by NormalizedOperations. */
  normalized: NormalizedOperation | undefined;
  private constantCost: OperationCost | undefined;

  constructor(
    readonly source: ParsedDocument,
    readonly definition: OperationDefinitionNode,
  ) {
    this.type = definition.operation;
    this.rootFields = rootFieldsOf(definition, source.fragments);
  }

  get schema(): GraphQLSchema {
    return this.source.costs.schema;
  }

  /** The whole document that it is in. */
  get document(): DocumentNode {
    return this.source.document;
  }

  /** Tokens of that document. */
  get tokens(): number {
    return this.source.tokens;
  }

  get name(): string | undefined {
    return this.definition.name?.value;
  }

  /** Throws where it costs more than is allowed, or an argument is null that must not be. */
  costWith(variables: Variables): OperationCost {
    // A variable that is null can still stand where null must not be.
    if (this.constantCost && !Object.values(variables).includes(null)) return this.constantCost;
    const cost = affordableCost(this.source.costs, this.definition, this.source.fragments, variables);
    if (cost.constant) this.constantCost = cost;
    return cost;
  }
}
