// Roles in a project, and the one that counts: membership, capped by the account's role.
import type { ClassValue } from '../../engine/access/class-value.js';
import { type AccountRights, Role } from '../../engine/access/role.js';

/** Kind of the resource that a project is in the log. */
export const PROJECT_RESOURCE = 'project';

/** What a member may do in a project. Each includes the ones before it. */
export enum ProjectRole {
  VIEWER = 'VIEWER',
  EDITOR = 'EDITOR',
  OWNER = 'OWNER',
}

const ORDER: readonly ProjectRole[] = [ProjectRole.VIEWER, ProjectRole.EDITOR, ProjectRole.OWNER];

/** Whether `role` includes everything that `required` may do. */
export function includesProjectRole(role: ProjectRole, required: ProjectRole): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(required);
}

/** The most that an account of `role` can be in any project, however it is a member. */
export function highestProjectRole(role: Role): ProjectRole {
  return role === Role.USER ? ProjectRole.VIEWER : ProjectRole.OWNER;
}

/** The role that counts; `undefined`: the project is invisible. An ADMIN is OWNER everywhere. */
export function effectiveProjectRole(rights: AccountRights, projectId: string): ProjectRole | undefined {
  if (rights.role === Role.ADMIN) return ProjectRole.OWNER;
  const membership = rights.resources.get(projectId) as ProjectRole | undefined;
  const cap = highestProjectRole(rights.role);
  return membership && includesProjectRole(membership, cap) ? cap : membership;
}

/** The role that counts, as a value that a whole permission class is shown. */
export const VIEWER_ROLE: ClassValue = { of: effectiveProjectRole };
