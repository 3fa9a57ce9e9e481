// The schema's answers about itself are as large as was counted, whatever is asked.
import { readFileSync } from 'node:fs';
import { buildSchema, executeSync, type FieldNode, getIntrospectionQuery, Kind, parse } from 'graphql';
import { growth, LINEAR } from '../../../../test/support/growth.js';
import { IntrospectionSize } from './introspection-size.js';
import { fragmentsOf, selectionsOf } from './root-fields.js';

const schema = buildSchema(readFileSync('schema.gql', 'utf8'));
const sizes = new IntrospectionSize(schema);
const aliases = (count: number, name: string) => Array.from({ length: count }, (_, at) => `a${at}: ${name}`).join(' ');

function counted(text: string, variables = {}) {
  const document = parse(text);
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('There is no operation');
  const fragments = fragmentsOf(document);
  const roots = selectionsOf(operation.selectionSet, fragments).filter(({ kind }) => kind === Kind.FIELD);
  const all = roots.map((root) => sizes.of(root as FieldNode, fragments, variables));
  return all.reduce((sum, { fields, bytes }) => ({ fields: sum.fields + fields, bytes: sum.bytes + bytes }));
}

/** What graphql-js answers. */
function answered(text: string, variableValues = {}) {
  const { data, errors } = executeSync({ schema, document: parse(text), variableValues });
  expect(errors).toBeUndefined();
  return { fields: fieldsOf(data), bytes: Buffer.byteLength(JSON.stringify(data)) };
}

function fieldsOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + fieldsOf(each), 0);
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values(value);
  return values.length + fieldsOf(values);
}

it.each<{ what: string; text: string; variables?: object }>([
  {
    what: 'the whole',
    text: getIntrospectionQuery({ descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true }),
  },
  { what: 'descriptions a hundred times', text: `{ __schema { types { ${aliases(100, 'description')} } } }` },
  {
    what: 'descriptions of all fields',
    text: `{ __schema { types { fields(includeDeprecated: true) { ${aliases(20, 'description')} } } } }`,
  },
  {
    what: 'types of fields',
    text: '{ __schema { types { fields(includeDeprecated: true) { type { name kind ofType { name fields(includeDeprecated: true) { name description } } } args { name type { name } defaultValue } } } } }',
  },
  {
    what: 'one type, and one that is not',
    text: '{ a: __type(name: "Session") { fields(includeDeprecated: true) { name description } } b: __type(name: "None") { name } }',
  },
  {
    what: 'a type that a variable names',
    text: 'query ($n: String!) { __type(name: $n) { ...T } } fragment T on __Type { name enumValues { name description } ... { inputFields { name } } __typename }',
    variables: { n: 'Role' },
  },
  {
    what: 'directives',
    text: '{ __schema { description queryType { name } directives { name locations isRepeatable args { name type { ...R } } } } } fragment R on __Type { kind ofType { ...S } } fragment S on __Type { kind ofType { name } }',
  },
])('$what', ({ text, variables }) => {
  const [{ fields, bytes }, actual] = [counted(text, variables), answered(text, variables)];
  expect(fields).toBe(actual.fields);
  expect(bytes).toBeGreaterThanOrEqual(actual.bytes - 2);
  expect(bytes).toBeLessThan(actual.bytes * 1.1);
});

function doubling(size: number): string {
  const fragments = Array.from(
    { length: size },
    (_, at) => `fragment F${at} on __Type { ...F${at + 1} ofType { ...F${at + 1} } }`,
  );
  return `{ __schema { types { ...F0 } } } ${fragments.join(' ')} fragment F${size} on __Type { name }`;
}

it('the size of an introspection is counted in a time that does not grow with the result', async () => {
  expect(await growth(50, doubling, counted)).toBeLessThan(LINEAR);
});
