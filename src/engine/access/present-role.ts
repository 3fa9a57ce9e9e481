// The role of an account by the time that a transaction acts on it: what was checked before it began may have been taken since.
import type { EntityManager } from '@mikro-orm/postgresql';
import { ForbiddenError } from '../errors/service-error.js';
import { includesRole, Role } from './role.js';

/** Throws FORBIDDEN unless the account has this role or a higher one, now, and is not disabled. */
export async function assertStillHasRole(em: EntityManager, accountId: string, role: Role): Promise<void> {
  const sql = 'select role from account where id = ? and disabled_at is null';
  const [present] = await em.execute<{ role: Role }[]>(sql, [accountId]);
  if (!present || !includesRole(present.role, role)) throw new ForbiddenError(role);
}
