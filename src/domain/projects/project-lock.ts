// Checks the role of an account in a project inside the transaction: it may have changed since the check before it began.
// Every change of memberships locks the project first, so the answer stays true until the commit.
import type { EntityManager } from '@mikro-orm/postgresql';
import { Role } from '../../engine/access/role.js';
import { NotFoundError } from '../../engine/errors/service-error.js';
import type { Actor } from './project-events.js';
import { PROJECT_RULES } from './project.policies.js';
import type { ProjectRole } from './project-role.js';

/**
 * Row locks are not fair: a waiting exclusive lock can starve while shared ones keep coming. Advisory locks queue, so later writers wait
 * behind a removal.
 */
const SHARED_LOCK = `
select pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) from project where id = ? and deleted_at is null for share`;

const EXCLUSIVE_LOCK = 'select pg_advisory_xact_lock(hashtextextended(?::uuid::text, 0))';

const CURRENT_ROLES = `
select account.role, member.role as membership, (extract(epoch from clock_timestamp()) * 1000)::float8 as at
  from account left join project_member member on member.account_id = account.id and member.project_id = ?
 where account.id = ? and account.disabled_at is null`;

/**
 * Blocks deletion and membership changes of the project until the transaction ends. Returns and throws like {@link assertCurrentProjectRole}; throws NOT_FOUND if
 * the project is deleted.
 */
export async function lockProjectShared(
  em: EntityManager,
  actor: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  if ((await em.execute<unknown[]>(SHARED_LOCK, [projectId])).length === 0) throw new NotFoundError('Project');
  return assertCurrentProjectRole(em, actor, projectId, role);
}

/** Waits for all holders of the project; later holders wait for this transaction. */
export async function awaitExclusiveLock(em: EntityManager, projectId: string): Promise<void> {
  await em.execute(EXCLUSIVE_LOCK, [projectId]);
}

interface CurrentRoles {
  readonly role: Role;
  readonly membership: string | null;
  readonly at: number;
}

/**
 * Requires that this transaction has locked the project. Returns the database's time in ms since 1970, since clocks of instances differ. Throws
 * NOT_FOUND, and FORBIDDEN unless `actor` currently has `role` there.
 */
export async function assertCurrentProjectRole(
  em: EntityManager,
  { accountId }: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  const [row] = await em.execute<CurrentRoles[]>(CURRENT_ROLES, [projectId, accountId]);
  const resources = new Map(row?.membership ? [[projectId, row.membership]] : []);
  const rights = { role: row?.role ?? Role.USER, disabled: false, resources };
  const refused = PROJECT_RULES[role].outcome(rights, projectId);
  if (refused) throw refused;
  return row!.at; // refuses an actor without an account
}
