// The normal form of one operation, which is equal for all subscribers that receive the same data. It leaves out arguments that only
// select which events are delivered, and the layout of the text.
import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  getOperationAST,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  print,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { type Classify, classifier } from '../../access/permission-class.js';
import { deliveryArgumentsOf } from '../../access/sharing.js';
import { dependenciesOf } from './selection-dependencies.js';
import { parseWithoutPositions } from './compact-parser.js';

/** How the result of an operation depends on its viewers. */
export interface ViewerDependencies {
  /** Why it is executed for each viewer; `undefined`: one execution serves a whole permission class. */
  readonly perViewer: string | undefined;
  /** The class of a viewer with these rights, for an event of this resource. */
  readonly classOf: Classify;
}

export interface NormalizedText {
  readonly text: string;
  /** Equal for equal texts. */
  readonly key: string;
  /** Variables that it still uses. */
  readonly variables: ReadonlySet<string>;
}

/** Bytes of heap that a document without positions takes for each of its tokens. */
const BYTES_PER_TOKEN = 92;
/** Combinations of conditions whose needs are kept; the needs of others are computed each time. */
const MAX_CACHED = 64;

/** `definition` of `document`, which must be valid, in its normal form. Pure. */
export function normalizeOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  definition: OperationDefinitionNode,
): NormalizedText {
  const own = separateOperations(document)[definition.name?.value ?? '']!;
  const undelivered = withoutDelivery(schema, own);
  const variables = variablesIn(undelivered);
  const text = print(
    visit(undelivered, {
      VariableDefinition: ({ variable }) => (variables.has(variable.name.value) ? false : null),
    }),
  );
  return { text, key: createHash('sha256').update(text).digest('base64url'), variables };
}

export class NormalizedOperation {
  readonly key: string;
  /** That operation with its fragments. It has no positions, so that errors are the same however the text was laid out. */
  readonly document: DocumentNode;
  /** Bytes of heap that the document takes: it has slices of its text. */
  readonly bytes: number;
  readonly definition: OperationDefinitionNode;
  readonly variables: ReadonlySet<string>;
  /** Variables of `@include` and `@skip`. */
  private readonly conditions: readonly string[];
  /** By the values of `conditions`. */
  private readonly dependencies = new Map<string, ViewerDependencies>();

  constructor(
    readonly schema: GraphQLSchema,
    { text, key, variables }: NormalizedText,
  ) {
    const { document, tokens } = parseWithoutPositions(text);
    this.key = key;
    this.document = document;
    this.bytes = tokens * BYTES_PER_TOKEN + text.length * 2;
    this.definition = getOperationAST(document)!;
    this.variables = variables;
    this.conditions = conditionsIn(document);
  }

  /** `coerced`: the values of its variables. */
  dependenciesWith(coerced: Readonly<Record<string, unknown>>): ViewerDependencies {
    const chosen = this.conditions.map((name) => (coerced[name] === true ? '1' : '0')).join('');
    const known = this.dependencies.get(chosen);
    if (known) return known;
    const { perViewer, rules, values } = dependenciesOf(this.schema, this.document, this.definition, coerced);
    const found = { perViewer, classOf: classifier(rules, values) };
    if (this.dependencies.size < MAX_CACHED) this.dependencies.set(chosen, found);
    return found;
  }
}

function withoutDelivery(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const types = new TypeInfo(schema);
  return visit(
    document,
    visitWithTypeInfo(types, {
      Argument: ({ name }) =>
        deliveryArgumentsOf(types.getFieldDef()?.extensions).includes(name.value) ? null : undefined,
    }),
  );
}

function variablesIn(document: DocumentNode): Set<string> {
  const found = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void found.add(name.value),
  });
  return found;
}

function conditionsIn(document: DocumentNode): string[] {
  const found = new Set<string>();
  visit(document, {
    Directive: ({ name, arguments: args }) => {
      if (name.value !== 'include' && name.value !== 'skip') return;
      for (const { value } of args ?? []) if (value.kind === Kind.VARIABLE) found.add(value.name.value);
    },
  });
  return [...found];
}
