// Prevents an older version from using a database migrated by a newer one, and a command from using an unrelated database.
import type { MikroORM } from '@mikro-orm/postgresql';
import type { DatabaseContent } from './orm-options.js';

export class NewerDatabaseError extends Error {
  override readonly name = 'NewerDatabaseError';

  constructor(migrations: readonly string[]) {
    super(
      `The database was migrated by a newer version: ${migrations.join(', ')} is not known here. ` +
        `Start that version, or restore a backup from before.`,
    );
  }
}

/** The database contains no installation. */
export class NoInstallationError extends Error {
  override readonly name = 'NoInstallationError';
}

/** Throws {@link NoInstallationError} if the database contains no installation. */
export async function assertInstallation(orm: MikroORM): Promise<void> {
  const [row] = await orm.em
    .fork()
    .execute<{ there: boolean }[]>(`select to_regclass('log_head') is not null as there`);
  if (!row?.there) throw new NoInstallationError('There is no installation in the database of DATABASE_URL.');
}

/** Throws {@link NewerDatabaseError} if migrations were applied that `content` does not have. */
export async function assertKnownDatabase(orm: MikroORM, content: DatabaseContent): Promise<void> {
  const known = new Set(content.migrations.map(({ name }) => name));
  const applied = await orm.em.fork().execute<{ name: string }[]>('select name from migration order by id');
  const unknown = applied.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new NewerDatabaseError(unknown);
}
