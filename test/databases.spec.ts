// Databases that others have configured: what the service depends on and cannot set, it names in one sentence.
import { describeFailure } from '../src/boot/start-failure.js';
import { databaseContent } from '../src/database-content.js';
import {
  assertSuitable,
  type DatabaseFacts,
  UnsuitableDatabaseError,
} from '../src/engine/database/database-requirements.js';
import { inspectDatabase, openDatabase } from '../src/engine/database/open-database.js';
import type { TestDatabase } from './support/database.js';
import { OwnPostgres } from './support/own-postgres.js';

let postgres: OwnPostgres;
let count = 0;
beforeAll(async () => {
  postgres = await OwnPostgres.start();
});
afterAll(() => postgres?.stop());

/** A new database; `settings` are those that its sessions begin with. */
async function database(settings: Record<string, string> = {}, how = ''): Promise<TestDatabase> {
  const name = `configured_${(count += 1)}`;
  const made = await postgres.createDatabase(name, { how });
  for (const [setting, value] of Object.entries(settings))
    await postgres.query(`alter database ${name} set ${setting} = ${value}`);
  return made;
}

const refusal = (url: string): Promise<string> =>
  openDatabase(url, databaseContent, 1).then(
    ({ orm }) => orm.close(true).then(() => 'It was opened'),
    (error: unknown) => describeFailure(error),
  );

it.each<[string, Record<string, string>, string, string]>([
  [
    'SQL_ASCII',
    {},
    `template template0 encoding 'SQL_ASCII' locale 'C'`,
    "has the encoding SQL_ASCII: create one with ENCODING 'UTF8' TEMPLATE template0.",
  ],
  [
    'LATIN1',
    {},
    `template template0 encoding 'LATIN1' locale 'C'`,
    "has the encoding LATIN1: create one with ENCODING 'UTF8' TEMPLATE template0.",
  ],
  [
    'a database that is read-only',
    { default_transaction_read_only: 'on' },
    '',
    'is read-only (default_transaction_read_only is on): find out why, a full disk perhaps, and turn it off.',
  ],
  ['a search path to nowhere', { search_path: 'nowhere' }, '', 'SET search_path = public.'],
  [
    'triggers that are off',
    { session_replication_role: 'replica' },
    '',
    'has session_replication_role = replica, which turns off triggers and foreign keys: reset it.',
  ],
])('refuses %s in one sentence', async (_what, settings, how, end) => {
  const sentence = await refusal((await database(settings, how)).url);
  expect(sentence).toMatch(/^The (database|search_path|user)[^\n]* of DATABASE_URL [^\n]*\.$/);
  expect(sentence.endsWith(end) ? end : sentence).toBe(end);
});

describe('what cannot be had here is judged by what such a server says', () => {
  let facts: DatabaseFacts;
  beforeAll(async () => {
    ({ facts } = await inspectDatabase((await database()).url));
  });
  const judged = (change: Partial<DatabaseFacts>) => {
    try {
      assertSuitable({ ...facts, ...change });
      return 'suitable';
    } catch (error) {
      return error instanceof UnsuitableDatabaseError ? error.message : String(error);
    }
  };

  it('an old version', () => {
    expect(judged({ version: 130_022, release: '13.22' })).toBe(
      'The database server of DATABASE_URL is PostgreSQL 13.22: 14 or newer is needed.',
    );
    expect(judged({ version: 140_000 })).toBe('suitable');
  });

  it('a standby', () => {
    expect(judged({ standby: true, readOnly: true })).toBe(
      'The database server of DATABASE_URL is a standby, which takes no writes: name the primary server.',
    );
  });
});
