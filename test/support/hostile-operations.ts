// Random operations of an attacker with leaked ids, keys and cursors: any root field, with arguments from the leaked
// values and a random selection.
import * as fc from 'fast-check';
import {
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  OperationTypeNode,
} from 'graphql';
import { documentsFrom } from './documents.js';

export interface HostileOperation {
  readonly kind: OperationTypeNode;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** The leaked values, used as arguments. */
export interface ResponseSize {
  readonly ids: readonly string[];
  /** Keys, cursors and names, for all other string arguments. */
  readonly texts: readonly string[];
}

/** Operations over `schema`, excluding the root fields in `spared`. */
export function hostileOperations(
  schema: GraphQLSchema,
  loot: ResponseSize,
  spared: ReadonlySet<string>,
): fc.Arbitrary<HostileOperation> {
  const roots = Object.values(OperationTypeNode).flatMap((kind) =>
    Object.values(schema.getRootType(kind)?.getFields() ?? {})
      .filter(({ name }) => !spared.has(name))
      .map((field) => ({ kind, field })),
  );
  return fc.constantFrom(...roots).chain(({ kind, field }) => operationOf(kind, field, loot));
}

function operationOf(
  kind: OperationTypeNode,
  field: GraphQLField<unknown, unknown>,
  loot: ResponseSize,
): fc.Arbitrary<HostileOperation> {
  const below = isObjectType(getNamedType(field.type))
    ? documentsFrom(getNamedType(field.type) as GraphQLObjectType, 4, () => 1)
    : fc.constant({ selection: '', fragments: '', variables: [] });
  const args = fc.record(Object.fromEntries(field.args.map(({ name, type }) => [`${name}_`, valueOf(type, loot)])));
  return fc
    .record({ below, args, on: fc.boolean() })
    .map(({ below: { selection, fragments, variables }, args: given, on }) => {
      const definitions = [...field.args.map(({ name, type }) => `$${name}_: ${String(type)}`), ...variables].join(
        ', ',
      );
      const call = field.args.map(({ name }) => `${name}: $${name}_`).join(', ');
      const head = `${kind} Hostile${definitions && `(${definitions})`}`;
      return {
        kind,
        query: `${head} { ${field.name}${call && `(${call})`} ${selection} } ${fragments}`,
        variables: { ...given, ...(definitions.includes('$on') ? { on } : {}) },
      };
    });
}

function valueOf(type: GraphQLInputType, loot: ResponseSize): fc.Arbitrary<unknown> {
  const value = knownValueOf(getNullableType(type), loot);
  return isNonNullType(type) ? value : fc.option(value, { nil: undefined, freq: 1 });
}

function knownValueOf(type: GraphQLInputType, loot: ResponseSize): fc.Arbitrary<unknown> {
  if (isListType(type)) return fc.array(valueOf(type.ofType, loot), { maxLength: 2 });
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).map((field) => [field.name, valueOf(field.type, loot)]);
    return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>);
  }
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  switch (String(type)) {
    case 'ID':
      return fc.constantFrom(...loot.ids);
    case 'Int':
      return fc.constantFrom(1, 2, 100);
    case 'Float':
      return fc.constant(1);
    case 'Boolean':
      return fc.boolean();
    case 'DateTime':
      return fc.constant('2020-01-01T00:00:00Z');
    default:
      return fc.constantFrom(...loot.texts);
  }
}
