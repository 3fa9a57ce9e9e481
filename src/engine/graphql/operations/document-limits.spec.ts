import {
  GraphQLInt,
  GraphQLList,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getIntrospectionQuery,
  parse,
  validate,
} from 'graphql';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { parsedOperation } from '../../../../test/support/parsed-operations.js';
import {
  affordableCost,
  credentialAloneRule,
  MAX_DEPTH,
  subscriptionRootProblem,
  VALIDATION_RULES,
} from './document-limits.js';
import { OperationCosts } from './operation-cost.js';

const Node: GraphQLObjectType = new GraphQLObjectType({
  name: 'Node',
  fields: () => ({
    name: { type: GraphQLString },
    text: { type: GraphQLString, extensions: { longestText: 20_000 } },
    secret: { type: GraphQLString, extensions: { 'policy:a': { directive: { name: 'a' } } } },
    friends: { type: new GraphQLList(Node) },
    crowd: { type: new GraphQLList(Node), extensions: { countedAs: 100 } },
    next: { type: Node },
    list: { type: new GraphQLList(Node), args: { first: { type: GraphQLInt }, last: { type: GraphQLInt } } },
  }),
});
const login = { type: GraphQLString, extensions: { credential: true } };
const schema = new GraphQLSchema({
  query: Node,
  mutation: new GraphQLObjectType({
    name: 'Mutation',
    fields: { login, register: login, other: { type: GraphQLString } },
  }),
  subscription: new GraphQLObjectType({ name: 'Subscription', fields: { events: { type: Node } } }),
});

const costs = new OperationCosts(schema);

const refused = (source: string) =>
  validate(schema, parse(source), [credentialAloneRule]).map(({ message }) => message);
const cost =
  (source: string, variables = {}, name?: string) =>
  () => {
    const { definition, source: document } = parsedOperation(schema, source, name);
    return affordableCost(costs, definition, document.fragments, variables).fields;
  };
/** Fragments that spread each other so often. */
const spreading = (size: number) => {
  const spreads = '...A '.repeat(size);
  return `mutation { ${spreads} login other } fragment A on Mutation { ${spreads.replaceAll('A', 'B')} } fragment B on Mutation { ${spreads} }`;
};
const bodies = (count: number) => Array.from({ length: count }, (_, n) => `a${n}: text`).join(' ');
const complaintsAbout = (source: string) =>
  validate(schema, parse(source), VALIDATION_RULES).map(({ message }) => message);
const doubling = (levels: number, below: (at: number) => string) =>
  `{ ...F0 } ${Array.from({ length: levels }, (_, at) => `fragment F${at} on Node { ${below(at + 1)} }`).join(' ')}
    fragment F${levels} on Node { name }`;
const deep = (levels: number) => `{ ${'next { '.repeat(levels - 1)} name ${'} '.repeat(levels - 1)} }`;

describe('a credential mutation', () => {
  it.each([
    'mutation { login }',
    'mutation { a: login }',
    'mutation { ...A } fragment A on Mutation { login }',
    'mutation { other b: other }',
    '{ name next { name } }',
  ])('is accepted alone, and others repeatedly: %s', (source) => expect(refused(source)).toEqual([]));

  it.each([
    'mutation { login other }',
    'mutation { other login }',
    'mutation { a: login b: login }',
    'mutation { login register }',
    'mutation { login __typename }',
    'mutation { ... { login } other }',
    'mutation { ... on Mutation { login } ...A } fragment A on Mutation { other }',
    'mutation { ...A ...B } fragment A on Mutation { ...C } fragment B on Mutation { other } fragment C on Mutation { login }',
    'mutation { other @skip(if: true) login }',
  ])('is refused beside another one: %s', (source) => {
    expect(refused(source)).toEqual([
      expect.stringMatching(/^"(login|register)" must be the only field of its operation\.$/),
    ]);
  });

  it('is found in linear time in fragments that spread each other a thousand times', async () => {
    expect(refused(spreading(1_000))).toHaveLength(1);
    expect(await growth(1_000, spreading, refused)).toBeLessThan(LINEAR);
  });
});

describe('an alias', () => {
  it('has at most 100 characters, since every entry of a list repeats it', () => {
    expect(complaintsAbout(`{ ${'a'.repeat(100)}: name }`)).toEqual([]);
    expect(complaintsAbout(`{ list { ${'a'.repeat(101)}: name } }`)).toEqual(['An alias has at most 100 characters.']);
  });
});

