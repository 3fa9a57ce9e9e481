// The cost of every statement is independent of table size: each is explained on an installation large enough to show
// it.
import { readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';
import { Client } from 'pg';
import { createDatabase, type TestDatabase } from './support/database.js';
import { runEveryOperation } from './support/every-operation.js';
import { fillInstallation, SMALL } from './support/large-installation.js';
import { planOf } from './support/plans.js';
import { statementsSentBy } from './support/sent-statements.js';
import { TestTidings } from './support/tidings.js';

/** Rows that no statement needs to read: more than a page, than a batch of a loader, than a look at the log. */
const BATCH = 1_100;

/** Calls of functions of ours. */
const CALLS = /_v\d+\(/;

/** The root fields of a GraphQL document in source text, in which templates have parts of selections; none if it is no document. */
function rootFieldsIn(text: string): string[] {
  try {
    const { definitions } = parse(text.replaceAll(/\$\{\w+\}/g, '__typename'));
    return definitions.flatMap((one) =>
      one.kind === Kind.OPERATION_DEFINITION
        ? one.selectionSet.selections.map((field) => (field.kind === Kind.FIELD ? field.name.value : ''))
        : [],
    );
  } catch {
    return [];
  }
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

it('every root field of the schema is among the operations whose statements are explained', () => {
  const source = readFileSync('test/support/every-operation.ts', 'utf8');
  const run = new Set(
    [...source.matchAll(/'([^'\n]*)'|`([^`]*)`/g)].flatMap(([, line, text]) => rootFieldsIn(line ?? text ?? '')),
  );
  const roots = [...readFileSync('schema.gql', 'utf8').matchAll(/^type (?:Query|Mutation|Subscription) \{.*?^\}/gms)];
  const fields = roots.flatMap(([type]) => [...type.matchAll(/^ {2}(\w+)[(:]/gm)].map(([, name]) => name));
  expect(fields.length).toBeGreaterThan(40);
  expect(fields.filter((name) => !run.has(name!))).toEqual([]);
});

it('no statement reads or sorts more rows than a page on a large installation', async () => {
  const first = await TestTidings.start({ database });
  const [{ id, email }, other] = [await first.asUser('ADMIN'), await first.asUser('EDITOR')];
  await first.stop();
  await fillInstallation((sql) => database.query(sql), SMALL, id);
  const tidings = await TestTidings.start({ database });
  const [admin, user] = [await tidings.signIn(id, email), await tidings.signIn(other.id, other.email)];
  const sent = await statementsSentBy(() => runEveryOperation(tidings, admin, user));
  await tidings.stop();
  await database.query('analyze');

  const client = new Client(database.url);
  await client.connect();
  const growing: unknown[] = [];
  for (const [shape, examples] of sent) {
    for (const example of examples) {
      const { read, written, sorted, scans, nested } = await planOf(client, example);
      if (read - written > BATCH || sorted > BATCH) growing.push({ shape, read, sorted, scans, sql: example.sql });
      // Statements within functions have no plan of their own here: what they read is counted by table.
      if (CALLS.test(shape))
        for (const table of nested.filter((one) => one.read > BATCH)) growing.push({ shape, ...table });
    }
  }
  await client.end();
  expect(growing).toEqual([]);
  expect([...sent.keys()].filter((shape) => CALLS.test(shape)).length).toBeGreaterThan(4);
  // Else it has not seen much of the service.
  expect(sent.size).toBeGreaterThan(130);
});
