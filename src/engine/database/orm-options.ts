// How every connection of ours to PostgreSQL is set up. Which entities and migrations there are is told from outside.
import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { giveBackLost } from './lost-connections.js';
import { type Pool, sendTogether } from './one-write.js';
import { addressOf, serviceClient } from './service-client.js';
import { type Parameters, VARIANTS } from './startup-parameters.js';

/** What the parts of the application bring: their tables as entities, and the migrations that made them. */
export interface DatabaseContent {
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationObject[];
}

/** Connections beside the pool, for the log alone: one in use, and others should the network have swallowed it. */
const LOG_POOL = { min: 0, max: 3 };

/** Has a read wait for nobody: however many requests hold connections of the pool, the log is followed. */
export const FOLLOWING = { connectionType: 'read' } as const;

/**
 * Options of the ORM for `url`. `poolSize` bounds the connections that requests and deliveries share; `parameters` are those that the
 * server or pooler there takes, see `inspectDatabase`; without them, those that every supported version has.
 */
export function ormOptions(
  url: string,
  content: DatabaseContent,
  poolSize: number,
  parameters: Parameters = VARIANTS[1],
): Options {
  const address = addressOf(url);
  const options = defineConfig({
    // For the ORM's own log alone: connections are made by `serviceClient`.
    dbName: address.database ?? 'tidings',
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
    driverOptions: {
      connectionTimeoutMillis: address.connectTimeoutMs,
      Client: serviceClient(address, parameters),
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
