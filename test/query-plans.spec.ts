// No statement of the service reads more the larger its tables are: each is explained on an installation in which that can be seen.
import { Client } from 'pg';
import { createDatabase, type TestDatabase } from './support/database.js';
import { runEveryOperation } from './support/every-operation.js';
import { fillInstallation, SMALL } from './support/large-installation.js';
import { planOf } from './support/plans.js';
import { statementsSentBy } from './support/sent-statements.js';
import { TestTidings } from './support/tidings.js';

/** Rows that no statement needs to read: more than a page, than a batch of a loader, than a look at the log. */
const BATCH = 1_100;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

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
      const { read, written, sorted, scans } = await planOf(client, example);
      if (read - written > BATCH || sorted > BATCH) growing.push({ shape, read, sorted, scans, sql: example.sql });
    }
  }
  await client.end();
  expect(growing).toEqual([]);
  // Else it has not seen much of the service.
  expect(sent.size).toBeGreaterThan(130);
});
