// The verdict of the rule is that of graphql-js on any document, and costs no more the more fields there are.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import {
  buildSchema,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  OverlappingFieldsCanBeMergedRule,
  parse,
  validate,
} from 'graphql';
import { isLong } from '../../../../test/support/extent.js';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { overlappingFieldsRule } from './overlapping-fields.rule.js';

const ANIMALS = buildSchema(`
  interface Being { name: String  friend: Being  size(unit: Unit, around: [Int]): Int }
  interface Pet implements Being { name: String  friend: Being  size(unit: Unit, around: [Int]): Int  owner: Human! }
  enum Unit { CM INCH }
  type Dog implements Pet & Being {
    name: String  friend: Dog  size(unit: Unit, around: [Int]): Int  owner: Human!  tricks: [String!]  age: Int!  any: Any
  }
  type Cat implements Pet & Being {
    name: String  friend: Cat  size(unit: Unit, around: [Int]): Int  owner: Human!  tricks: [String]  age: Int  any: [Any!]
  }
  type Human implements Being {
    name: String  friend: Being  size(unit: Unit, around: [Int]): Int  pets: [Pet!]!  any: Any  age: String
  }
  union Any = Dog | Cat | Human
  type Query { being: Being  pet: Pet  any: Any  dog: Dog  cat: Cat  human(name: String): Human  pets: [Pet] }`);
const OURS = buildSchema(readFileSync('schema.gql', 'utf8'));

const VALUES = ['1', '2', '"a"', 'CM', '[1, 2]', '{a: 1, b: 2}', '{b: 2, a: 1}', '$v', 'null'];

type Pick = <T>(from: readonly T[]) => T;

/** Picks by lot, the same for the same seed (mulberry32). */
function picking(seed: number): Pick {
  let state = seed;
  return (from) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from[((mixed ^ (mixed >>> 14)) >>> 0) % from.length]!;
  };
}

/** Draws a document: nothing about it is valid but its syntax, and that fragments spread only later ones. */
class Draw {
  private readonly fragments: string[];

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly pick: Pick,
  ) {
    const composite = Object.values(schema.getTypeMap()).filter((type) => isCompositeType(type));
    const types = [1, 2, 3].map(() => pick(composite.filter(({ name }) => !name.startsWith('__'))));
    this.fragments = types.map(({ name }) => name);
  }

  document(): string {
    const root = this.schema.getQueryType()!;
    const operations = this.pick([1, 1, 1, 2]);
    const texts = Array.from({ length: operations }, (_, at) => `query Q${at} ${this.set(root, 3, 0)}`);
    const fragments = this.fragments.map((name, at) => {
      const type = this.schema.getType(name)!;
      return `fragment F${at} on ${name} ${this.set(type, 2, at + 1)}`;
    });
    return [...texts, ...fragments].join('\n');
  }

  private set(type: GraphQLNamedType, depth: number, fromFragment: number): string {
    const count = this.pick([1, 1, 2, 2, 3, 4]);
    return `{ ${Array.from({ length: count }, () => this.selection(type, depth, fromFragment)).join(' ')} }`;
  }

  private selection(type: GraphQLNamedType, depth: number, fromFragment: number): string {
    const kind = this.pick(['field', 'field', 'field', 'field', 'inline', 'spread']);
    if (kind === 'spread' && fromFragment < this.fragments.length) {
      return `...F${this.pick(this.fragments.map((_, at) => at).slice(fromFragment))}`;
    }
    if (kind === 'inline' && depth > 0) {
      const possible = isAbstractType(type) ? [...this.schema.getPossibleTypes(type)] : [];
      const on = this.pick([undefined, type, ...possible, ...possible]);
      return `... ${on ? `on ${on.name} ` : ''}${this.set(on ?? type, depth - 1, fromFragment)}`;
    }
    return this.field(type, depth, fromFragment);
  }

  private field(type: GraphQLNamedType, depth: number, fromFragment: number): string {
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()).slice(0, 12) : [];
    const usable = fields.filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)));
    const field = this.pick([...usable, ...usable, undefined]);
    const alias = this.pick([...Array<string>(24).fill(''), 'a: ', 'b: ', 'name: ']);
    if (!field) return `${alias}${this.pick(['__typename', '__typename', 'unknown'])}`;
    const named = getNamedType(field.type);
    const args = field.args.slice(0, 2).map(({ name }) => `${name}: ${this.pick(VALUES.slice(0, 4))}`);
    const given = args.length > 0 && this.pick([true, false]) ? `(${this.ordered(args).join(', ')})` : '';
    const below = isCompositeType(named) ? ` ${this.set(named, depth - 1, fromFragment)}` : '';
    return `${alias}${field.name}${given}${below}`;
  }

  private ordered<T>(all: readonly T[]): readonly T[] {
    return this.pick([true, false]) ? all : all.toReversed();
  }
}

