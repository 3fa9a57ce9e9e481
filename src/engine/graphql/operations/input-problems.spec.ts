// That variables are judged as graphql-js judges them, in words of ours.
import * as fc from 'fast-check';
import { buildSchema, type ExecutableDefinitionNode, getOperationAST, parse } from 'graphql';
import { getVariableValues } from 'graphql';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { variableProblems } from './input-problems.js';

const schema = buildSchema(`
  enum Health { ON_TRACK AT_RISK }
  input Part { name: String!, health: Health, size: Int = 5, parts: [Part!], grid: [[Int!]] }
  input One @oneOf { id: ID, name: String }
  type Query { a(i: Int, f: Float!, s: [String!]!, b: Boolean, id: ID, part: Part, one: One): Int }`);
const document = parse(
  'query ($i: Int, $f: Float!, $d: Float! = 1, $s: [String!]!, $b: Boolean, $id: ID, $part: Part, $one: One) { a(i: $i) }',
);
const operation = getOperationAST(document)!;
const problems = (variables: Record<string, unknown>) => variableProblems(schema, operation, variables);
const valid = { f: 1, s: ['a'] };

it.each<[Record<string, unknown>, [string, string]]>([
  [{ f: 1 }, ['s', 'is required']],
  [{ ...valid, f: null }, ['f', 'must not be null']],
  [{ ...valid, f: 'x' }, ['f', 'must be a number']],
  [{ ...valid, i: 1.5 }, ['i', 'must be an integer of 32 bits']],
  [{ ...valid, b: 0 }, ['b', 'must be true or false']],
  [{ ...valid, id: {} }, ['id', 'must be a string or an integer']],
  [{ ...valid, s: ['a', null] }, ['s.1', 'must not be null']],
  [{ ...valid, s: [['a']] }, ['s.0', 'must be a string']],
  [{ ...valid, part: [] }, ['part', 'must be an object']],
  [{ ...valid, part: {} }, ['part.name', 'is required']],
  [{ ...valid, part: { name: 'a', nme: 'b' } }, ['part.nme', 'is not known here']],
  [{ ...valid, part: { name: 'a', health: 'GOOD' } }, ['part.health', 'must be one of ON_TRACK, AT_RISK']],
  [{ ...valid, part: { name: 'a', parts: { name: null } } }, ['part.parts.name', 'must not be null']],
  [{ ...valid, part: { name: 'a', grid: [[1], [2, 'x']] } }, ['part.grid.1.1', 'must be an integer of 32 bits']],
  [{ ...valid, one: { id: 1, name: 'a' } }, ['one', 'must have exactly one field, and a value in it']],
])('variableProblems refuses %j with its path', (variables, [path, message]) => {
  expect(problems(variables)).toEqual([{ path, message }]);
});

it('variableProblems accepts and refuses exactly what graphql-js does', () => {
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(null, undefined, 0, -1, 1.5, 2 ** 31, true, '', 'a', 'ON_TRACK', 'x'.repeat(40)),
    fc.double(),
    fc.string(),
  );
  const keys = fc.constantFrom('name', 'health', 'size', 'parts', 'grid', 'id', 'other');
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(keys, tie('value'))),
  }));
  const variables = fc.record(
    Object.fromEntries(['i', 'f', 'd', 's', 'b', 'id', 'part', 'one'].map((name) => [name, value])),
    { requiredKeys: [] },
  );
  const { variableDefinitions = [] } = operation as ExecutableDefinitionNode;
  fc.assert(
    fc.property(
      fc.oneof(
        variables,
        variables.map((one) => ({ ...valid, ...one })),
      ),
      (sent) => {
        // As it comes: from JSON.
        const given = JSON.parse(JSON.stringify(sent)) as Record<string, unknown>;
        const { errors } = getVariableValues(schema, variableDefinitions, given);
        expect(problems(given).length > 0).toBe(errors !== undefined);
      },
    ),
    { numRuns: 500 },
  );
});

it('variableProblems returns at most twenty problems, and stops there', () => {
  const many = Array.from({ length: 50_000 }, () => ({ nme: 1 }));
  expect(problems({ ...valid, part: { name: 'a', parts: many } })).toHaveLength(20);
  expect(problems({ ...valid, s: many })).toHaveLength(20);
});

it.each<[string, (size: number) => unknown]>([
  ['what graphql-js says of values', (size) => 'cannot represent '.repeat(size)],
  ['colons', (size) => 'cannot represent :'.repeat(size)],
  ['quotes', (size) => 'Value "'.repeat(size)],
  ['brackets', (size) => `${'Expected value of type '.repeat(size)}, found `],
])('variableProblems takes linear time for a text of %s', async (_what, textOf) => {
  const ratio = await growth(20_000, textOf, (text) =>
    problems({ ...valid, i: text, part: text, b: text, id: [text] }),
  );
  expect(ratio).toBeLessThan(LINEAR);
});
