// How every connection of ours to PostgreSQL is set up. Which entities and migrations there are is told from outside.
import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { giveBackLost } from './lost-connections.js';

/** What the parts of the application bring: their tables as entities, and the migrations that made them. */
export interface DatabaseContent {
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationObject[];
}

/** Options of the ORM for `url`. `poolSize` bounds the connections of this process. */
export function ormOptions(url: string, content: DatabaseContent, poolSize = 20): Options {
  const options = defineConfig({
    clientUrl: url,
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
    driverOptions: {
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'tidings',
      onPoolCreated: giveBackLost,
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
