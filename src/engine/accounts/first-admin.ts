// The first ADMIN of an installation, claimed by one row that only one transaction can insert.
import { defineEntity, p } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

export const FirstAdminEntity = defineEntity({
  name: 'FirstAdmin',
  tableName: 'first_admin',
  properties: {
    id: p.smallint().primary(),
    claimedAt: p.datetime(3),
  },
});

// Whoever comes second waits for the first to commit, and then finds the row; if the first rolls back, the claim is free.
const CLAIM = `
insert into first_admin (id) select 1 where not exists (select 1 from account where role = 'ADMIN')
on conflict do nothing returning id`;

const CLOSE = 'insert into first_admin (id) values (1) on conflict do nothing';

/** Whether the account that this transaction makes is the first ADMIN: there has never been one, a disabled one or the demo's included. */
export async function claimFirstAdmin(em: EntityManager): Promise<boolean> {
  return (await em.execute<unknown[]>(CLAIM)).length > 0;
}

/** From this transaction's commit on nobody can claim it any more. Must come before the ADMIN is inserted. */
export async function closeFirstAdminClaim(em: EntityManager): Promise<void> {
  await em.execute(CLOSE);
}
