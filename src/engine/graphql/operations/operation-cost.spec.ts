import { buildSchema } from 'graphql';
import { parsedOperation } from '../../../../test/support/parsed-operations.js';

const schema = buildSchema(`
  type Query { name: String  of(id: ID! = "1"): Query  list(first: Int, last: Int): [Query!] }`);

const constant = (source: string) => parsedOperation(schema, source).costWith({ id: '1', n: 1, on: true }).constant;

describe('the cost of an operation', () => {
  it.each([
    '{ name }',
    '{ list(first: 5) { name } }',
    'query ($id: ID!) { of(id: $id) { name } }',
    '{ ...A } fragment A on Query { list(last: 3) { name } }',
  ])('is constant: %s', (source) => expect(constant(source)).toBe(true));

  it.each([
    'query ($n: Int) { list(first: $n) { name } }',
    'query ($n: Int) { ...A } fragment A on Query { list(last: $n) { name } }',
    'query ($on: Boolean!) { list(first: 5) @include(if: $on) { name } }',
  ])('depends on a variable: %s', (source) => expect(constant(source)).toBe(false));

  it('is not constant if a variable is null where null is invalid', () => {
    const operation = parsedOperation(schema, 'query ($id: ID = "1") { of(id: $id) { name } }');
    expect(operation.costWith({ id: '2' }).fields).toBe(2);
    expect(() => operation.costWith({ id: null })).toThrow('must not be null');
  });

  it('depends on the variables', () => {
    const lists = 'list(first: $n) { '.repeat(5);
    const operation = parsedOperation(schema, `query ($n: Int) { ${lists} name ${'} '.repeat(5)} }`);
    expect(() => operation.costWith({ n: 1 })).not.toThrow();
    expect(() => operation.costWith({ n: 100 })).toThrow('could resolve');
    expect(() => operation.costWith({ n: 1 })).not.toThrow();
  });
});
