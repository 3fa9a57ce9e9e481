// The size of introspection results, counted from the schema for any selection. All objects of one introspection type are counted
// together, so that each selection is visited once.
import {
  type FieldNode,
  getNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import type { Fragments } from './root-fields.js';

/** Fields, and bytes of JSON. */
export interface ResultSize {
  readonly fields: number;
  readonly bytes: number;
}

/** `"":,` around a name and its value, and `{},` around an object. */
const NAME_BYTES = 4;
const OBJECT_BYTES = 3;

/** The result of a field of an introspection type, for each object of that type by its number. */
interface FieldResults {
  readonly bytes: number[];
  /** The objects that it leads to; empty for texts. */
  readonly objects: (readonly number[])[];
  readonly type: string;
}

/** All objects of one introspection type. */
class ObjectsOfType {
  readonly numbers = new Map<object, number>();
  readonly results = new Map<string, FieldResults>();

  constructor(readonly type: GraphQLObjectType) {}
}

export class IntrospectionSize {
  private readonly byType = new Map<string, ObjectsOfType>();
  private readonly pending: (readonly [ObjectsOfType, object])[] = [];

  constructor(private readonly schema: GraphQLSchema) {
    const root = schema.getType('__Schema');
    if (isObjectType(root)) this.numberOf(root, schema);
    for (let next = this.pending.shift(); next; next = this.pending.shift()) this.measure(...next);
  }

  /** The size of the field `__schema` or `__type`. A field that is selected twice counts twice. */
  of(node: FieldNode, fragments: Fragments, variables: Readonly<Record<string, unknown>>): ResultSize {
    const key = (node.alias ?? node.name).value.length + NAME_BYTES;
    const type = node.name.value === '__schema' ? '__Schema' : '__Type';
    const [argument] = node.arguments ?? [];
    const name = argument && valueFromASTUntyped(argument.value, variables);
    const object = type === '__Schema' ? this.schema : this.schema.getType(String(name));
    const number = object && this.byType.get(type)?.numbers.get(object);
    if (number === undefined || !node.selectionSet) return { fields: 1, bytes: key + 4 };
    const { fields, bytes } = new Selection(this.byType, fragments).of(node.selectionSet, type);
    return { fields: 1 + fields[number]!, bytes: key + OBJECT_BYTES + bytes[number]! };
  }

  private numberOf(type: GraphQLObjectType, object: object): number {
    const kindred = this.byType.get(type.name) ?? new ObjectsOfType(type);
    this.byType.set(type.name, kindred);
    const known = kindred.numbers.get(object);
    if (known !== undefined) return known;
    const number = kindred.numbers.size;
    kindred.numbers.set(object, number);
    this.pending.push([kindred, object]);
    return number;
  }

  /** Objects of a type are answered in the order of their numbers. */
  private measure({ type, results }: ObjectsOfType, object: object): void {
    for (const field of Object.values(type.getFields())) {
      const named = getNamedType(field.type);
      const info = { schema: this.schema } as GraphQLResolveInfo;
      const value: unknown = field.resolve?.(object, { includeDeprecated: true }, undefined, info);
      const of = results.get(field.name) ?? { bytes: [], objects: [], type: named.name };
      results.set(field.name, of);
      const below = isObjectType(named) ? [value].flat().filter((one) => typeof one === 'object' && one !== null) : [];
      of.objects.push(isObjectType(named) ? below.map((one) => this.numberOf(named, one)) : []);
      of.bytes.push(below.length > 0 ? OBJECT_BYTES : Buffer.byteLength(JSON.stringify(value) ?? 'null'));
    }
  }
}

/** For each object of a type by its number. */
interface Counts {
  readonly fields: Float64Array;
  readonly bytes: Float64Array;
}

class Selection {
  private readonly byFragment = new Map<string, Counts>();

  constructor(
    private readonly byType: ReadonlyMap<string, ObjectsOfType>,
    private readonly fragments: Fragments,
  ) {}

  of({ selections }: SelectionSetNode, type: string): Counts {
    const kindred = this.byType.get(type);
    const size = kindred?.numbers.size ?? 0;
    const counts = { fields: new Float64Array(size), bytes: new Float64Array(size) };
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) this.add(counts, selection, kindred);
      else {
        const part =
          selection.kind === Kind.INLINE_FRAGMENT
            ? this.of(selection.selectionSet, type)
            : this.ofFragment(selection.name.value, type);
        for (let at = 0; at < size; at += 1) {
          counts.fields[at]! += part.fields[at]!;
          counts.bytes[at]! += part.bytes[at]!;
        }
      }
    }
    return counts;
  }

  private ofFragment(name: string, type: string): Counts {
    const known = this.byFragment.get(name) ?? this.of(this.fragments(name)!.selectionSet, type);
    this.byFragment.set(name, known);
    return known;
  }

  private add(
    { fields, bytes }: Counts,
    { name, alias, selectionSet }: FieldNode,
    kindred: ObjectsOfType | undefined,
  ): void {
    const key = (alias ?? name).value.length + NAME_BYTES;
    const results = kindred?.results.get(name.value);
    const below = results && selectionSet && this.of(selectionSet, results.type);
    for (let at = 0; at < fields.length; at += 1) {
      fields[at]! += 1;
      // `__typename` has no results: it is the name of one of these types.
      bytes[at]! += key + (results?.bytes[at] ?? 20);
      for (const number of (below && results.objects[at]) ?? []) {
        fields[at]! += below!.fields[number]!;
        bytes[at]! += OBJECT_BYTES + below!.bytes[number]!;
      }
    }
  }
}
