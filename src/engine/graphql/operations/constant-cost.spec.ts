import { buildSchema, getOperationAST, parse } from 'graphql';
import { knownCost, rememberCost } from './constant-cost.js';
import { checkOperation, isErrors } from './operation-check.js';

const schema = buildSchema(`
  type Query { name: String  of(id: ID! = "1"): Query  list(first: Int, last: Int): [Query!] }`);

/** Whether an operation is remembered once it was found affordable. */
function remembered(source: string, variables = {}): boolean {
  const document = parse(source);
  const operation = getOperationAST(document)!;
  rememberCost(document, operation, 7);
  return knownCost(operation, variables) === 7;
}

describe('an affordable operation', () => {
  it.each([
    '{ name }',
    '{ list(first: 5) { name } }',
    'query ($id: ID!) { of(id: $id) { name } }',
    '{ ...A } fragment A on Query { list(last: 3) { name } }',
  ])('is counted once: %s', (source) => expect(remembered(source, { id: '1' })).toBe(true));

  it.each([
    'query ($n: Int) { list(first: $n) { name } }',
    'query ($n: Int) { ...A } fragment A on Query { list(last: $n) { name } }',
    'query ($on: Boolean!) { list(first: 5) @include(if: $on) { name } }',
  ])('is counted each time when a variable can change what it costs: %s', (source) =>
    expect(remembered(source, { n: 1, on: true })).toBe(false),
  );

  it('is looked at again when a variable is null', () => {
    expect(remembered('query ($id: ID = "1") { of(id: $id) { name } }', { id: null })).toBe(false);
  });

  it('is refused all the same when its variables make it cost too much', () => {
    const lists = 'list(first: $n) { '.repeat(5);
    const document = parse(`query ($n: Int) { ${lists} name ${'} '.repeat(5)} }`);
    const refused = (n: number) => isErrors(checkOperation(schema, { document, variables: { n } }));
    expect([1, 100, 1].map(refused)).toEqual([false, true, false]);
  });
});
