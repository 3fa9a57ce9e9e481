// Checks the role of an account in a project inside the transaction: it may have changed since the check before it began.
// Every change of memberships locks the project first, and every demotion of an account waits for its writes, so the answer stays true until
// the commit.
import type { EntityManager } from '@mikro-orm/postgresql';
import { Role } from '../../engine/access/role.js';
import { sqlState } from '../../engine/database/unit-of-work.js';
import { NotFoundError } from '../../engine/errors/service-error.js';
import { NOT_FOUND_STATE, ROLE_STATE } from '../migrations/20261129000004-posts.js';
import type { Actor } from './project-events.js';
import { PROJECT_RULES } from './project.policies.js';
import { ProjectRole } from './project-role.js';

const EXCLUSIVE_LOCK = 'select pg_advisory_xact_lock(hashtextextended(?::uuid::text, 0))';

/**
 * Blocks deletion and membership changes of the project until the transaction ends. Returns and throws like {@link assertCurrentProjectRole}; throws NOT_FOUND if
 * the project is deleted.
 */
export function lockProjectShared(
  em: EntityManager,
  actor: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  return timeOf('hold_project_v1', em, actor, projectId, role);
}

/** Waits for all holders of the project; later holders wait for this transaction. */
export async function awaitExclusiveLock(em: EntityManager, projectId: string): Promise<void> {
  await em.execute(EXCLUSIVE_LOCK, [projectId]);
}

/**
 * Requires that this transaction has locked the project. Returns the database's time in ms since 1970, since clocks of instances differ. Throws
 * NOT_FOUND, and FORBIDDEN unless `actor` currently has `role` there.
 */
export function assertCurrentProjectRole(
  em: EntityManager,
  actor: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  return timeOf('assert_project_role_v1', em, actor, projectId, role);
}

async function timeOf(
  name: string,
  em: EntityManager,
  { accountId }: Actor,
  projectId: string,
  role: ProjectRole,
): Promise<number> {
  const sql = `select (extract(epoch from ${name}(?, ?, ?)) * 1000)::float8 as at`;
  const rows = await refusing(role, em.execute<{ at: number }[]>(sql, [projectId, accountId, sufficient(role)]));
  return rows[0]!.at;
}

/** The result of a statement that requires `role`. Throws its refusals as NOT_FOUND and FORBIDDEN. */
export async function refusing<T>(role: ProjectRole, statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const detail = String((error as { detail?: unknown }).detail);
    if (sqlState(error) === NOT_FOUND_STATE) throw new NotFoundError(detail);
    throw (sqlState(error) === ROLE_STATE && refusal(role, detail)) || error;
  }
}

/** All pairs of an account's role and its role in a project, if any, as functions of the database write them. */
const PAIRS = Object.values(Role).flatMap((account) =>
  ['', ...Object.values(ProjectRole)].map((own) => `${account}:${own}`),
);

/** Those that suffice for `role`. */
export function sufficient(role: ProjectRole): string {
  return SUFFICIENT[role];
}

const SUFFICIENT = Object.fromEntries(
  Object.values(ProjectRole).map((role) => [role, PAIRS.filter((pair) => !refusal(role, pair)).join(',')]),
) as Record<ProjectRole, string>;

/** Why `pair` does not suffice for `role`. */
function refusal(role: ProjectRole, pair: string): Error | undefined {
  const [account, own] = pair.split(':');
  const resources = new Map(own ? [['', own]] : []);
  return PROJECT_RULES[role].outcome({ role: account as Role, disabled: false, resources }, '');
}
