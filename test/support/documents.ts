// Random GraphQL selections over a real schema: fields, aliases, fragments, directives and variables below one field.
import * as fc from 'fast-check';
import { getNamedType, type GraphQLField, type GraphQLObjectType, isObjectType } from 'graphql';

type Condition =
  | ''
  | '@include(if: true)'
  | '@include(if: false)'
  | '@include(if: $on)'
  | '@skip(if: $off)'
  | '@skip(if: $on)';

interface Selection {
  readonly condition: Condition;
  /** Absent for a fragment. */
  readonly field?: string;
  readonly aliased?: boolean;
  /** Page size: a literal or a variable. */
  readonly first?: number | '$n' | undefined;
  readonly fragment?: { readonly on: string; readonly named: boolean };
  readonly selections: readonly Selection[];
}

export interface RandomDocument {
  /** The selection set `{ … }` of the field; append `fragments` after the operation. */
  readonly selection: string;
  readonly fragments: string;
  /** Definitions of the variables in use, such as `$n: Int = 2`. */
  readonly variables: readonly string[];
}

const VARIABLES = { $n: '$n: Int = 2', $on: '$on: Boolean!', $off: '$off: Boolean = false' };

const condition = fc.oneof(
  { arbitrary: fc.constant<Condition>(''), weight: 6 },
  {
    arbitrary: fc.constantFrom<Condition>(
      '@include(if: true)',
      '@include(if: false)',
      '@include(if: $on)',
      '@skip(if: $off)',
      '@skip(if: $on)',
    ),
    weight: 1,
  },
);

/** A leaf field without arguments. */
const leaf = (name: string): fc.Arbitrary<Selection> =>
  fc.record({ condition, field: fc.constant(name), aliased: fc.boolean(), selections: fc.constant([]) });

/** Random selections of `type`, up to `depth` levels deep. `weightOf`: relative frequency of a field (`Type.field`). */
export function documentsFrom(
  type: GraphQLObjectType,
  depth: number,
  weightOf: (name: string) => number,
): fc.Arbitrary<RandomDocument> {
  const known = new Map<string, fc.Arbitrary<readonly Selection[]>>();
  const selectionsOf = (of: GraphQLObjectType, left: number): fc.Arbitrary<readonly Selection[]> => {
    const key = `${of.name} ${left}`;
    const made = known.get(key) ?? fc.array(selectionOf(of, left), { minLength: 1, maxLength: left > 2 ? 4 : 3 });
    known.set(key, made);
    return made;
  };
  const selectionOf = (of: GraphQLObjectType, left: number): fc.Arbitrary<Selection> => {
    const fields = Object.values(of.getFields()).filter((field) => left > 0 || !isObjectType(getNamedType(field.type)));
    const weighted = fields.map((field) => ({
      arbitrary: fieldOf(field, left),
      weight: weightOf(`${of.name}.${field.name}`) * (isObjectType(getNamedType(field.type)) ? 3 : 1),
    }));
    if (left === 0) return fc.oneof(...weighted, { arbitrary: leaf('__typename'), weight: 1 });
    const fragment = fc.record({ on: fc.constant(of.name), named: fc.boolean() });
    const spread = fc.record({ condition, fragment, selections: selectionsOf(of, left - 1) });
    return fc.oneof(...weighted, { arbitrary: spread, weight: 2 });
  };
  const fieldOf = (
    { name, type: fieldType, args }: GraphQLField<unknown, unknown>,
    left: number,
  ): fc.Arbitrary<Selection> => {
    const named = getNamedType(fieldType);
    const isPage = args.some((argument) => argument.name === 'first');
    return fc.record({
      condition,
      field: fc.constant(name),
      aliased: fc.boolean(),
      first: isPage ? fc.constantFrom(1, 2, '$n' as const) : fc.constant(undefined),
      selections: isObjectType(named) ? selectionsOf(named, left - 1) : fc.constant([]),
    });
  };
  return selectionsOf(type, depth).map(print);
}

function print(selections: readonly Selection[]): RandomDocument {
  const used = new Set<string>();
  const fragments: string[] = [];
  let count = 0;
  const use = (text: string) => {
    for (const name of Object.keys(VARIABLES)) if (text.includes(name)) used.add(name);
    return text;
  };
  const block = (inner: readonly Selection[]): string => `{ ${inner.map(one).join(' ')} __typename }`;
  const one = (selection: Selection): string => {
    count += 1;
    const where = use(selection.condition);
    if (selection.fragment) {
      const { on, named } = selection.fragment;
      if (!named) return `... on ${on} ${where} ${block(selection.selections)}`;
      const name = `F${count}`;
      fragments.push(`fragment ${name} on ${on} ${block(selection.selections)}`);
      return `...${name} ${where}`;
    }
    // A unique alias: the same field with different arguments cannot be merged
    // (https://spec.graphql.org/October2021/#sec-Field-Selection-Merging).
    const alias = selection.aliased || selection.first ? `a${count}: ` : '';
    const args = selection.first ? use(`(first: ${selection.first})`) : '';
    const inner = selection.selections.length > 0 ? block(selection.selections) : '';
    return `${alias}${selection.field}${args} ${where} ${inner}`;
  };
  const selection = block(selections);
  return {
    selection,
    fragments: fragments.join(' '),
    variables: [...used].map((name) => VARIABLES[name as keyof typeof VARIABLES]),
  };
}
