// Databases with other settings: the service sets what it depends on per session, and reports the settings that it
// cannot change.
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
import { PASSWORD, TestTidings } from './support/tidings.js';

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

/** From the first migration to a read of what was posted; what the service has logged. */
async function journey(over: TestDatabase): Promise<readonly string[]> {
  const tidings = await TestTidings.start({ database: over });
  try {
    const register = `mutation { register(input: { email: "Info@Example.com", name: "Ada \\\\ O'Neil", password: "${PASSWORD}" }) { accessToken } }`;
    await tidings.anonymous.data(register);
    await over.query(`update account set role = 'ADMIN' where not is_system`);
    const ada = await tidings.login({ email: 'INFO@EXAMPLE.COM' });
    const began = Date.now();
    const project = (await ada.data('mutation { createProject(input: { key: "ENV", name: "E" }) { id lastCursor } }'))
      .createProject;
    const watch = ada
      .socket()
      .subscribe(
        'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after, includeOwn: true) { at kind } }',
        { id: project.id, after: project.lastCursor },
      );
    const post = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id createdAt author { name } } }';
    const { postUpdate } = await ada.data(post, { i: { projectId: project.id, title: "Ü \\ '", health: 'ON_TRACK' } });
    expect(postUpdate.author.name).toBe("Ada \\ O'Neil");
    expect(Math.abs(Date.parse(postUpdate.createdAt) - began)).toBeLessThan(60_000);
    const kinds = [await watch.next(), await watch.next()].map(({ data }) => data.projectUpdated.kind);
    expect(kinds).toEqual(['PROJECT_CREATED', 'UPDATE_POSTED']);
    const read =
      '{ me { sessions { current } } auditLog(first: 5) { nodes { at action } } projects { nodes { key } } }';
    const { auditLog, projects } = await ada.data(read);
    expect(projects.nodes).toEqual([{ key: 'ENV' }]);
    for (const { at } of auditLog.nodes) expect(Math.abs(Date.parse(at) - began)).toBeLessThan(60_000);
    return tidings.logged;
  } finally {
    await tidings.stop();
  }
}

it.each<[string, Record<string, string>, string?]>([
  [
    'dates as people write them',
    { DateStyle: "'SQL, DMY'", IntervalStyle: 'sql_standard', TimeZone: "'Asia/Kathmandu'" },
  ],
  ['a time zone with a changing offset', { TimeZone: "'America/St_Johns'", DateStyle: "'German'" }],
  ['bytes and numbers in other forms', { bytea_output: "'escape'", extra_float_digits: '-15' }],
  [
    'backslashes that escape',
    { standard_conforming_strings: 'off', backslash_quote: 'on', escape_string_warning: 'off' },
  ],
  ['another isolation', { default_transaction_isolation: 'serializable', default_transaction_deferrable: 'on' }],
  ['repeatable reads', { default_transaction_isolation: "'repeatable read'" }],
  [
    'time-outs that would end everything',
    {
      statement_timeout: '1',
      lock_timeout: '1',
      idle_in_transaction_session_timeout: '1',
      transaction_timeout: '1',
      idle_session_timeout: '1',
    },
  ],
  ['row security', { row_security: 'off' }],
  [
    'messages and a form of numbers of another language',
    { lc_messages: "'C'", lc_numeric: "'C'", client_min_messages: 'error' },
  ],
  ['plans of its own', { plan_cache_mode: 'force_generic_plan', jit: 'on', jit_above_cost: '0' }],
  ['a Turkish collation', {}, `template template0 locale_provider icu icu_locale 'tr-TR' locale 'C' encoding 'UTF8'`],
  ['a search path that begins elsewhere', { search_path: '"$user", nowhere, public' }],
])('the service works with %s', async (_what, settings, how = '') => {
  expect(await journey(await database(settings, how))).toEqual([]);
});

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
])('the service refuses %s in one sentence', async (_what, settings, how, end) => {
  const sentence = await refusal((await database(settings, how)).url);
  expect(sentence).toMatch(/^The (database|search_path|user)[^\n]* of DATABASE_URL [^\n]*\.$/);
  expect(sentence.endsWith(end) ? end : sentence).toBe(end);
});

describe('server versions and roles that tests cannot start are simulated by their replies', () => {
  let facts: DatabaseFacts;
  beforeAll(async () => {
    ({ facts } = await inspectDatabase((await database()).url, {}));
  });
  const judged = (change: Partial<DatabaseFacts>) => {
    try {
      assertSuitable({ ...facts, ...change });
      return 'suitable';
    } catch (error) {
      return error instanceof UnsuitableDatabaseError ? error.message : String(error);
    }
  };

  it('refuses an old PostgreSQL version', () => {
    // Its migrations are not valid there.
    expect(judged({ version: 140_023, release: '14.23' })).toBe(
      'The database server of DATABASE_URL is PostgreSQL 14.23: 15 or newer is needed.',
    );
    expect(judged({ version: 150_000 })).toBe('suitable');
  });

  it('refuses a standby', () => {
    expect(judged({ standby: true, readOnly: true })).toBe(
      'The database server of DATABASE_URL is a standby, which takes no writes: name the primary server.',
    );
  });
});
