// A database of one's own, cloned from the migrated template: about 30 ms, and nobody else is in it.
import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';
import { TEMPLATE, withDatabase } from './database-url.js';

export interface TestDatabase {
  readonly url: string;
  /** Runs SQL beside the service. */
  query<T = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<T[]>;
  /** How many of its connections wait for a lock. */
  waiting(): Promise<number>;
  drop(): Promise<void>;
}

/** A database in which no migration has run; `options` of `create database` may name another locale. */
export function createEmptyDatabase(options = ''): Promise<TestDatabase> {
  return create('template0', options);
}

export async function createDatabase(): Promise<TestDatabase> {
  const database = await create(TEMPLATE);
  // A clone shares its log's birth with the template: given one of its own, no other test's wake-ups are taken for its own.
  await database.query(
    `update log_head set nonce = born.nonce, genesis = born.nonce
    from (select substr(uuid_send(gen_random_uuid()), 1, 6) as nonce) as born`,
  );
  return database;
}

async function create(template: string, options = ''): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  // The default strategy writes all of it through the buffers: four times the CPU.
  await cluster().query(`create database ${name} template ${template} strategy file_copy ${options}`);
  const url = withDatabase(clusterUrl(), name);
  const client = new Client(url);
  // Tests may cut every connection of their database, this one included.
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

/** One connection a worker, for what cannot be done inside of a test's own database. It keeps no worker alive. */
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
