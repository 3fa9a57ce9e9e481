// Options of all connections to PostgreSQL. Entities and migrations are passed in.
import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { removeLostConnections } from './lost-connections.js';
import { type Pool, batchWrites } from './batched-writes.js';
import { addressOf, serviceClient } from './service-client.js';
import { type Parameters, VARIANTS } from './startup-parameters.js';

/** Entities that the ORM reads or writes, and migrations of all tables, of parts of the application. */
export interface DatabaseContent {
  /** `application_name` of connections, if DATABASE_URL names none. */
  readonly applicationName?: string;
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationObject[];
}

/** Connections beside the pool, reserved for the log: one in use, and spares for lost ones. */
const LOG_POOL = { min: 0, max: 3 };

/** The ORM's names of the pools. */
export type PoolName = 'write' | 'read';

/** The reserved connections: requests that occupy the other pool do not delay the log. */
export const FOLLOWING: PoolName = 'read';

/**
 * Options of the ORM for `url`. `poolSize` bounds the connections shared by requests and deliveries; `parameters` are the accepted startup
 * parameters, see `inspectDatabase`; by default those of every supported version.
 */
export function ormOptions(
  url: string,
  content: DatabaseContent,
  poolSize: number,
  parameters: Parameters = VARIANTS[1],
): Options {
  const address = addressOf(url, content.applicationName);
  const options = defineConfig({
    // For the ORM's own log only: `serviceClient` creates connections.
    dbName: address.database ?? 'postgres',
    // A typo in the URL must not create an empty database.
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
    // The ORM's name for a second pool; it connects to the same primary server, and is used only on request.
    replicas: [{ name: 'log', pool: LOG_POOL }],
    preferReadReplicas: false,
    driverOptions: {
      connectionTimeoutMillis: address.connectTimeoutMs,
      Client: serviceClient(address, parameters),
      onPoolCreated: (pool: Pool) => {
        removeLostConnections()(pool);
        batchWrites(pool);
      },
    },
    // All work uses a fork; using the global entity manager is a bug.
    allowGlobalContext: false,
    forceUtcTimezone: true,
    implicitTransactions: true,
    resultCache: { global: false },
    debug: false,
    logger: () => {},
  });
  return options as Options;
}
