// Isolated test databases, each cloned from the migrated template in about 30 ms.
import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { TEMPLATE, withDatabase } from './database-url.js';

export interface TestDatabase {
  readonly url: string;
  /** Runs SQL on a connection independent of the service. */
  query<T = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<T[]>;
  /** Number of connections to this database that are waiting for a lock. */
  waiting(): Promise<number>;
  drop(): Promise<void>;
}

/** An empty database without migrations. `options` are appended to `create database`, for example a locale. */
export function createEmptyDatabase(options = ''): Promise<TestDatabase> {
  return create('template0', options);
}

export async function createDatabase(): Promise<TestDatabase> {
  const database = await create(TEMPLATE);
  // A clone inherits the log identity of the template. With a new one, it ignores wake-ups from other test databases.
  await database.query(
    `update log_head set nonce = born.nonce, genesis = born.nonce
    from (select substr(uuid_send(gen_random_uuid()), 1, 6) as nonce) as born`,
  );
  return database;
}

async function create(template: string, options = ''): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  // The default strategy, wal_log, copies every page through shared buffers, which takes four times the CPU.
  await cluster().query(`create database ${name} template ${template} strategy file_copy ${options}`);
  const url = withDatabase(clusterUrl(), name);
  const client = new Client(url);
  // Tests may terminate every connection to their database, including this one.
  client.on('error', () => {});
  await client.connect();
  return {
    url,
    query: async <T>(sql: string, parameters: readonly unknown[] = []) =>
      (await client.query(sql, [...parameters])).rows as T[],
    waiting: async () => {
      const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return (await client.query(sql)).rows.length;
    },
    drop: async () => {
      await client.end();
      await cluster().query(`drop database ${name} with (force)`);
    },
  };
}

let pool: Pool | undefined;

/** One connection per Jest worker, for `create database` and `drop database`. Does not keep the worker alive. */
function cluster(): Pool {
  if (!pool) {
    pool = new Pool({ connectionString: clusterUrl(), max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true });
    pool.on('error', () => {});
  }
  return pool;
}

function clusterUrl(): string {
  const url = process.env['TEST_POSTGRES_URL'];
  if (!url) throw new Error('Run tests through `npm test`: it starts the database');
  return url;
}
