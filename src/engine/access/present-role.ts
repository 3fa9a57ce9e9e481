// The role of an account by the time that a transaction acts on it: what was checked before it began may have been taken since.
import type { EntityManager } from '@mikro-orm/postgresql';
import { ForbiddenError } from '../errors/service-error.js';
import { includesRole, Role } from './role.js';

/**
 * Throws FORBIDDEN unless the account has this role or a higher one, now, and is not disabled. Returns the time on the database's clock, in ms
 * since 1970.
 */
export async function assertStillHasRole(em: EntityManager, accountId: string, role: Role): Promise<number> {
  const sql = `
    select role, (extract(epoch from clock_timestamp()) * 1000)::float8 as at from account where id = ? and disabled_at is null`;
  const [present] = await em.execute<{ role: Role; at: number }[]>(sql, [accountId]);
  if (!present || !includesRole(present.role, role)) throw new ForbiddenError(role);
  return present.at;
}
