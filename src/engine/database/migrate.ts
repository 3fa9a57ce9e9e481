// Applies what is pending, once, however many instances start together.
import type { MikroORM } from '@mikro-orm/postgresql';

/** Key of the advisory lock that migrating instances queue on: "tid" in ASCII. */
const MIGRATION_LOCK = 0x746964;

/** Applies pending migrations in order and returns their names. Waits while another instance migrates. */
export async function migrate(orm: MikroORM): Promise<string[]> {
  return orm.em.fork().transactional(async (em) => {
    await em.execute(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const applied = await orm.migrator.up();
    return applied.map((migration) => migration.name);
  });
}