describe('the root of a subscription', () => {
  it.each([
    'subscription { events @skip(if: true) { name } }',
    'subscription ($x: Boolean!) { events @include(if: $x) { name } }',
    'subscription { ... @skip(if: true) { events { name } } }',
    'subscription { ...A @skip(if: true) } fragment A on Subscription { events { name } }',
    'subscription { ...A } fragment A on Subscription { ...B } fragment B on Subscription { events @skip(if: true) { name } }',
    'query Q { name } subscription S { events @skip(if: true) { name } }',
  ])('is refused with conditions: %s', (source) => {
    expect(subscriptionRootProblem(parse(source))?.message).toMatch(/^@skip and @include cannot be used/);
  });

  it.each([
    'subscription { events { name @skip(if: true) ...A } } fragment A on Node { next @include(if: true) { name } }',
    '{ name @skip(if: true) }',
    'subscription { ...A } fragment A on Subscription { ...A }',
    'subscription { ...Missing }',
  ])('is accepted without conditions on root fields: %s', (source) => {
    expect(subscriptionRootProblem(parse(source))).toBeUndefined();
  });
});

describe('the cost', () => {
  it('counts the depth of fields, through fragments too', () => {
    expect(cost(deep(MAX_DEPTH))).not.toThrow();
    expect(cost(deep(MAX_DEPTH + 1))).toThrow('Its fields lie 21 deep in each other; 20 are allowed.');
    const fragments = Array.from(
      { length: 30 },
      (_, i) => `fragment F${i} on Node { next { ... { ...F${i + 1} } } }`,
    ).join(' ');
    expect(cost(`{ ...F0 } ${fragments} fragment F30 on Node { name }`)).toThrow('Its fields lie 31 deep');
  });

  it('counts lists by the requested size, 20 by default', () => {
    expect(cost('{ list(first: 100) { list(first: 100) { name } } }')).not.toThrow();
    expect(cost('{ list(first: 100) { list(first: 100) { list(first: 2) { name } } } }')).toThrow(
      'This could resolve 30101 fields; 20000 are allowed.',
    );
    expect(cost('{ list(last: 100) { list { list { name } } } }')).toThrow(/could resolve/);
    expect(
      cost('query ($n: Int) { list(first: $n) { list(first: $n) { list(first: $n) { name } } } }', { n: 100 }),
    ).toThrow(/could resolve/);
    expect(
      cost('query ($n: Int) { list(first: $n) { list(first: $n) { list(first: $n) { name } } } }', { n: 5 }),
    ).not.toThrow();
  });

  it('counts a long text as a field for every 400 characters that it may have', () => {
    expect(cost('{ list(first: 100) { text } }')()).toBe(1 + 100 * 51);
    expect(cost(`{ ${bodies(392)} }`)).not.toThrow();
    expect(cost(`{ ${bodies(393)} }`)).toThrow('This could resolve 20043 fields; 20000 are allowed.');
    expect(cost(`{ list(first: 4) { ${bodies(99)} } }`)).toThrow(/could resolve/);
  });

  it('of an event has a lower bound, since it is executed repeatedly', () => {
    expect(cost(`subscription { events { ${bodies(98)} } }`)()).toBe(4_999);
    expect(cost(`subscription { events { ${bodies(99)} } }`)).toThrow('5000 are allowed');
  });

  it('counts errors of denied fields, and lists without a size argument', () => {
    expect(cost('{ secret }')()).toBe(3);
    expect(cost('{ friends { name } }')()).toBe(21);
    expect(cost('{ crowd { name } }')()).toBe(101);
    expect(cost('{ friends { friends { friends { name } } } }')).not.toThrow();
    expect(cost('{ friends { friends { friends { a: name b: name c: name } } } }')).toThrow(/could resolve/);
  });

  it('allows one complete introspection', () => {
    const whole = getIntrospectionQuery({ descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true });
    expect(cost(whole)).not.toThrow();
    const names = Array.from({ length: 400 }, (_, n) => `a${n}: description`).join(' ');
    expect(cost(`{ __schema { types { fields { ${names} } } } }`)).toThrow(/could resolve/);
  });

  it('cannot be lowered by invalid sizes', () => {
    expect(
      cost('{ list(first: -100) { list(first: 100) { list(first: 100) { list(first: 100) { name } } } } }'),
    ).toThrow(/could resolve/);
    expect(cost('{ list(first: 0) { list(first: 100) { list(first: 100) { list(first: 100) { name } } } } }')).toThrow(
      /could resolve/,
    );
  });

  it('is that of the executed operation, not of others in the document', () => {
    const source = `query Cheap { name } query Dear { list(first: 100) { list(first: 100) { list(first: 100) { name } } } }`;
    expect(cost(source, {}, 'Cheap')).not.toThrow();
    expect(cost(source, {}, 'Dear')).toThrow(/could resolve/);
  });

  it('visits each fragment once, however many fields nested fragments select', () => {
    expect(cost(doubling(18, (at) => `a: next { ...F${at} } b: next { ...F${at} }`))).toThrow(
      'This could resolve 786430 fields; 20000 are allowed.',
    );
    expect(cost(doubling(1_500, (at) => `...F${at} ...F${at}`))).toThrow('more fields than can be counted');
  });
});
