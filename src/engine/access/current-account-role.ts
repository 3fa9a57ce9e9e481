// Checks an account's role inside a transaction, since it may have changed after the check before it began. Changes of the role wait for the
// transaction.
import type { EntityManager } from '@mikro-orm/postgresql';
import { ForbiddenError } from '../errors/service-error.js';
import { includesRole, Role } from './role.js';

/** Throws FORBIDDEN unless the account currently has this role or a higher one and is enabled. Returns the database's time in ms since 1970. */
export async function assertCurrentAccountRole(em: EntityManager, accountId: string, role: Role): Promise<number> {
  const sql = `
    select role, (extract(epoch from clock_timestamp()) * 1000)::float8 as at from account where id = ? and disabled_at is null
       for key share`;
  const [current] = await em.execute<{ role: Role; at: number }[]>(sql, [accountId]);
  if (!current || !includesRole(current.role, role)) throw new ForbiddenError(role);
  return current.at;
}
