// Applies pending migrations once, however many instances start concurrently.
import type { MikroORM } from '@mikro-orm/postgresql';
import { withTimeout } from './with-timeout.js';

/** Key of the advisory lock that migrating instances queue on: "tid" in ASCII. */
const MIGRATION_LOCK = 0x746964;

/** Time-out in ms for all of it, including waiting: changes of large tables may take hours. */
const LIMIT_MS = 24 * 3_600_000;

/** Applies pending migrations in order and returns their names. Waits while another instance migrates. */
export async function migrate(orm: MikroORM): Promise<string[]> {
  return withTimeout(LIMIT_MS, () =>
    orm.em.fork().transactional(async (em) => {
      await em.execute('set local statement_timeout = 0');
      // The ORM would start each migration with SET NAMES, which outlives the transaction in shared sessions.
      Object.assign(em.getPlatform().getSchemaHelper()!, { getSchemaBeginning: () => '' });
      await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      const applied = await orm.migrator.up({ transaction: em.getTransactionContext() });
      return applied.map((migration) => migration.name);
    }),
  );
}
