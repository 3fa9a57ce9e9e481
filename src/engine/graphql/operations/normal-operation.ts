// One operation of a document in its normal form: what everyone who is shown the same things has in common. What merely
// says which events are delivered is left out, and so is how the text was laid out.
import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  parse,
  print,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { deliveryArgumentsOf } from '../../access/sharing.js';

export interface NormalOperation {
  /** That operation with its fragments. It has no locations, so that errors are the same however the text was laid out. */
  readonly document: DocumentNode;
  /** Short text that is equal for equal documents. */
  readonly key: string;
  /** Variables that it still uses. */
  readonly variables: ReadonlySet<string>;
}

/** The normal form of `operation`, which must be valid. Pure. */
export function normalOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): NormalOperation {
  const own = separateOperations(document)[operation.name?.value ?? '']!;
  const undelivered = withoutDelivery(schema, own);
  const variables = variablesIn(undelivered);
  const text = print(
    visit(undelivered, {
      VariableDefinition: ({ variable }) => (variables.has(variable.name.value) ? false : null),
    }),
  );
  return {
    document: parse(text, { noLocation: true }),
    key: createHash('sha256').update(text).digest('base64url'),
    variables,
  };
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