describe.each([
  ['a schema of interfaces and unions', ANIMALS],
  ['the schema of Tidings', OURS],
])('over %s', (_name, schema) => {
  it('random documents are refused exactly if graphql-js refuses them', () => {
    let conflicts = 0;
    const numRuns = isLong ? 60_000 : 3_000;
    const property = fc.property(fc.nat(), (seed) => {
      const text = new Draw(schema, picking(seed)).document();
      const document = parse(text);
      const expected = validate(schema, document, [OverlappingFieldsCanBeMergedRule]).length > 0;
      if (expected) conflicts += 1;
      const found = validate(schema, document, [overlappingFieldsRule]).map(({ message }) => message);
      if (found.length > 0 !== expected) throw new Error(`${expected ? 'a conflict' : found.join()} in\n${text}`);
    });
    fc.assert(property, { numRuns, seed: 16, endOnFailure: true });
    expect(conflicts).toBeGreaterThan(numRuns / 5);
    expect(conflicts).toBeLessThan(numRuns * 0.9);
  });
});

const complaints = (text: string, schema = ANIMALS) =>
  validate(schema, parse(text), [overlappingFieldsRule]).map(({ message }) => message);

describe('a conflict', () => {
  it('names the fields and what to do', () => {
    expect(complaints('{ dog { a: name a: age } }')).toEqual([
      'Fields "a" conflict because "name" and "age" are different fields. Use different aliases on the fields to fetch both if this was intentional.',
    ]);
    expect(complaints('{ being { ... on Dog { age } ... on Cat { age } } }')).toEqual([
      expect.stringContaining('Fields "age" conflict because they return conflicting types "Int!" and "Int"'),
    ]);
    expect(complaints('{ human(name: "a") { name } human(name: "b") { name } }')).toEqual([
      expect.stringContaining('Fields "human" conflict because they have differing arguments'),
    ]);
  });

  it('is found below merged fields', () => {
    expect(complaints('{ dog { friend { a: name } } dog { friend { a: age } } }')).toHaveLength(1);
    expect(complaints('{ pet { ... on Dog { friend { a: name } } ... on Cat { friend { a: name } } } }')).toEqual([]);
  });

  it('ignores fragment cycles, which another rule refuses', () => {
    expect(complaints('{ dog { ...A } } fragment A on Dog { friend { ...A } }')).toEqual([]);
  });
});

it('refuses a field that is selected a thousand times in one place', () => {
  expect(complaints(`{ dog { ${'name '.repeat(500)} } }`)).toEqual([]);
  expect(complaints(`{ dog { ${'name '.repeat(501)} } }`)).toEqual([
    '"name" is selected 501 times in one place; 500 are allowed.',
  ]);
});

const chain = (size: number, below: (at: number) => string) =>
  Array.from({ length: size }, (_, at) => `fragment F${at} on Dog { ${below(at + 1)} }`).join(' ');
const both = (at: number) => `a: friend { ...F${at} ...G${at} } b: friend { ...F${at} ...G${at} }`;

describe('the cost of the check', () => {
  it.each<[string, (size: number) => string]>([
    ['aliases', (size) => `{ dog { ${Array.from({ length: size }, (_, at) => `a${at}: name`).join(' ')} } }`],
    [
      'the same field',
      (size) => `{ dog { ${Array.from({ length: size / 100 }, () => 'name '.repeat(100)).join('} dog {')} } }`,
    ],
    [
      'fields below each other',
      (size) => `{ dog { ${'friend { '.repeat(size / 50)} name ${'} '.repeat(size / 50)} } }`,
    ],
    [
      'fragments, each spread twice',
      (size) =>
        `{ dog { ...F0 } } ${chain(size / 50, (at) => `friend { ...F${at} } friend { ...F${at} }`)} fragment F${size / 50} on Dog { name }`,
    ],
    [
      'fragments, each spread under two names',
      (size) =>
        `{ dog { ...F0 } } ${chain(size / 50, (at) => `a: friend { ...F${at} } b: friend { ...F${at} }`)} fragment F${size / 50} on Dog { name }`,
    ],
  ])('is linear in the document: %s', async (_what, textOf) => {
    expect(
      await growth(
        4_000,
        (size) => parse(textOf(size)),
        (document) => validate(ANIMALS, document, [overlappingFieldsRule]),
      ),
    ).toBeLessThan(LINEAR);
  });

  it('is bounded for merged fragments', () => {
    const twice = Array.from(
      { length: 30 },
      (_, at) =>
        `fragment F${at} on Dog { ${both(at + 1)} } fragment G${at} on Dog { ${both(at + 1)} a: friend { name } }`,
    ).join(' ');
    const text = `{ dog { ...F0 ...G0 } } ${twice} fragment F30 on Dog { name } fragment G30 on Dog { age }`;
    expect(() => complaints(text)).toThrow('Its fragments select more than can be checked.');
  });
});
