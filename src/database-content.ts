// What the one database of an installation holds: the tables of the engine and of the domain, and their migrations in one order.
// Both lists share the table `migration`: from it an older version sees that a newer one has been there (known-database.ts).
import { domainContent } from './domain/domain-content.js';
import type { DatabaseContent } from './engine/database/orm-options.js';
import { engineContent } from './engine/engine-content.js';

export const databaseContent: DatabaseContent = {
  applicationName: 'tidings',
  entities: [...engineContent.entities, ...domainContent.entities],
  migrations: [...engineContent.migrations, ...domainContent.migrations].sort((one, other) =>
    one.name < other.name ? -1 : 1,
  ),
};
