// How every connection of ours to PostgreSQL is set up. Which entities and migrations there are is told from outside.
import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { giveBackLost } from './lost-connections.js';
import { type Pool, sendTogether } from './one-write.js';

/** What the parts of the application bring: their tables as entities, and the migrations that made them. */
export interface DatabaseContent {
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationObject[];
}

/** Connections beside the pool, for the log alone: one in use, and others should the network have swallowed it. */
const LOG_POOL = { min: 0, max: 3 };

/**
 * Has PostgreSQL look every second whether the connection that it works for is still there: without it a statement that waits for a
 * lock would go on waiting for nobody, once for each time that it is given up and made again.
 */
const WORK_FOR_NOBODY_ENDS = 'set client_connection_check_interval = 1000';

/**
 * What takes too long is ended by PostgreSQL itself, on this side of any network: a statement before those who asked for it give
 * its connection up, and a transaction of which nothing more is heard before those who wait for its locks are ended too.
 */
const WORK_IS_BOUNDED = 'set statement_timeout = 20000; set idle_in_transaction_session_timeout = 10000';

/** A new connection, as far as it is needed here. */
interface NewConnection {
  executeQuery(statement: { readonly sql: string; readonly parameters: readonly unknown[] }): Promise<unknown>;
}

/** Has a read wait for nobody: however many requests hold connections of the pool, the log is followed. */
export const FOLLOWING = { connectionType: 'read' } as const;

/** Options of the ORM for `url`. `poolSize` bounds the connections that requests and deliveries share. */
export function ormOptions(url: string, content: DatabaseContent, poolSize: number): Options {
  const options = defineConfig({
    clientUrl: url,
    // A slip in the URL must not make a database, and start with nothing in it.
    ensureDatabase: false,
    entities: [...content.entities],
    extensions: [Migrator],
    migrations: {
      tableName: 'migration',
      migrationsList: [...content.migrations],
      snapshot: false,
      transactional: true,
      allOrNothing: true,
    },
    pool: { min: 1, max: poolSize, idleTimeoutMillis: 30_000 },
    // The ORM's word for a second pool; it is of the same, primary server, and used for nothing unasked.
    replicas: [{ name: 'log', pool: LOG_POOL }],
    preferReadReplicas: false,
    onCreateConnection: async (connection) => {
      for (const sql of [WORK_IS_BOUNDED, WORK_FOR_NOBODY_ENDS]) {
        // Not every platform can look; and what is lost is noticed by whoever uses it.
        await (connection as NewConnection).executeQuery({ sql, parameters: [] }).catch(() => {});
      }
    },
    driverOptions: {
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'tidings',
      // Statements that are made without waiting for one another are sent so (see `commitWith`).
      pipeline: true,
      onPoolCreated: (pool: Pool) => {
        giveBackLost()(pool);
        sendTogether(pool);
      },
    },
    // Every piece of work holds its own fork; a use of the global one is a mistake that must be seen.
    allowGlobalContext: false,
    forceUtcTimezone: true,
    implicitTransactions: true,
    resultCache: { global: false },
    debug: false,
    logger: () => {},
  });
  return options as Options;
}
