// What a client receives of a document that cannot be run: bounded, and without the values that were in it.
import * as fc from 'fast-check';
import { buildSchema, GraphQLError } from 'graphql';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { checkDocument } from './document-check.js';
import { OperationCosts } from './operation-cost.js';
import { documentError, MAX_DOCUMENT_ERRORS } from './document-error.js';

const schema = buildSchema(`
  enum Health { ON_TRACK AT_RISK }
  input Part { name: String!, health: Health, size: Int, parts: [Part!] }
  type Query { a(i: Int, f: Float, s: [String!], b: Boolean, id: ID!, part: Part): Int, b(part: Part!): Query }
  type Mutation { a: Int } type Subscription { a: Int }`);

const costs = new OperationCosts(schema);

function errorsOf(text: string): readonly GraphQLError[] {
  const verdict = checkDocument(costs, text, 4_000);
  return Array.isArray(verdict) ? verdict : [];
}
const messages = (text: string) => errorsOf(text).map(({ message }) => message);

it.each([
  ['{ a(id: 5, i: "s3cret") }', ['Expected a value of type "Int".']],
  ['{ a(id: 5, s: {s3cret: 1}) }', ['Expected a value of type "[String!]".']],
  ['{ a(id: null) }', ['Expected a value of type "ID!".']],
  ['{ a(id: 5, part: {name: "x", health: "s3cret"}) }', ['Expected a value of type "Health".']],
  ['{ a(id: 5, part: {name: "x", health: GOOD}) }', ['Expected a value of type "Health".']],
  ['{ a(id: 5, part: "s3cret") }', ['Expected a value of type "Part".']],
  ['{ a(id: 5, part: {}) }', ['Field "Part.name" of required type "String!" was not provided.']],
  [
    '{ a(id: 5, part: {name: "x", nme: "s3cret"}) }',
    ['Field "nme" is not defined by type "Part". Did you mean "name"?'],
  ],
  ['query ($i: Int = "s3cret") { a(id: 5, i: $i) }', ['Expected a value of type "Int".']],
  ['{ a(id: 5, s: ["x", 53535353]) }', ['Expected a value of type "String!".']],
  ['{ c }', ['Cannot query field "c" on type "Query". Did you mean "a" or "b"?']],
])('documentError names the expected type of a literal: %s', (text, expected) => {
  expect(messages(text)).toEqual(expected);
});

it('documentError repeats no value, whatever is wrong with the document', () => {
  const SECRETS = ['"s3cret"', '53535353', '5353.5353', '"""s3cret"""', '"\\u0073s3cret"'];
  const tokens =
    '{ a ( i : $i , part : [ ] } ) query fragment F on Query ... @skip mutation null true a b id name = ! "x" 1'.split(
      ' ',
    );
  const soup = fc.array(fc.constantFrom(...tokens, ...SECRETS), { maxLength: 25 }).map((parts) => parts.join(' '));
  const template =
    '{ a(id: %, i: %, s: [%], b: %, part: {name: %, size: %, health: %, parts: [{name: %}]}) b(part: %) { a(id: %) } }';
  const wrong = fc
    .array(fc.constantFrom(...SECRETS, 'null', '{}', '[]', '"', '{name: 53535353}', '["s3cret"]', ')'), {
      minLength: 10,
      maxLength: 10,
    })
    .map((values) => template.replaceAll('%', () => values.pop()!));
  fc.assert(
    fc.property(fc.oneof(soup, wrong), (text) => {
      for (const { message } of errorsOf(text)) expect(message).not.toMatch(/s3cret|5353/);
    }),
    { numRuns: 3_000 },
  );
});

it('documentError returns at most five errors with ten locations each', () => {
  const many = errorsOf(`{ ${Array.from({ length: 200 }, (_, n) => `x${n}`).join(' ')} }`);
  expect(many).toHaveLength(MAX_DOCUMENT_ERRORS);
  const circle = Array.from({ length: 100 }, (_, n) => `fragment F${n} on Query { ...F${(n + 1) % 100} }`).join(' ');
  for (const { locations } of errorsOf(`{ ...F0 } ${circle}`)) expect(locations!.length).toBeLessThanOrEqual(10);
});

it('documentError recognizes a stack overflow by its class, not by its message', () => {
  const apart = 'The document cannot be read: it may be nested too deeply.';
  const overflow = new RangeError('Maximum call stack size exceeded');
  for (const error of [overflow, new GraphQLError(overflow.message, { originalError: overflow })]) {
    expect(documentError(error, 'GRAPHQL_PARSE_FAILED').message).toBe(apart);
  }
  expect(messages('{ call_stack }')).toEqual(['Cannot query field "call_stack" on type "Query".']);
});

it('checkDocument refuses type definitions first', () => {
  expect(messages('{ a(id: 5) } type Tpye { a: Int } fragment F on Type { a }')).toEqual([
    'A document has operations and fragments, and nothing else.',
  ]);
});

it.each<[string, (size: number) => string]>([
  ['a string of the words of graphql-js', (size) => `{ a(i: "${'cannot represent '.repeat(size)}") }`],
  [
    'names of types like those it defines',
    (size) => `query ($v: b${'a'.repeat(size)}) { a } type c${'a'.repeat(size)} { x: Int }`,
  ],
  ['an unknown field', (size) => `{ ${'a'.repeat(10 * size)} }`],
  ['an unknown field of an input', (size) => `{ a(id: 1, part: { ${'a'.repeat(10 * size)}: 1 }) }`],
  ['an unknown enum value', (size) => `{ a(id: 1, part: { name: "", health: ${'A'.repeat(10 * size)} }) }`],
  ['an unknown fragment', (size) => `{ ...${'a'.repeat(10 * size)} }`],
])('documentError takes linear time: %s', async (_what, textOf) => {
  expect(await growth(5_000, textOf, messages)).toBeLessThan(LINEAR);
});

it('checkDocument refuses too many root fields before validation', () => {
  expect(messages(`mutation { ${Array.from({ length: 11 }, (_, n) => `x${n}`).join(' ')} }`)).toEqual([
    'A mutation has at most 10 root fields; this one has 11. Send several requests.',
  ]);
});
