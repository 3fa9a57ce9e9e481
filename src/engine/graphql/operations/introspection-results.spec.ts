// Which results of introspection are kept, and how many.
import { buildSchema, executeSync, getIntrospectionQuery, parse } from 'graphql';
import { service } from '../../../../test/fixtures/engine-domain/service.js';
import { Metrics } from '../../monitoring/metrics.js';
import { IntrospectionResults } from './introspection-results.js';
import { OperationCosts } from './operation-cost.js';
import { ParsedDocument } from './parsed-operation.js';

const schema = buildSchema(`"${'long '.repeat(40_000)}" type Query { name: String }`);
const costs = new OperationCosts(schema);
const TYPES = '{ __schema { types { name description } } }';

const parsed = (text: string) => new ParsedDocument(costs, parse(text), 10, text.length).operation()!;
const resultOf = (text: string) => executeSync({ schema, document: parse(text), rootValue: { name: 'x' } });
const textOf = (text: string) => `${JSON.stringify(resultOf(text))}\n`;

let metrics: Metrics;
let results: IntrospectionResults;
beforeEach(() => {
  metrics = new Metrics({ service });
  results = new IntrospectionResults(metrics);
});

/** Executes it as often, and tells whether it is kept then. */
function isKept(text: string, times = 2): boolean {
  const operation = parsed(text);
  for (let time = 0; time < times; time += 1) results.add(operation, resultOf(text));
  return results.dataOf(operation) !== undefined;
}

it.each([TYPES, getIntrospectionQuery(), '{ __typename a: __type(name: "Query") { name } }'])(
  'keeps the text of a result at its second execution',
  (text) => {
    const operation = parsed(text);
    results.add(operation, resultOf(text));
    expect(results.dataOf(operation)).toBeUndefined();
    results.add(operation, resultOf(text));
    expect(results.textOf({ data: results.dataOf(operation)! })).toBe(textOf(text));
    expect(results.textOf(resultOf(text))).toBe(textOf(text));
  },
);

it.each([
  '{ name }',
  '{ __typename }',
  '{ name __schema { queryType { name } } }',
  'query ($no: Boolean!) { __schema { queryType { name @skip(if: $no) } } }',
  'query ($name: String!) { __type(name: $name) { name } }',
])('does not keep %s', (text) => expect(isKept(text)).toBe(false));

it('does not keep a result with errors, nor one that was executed once', () => {
  const operation = parsed(TYPES);
  for (let time = 0; time < 3; time += 1) results.add(operation, { ...resultOf(TYPES), errors: [{ message: 'no' }] });
  expect(results.dataOf(operation)).toBeUndefined();
  expect(isKept(TYPES, 1)).toBe(false);
});

it('keeps at most 2 MiB, the latest used', async () => {
  const first = parsed(TYPES);
  for (let time = 0; time < 2; time += 1) results.add(first, resultOf(TYPES));
  expect(results.dataOf(first)).toBeDefined();
  for (let n = 0; n < 6; n += 1) expect(isKept(TYPES.replace('name', `n${n}: name`))).toBe(true);
  expect(results.dataOf(first)).toBeUndefined();
  const [sample] = (await metrics.registry.getSingleMetric('notes_introspection_cache_bytes')!.get()).values;
  expect(sample!.value).toBeGreaterThan(1024 * 1024);
  expect(sample!.value).toBeLessThanOrEqual(2 * 1024 * 1024);
});

it('writes the text of a result once, also if it is too large to be kept', () => {
  const operation = parsed(TYPES);
  let written = 0;
  const toJSON = () => ({ text: 'x'.repeat(2 * 1024 * 1024), nr: (written += 1) });
  for (let time = 1; time <= 4; time += 1) {
    const data = { toJSON };
    results.add(operation, { data });
    expect(results.textOf({ data })).toHaveLength(2 * 1024 * 1024 + '{"data":{"text":"","nr":0}}\n'.length);
    expect(written).toBe(time);
  }
  expect(results.dataOf(operation)).toBeUndefined();
});
