// The first ADMIN of an installation, claimed by inserting a single row.
import type { EntityManager } from '@mikro-orm/postgresql';

// A concurrent transaction waits for the first to commit, and then finds the row; after a rollback the claim is free.
const CLAIM = `
insert into first_admin (id) select 1 where not exists (select 1 from account where role = 'ADMIN')
on conflict do nothing returning id`;

const CLOSE = 'insert into first_admin (id) values (1) on conflict do nothing';

/** Whether the account created by this transaction is the first ADMIN ever, counting disabled ones. */
export async function claimFirstAdmin(em: EntityManager): Promise<boolean> {
  return (await em.execute<unknown[]>(CLAIM)).length > 0;
}

/** Prevents further claims from this transaction's commit on. Must run before the ADMIN is inserted. */
export async function closeFirstAdminClaim(em: EntityManager): Promise<void> {
  await em.execute(CLOSE);
}
