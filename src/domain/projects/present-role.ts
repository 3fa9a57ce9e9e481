// Who somebody is in a project by the time that their transaction holds it: what was checked before it began may have been taken
// from them since. Whoever changes memberships locks the project first, so that it stays true until the commit.
import type { EntityManager } from '@mikro-orm/postgresql';
import { Role } from '../../engine/access/role.js';
import { NotFoundError } from '../../engine/errors/service-error.js';
import type { Actor } from './project-events.js';
import { PROJECT_RULES } from './project.policies.js';
import type { ProjectRole } from './project-role.js';

/**
 * Row locks are not fair: shared ones pass by whoever waits for the row alone, who waits for as long as somebody is always writing.
 * Advisory ones queue: who is behind a removal waits for it.
 */
const HOLD = `
select pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) from project where id = ? and deleted_at is null for share`;

const TURN = 'select pg_advisory_xact_lock(hashtextextended(?::uuid::text, 0))';

const PRESENT_ROLES = `
select account.role, member.role as membership, (extract(epoch from clock_timestamp()) * 1000)::float8 as at
  from account left join project_member member on member.account_id = account.id and member.project_id = ?
 where account.id = ? and account.disabled_at is null`;

/**
 * Holds off a deletion, and changes of who is in the project, until this transaction has ended. Returns what {@link assertStill}
 * returns. Throws NOT_FOUND if it is gone, and what that throws.
 */
export async function holdProject(
  em: EntityManager,
  actor: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  if ((await em.execute<unknown[]>(HOLD, [projectId])).length === 0) throw new NotFoundError('Project');
  return assertStill(em, actor, projectId, role);
}

/** Waits until all who hold the project have ended; whoever wants to hold it from now on waits for this transaction. */
export async function takeTurn(em: EntityManager, projectId: string): Promise<void> {
  await em.execute(TURN, [projectId]);
}

interface PresentRoles {
  readonly role: Role;
  readonly membership: string | null;
  readonly at: number;
}

/**
 * In a transaction that has locked the project. Returns the time that it is by now on the database's clock, in ms since 1970: those
 * of the nodes differ. Throws NOT_FOUND, FORBIDDEN unless `actor` has `role` there, now.
 */
export async function assertStill(
  em: EntityManager,
  { accountId }: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  const [row] = await em.execute<PresentRoles[]>(PRESENT_ROLES, [projectId, accountId]);
  const resources = new Map(row?.membership ? [[projectId, row.membership]] : []);
  const rights = { role: row?.role ?? Role.USER, disabled: false, resources };
  const refused = PROJECT_RULES[role].outcome(rights, projectId);
  if (refused) throw refused;
  return row!.at; // without an account everything is refused
}
