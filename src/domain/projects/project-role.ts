// Roles in a project, and the effective role: membership, capped by the account's role.
import type { ClassValue } from '../../engine/access/class-value.js';
import { type AccountRights, Role } from '../../engine/access/role.js';

/** Resource kind of projects in the log. */
export const PROJECT_RESOURCE = 'project';

/** Role of a member in a project. Each includes the ones before it. */
export enum ProjectRole {
  VIEWER = 'VIEWER',
  EDITOR = 'EDITOR',
  OWNER = 'OWNER',
}

const ORDER: readonly ProjectRole[] = [ProjectRole.VIEWER, ProjectRole.EDITOR, ProjectRole.OWNER];

/** Whether `role` includes `required`. */
export function includesProjectRole(role: ProjectRole, required: ProjectRole): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(required);
}

/** The highest role that an account of `role` can have in a project. */
export function highestProjectRole(role: Role): ProjectRole {
  return role === Role.USER ? ProjectRole.VIEWER : ProjectRole.OWNER;
}

/** The effective role; `undefined`: the project is invisible. An ADMIN is OWNER everywhere. */
export function effectiveProjectRole(rights: AccountRights, projectId: string): ProjectRole | undefined {
  if (rights.role === Role.ADMIN) return ProjectRole.OWNER;
  const membership = rights.resources.get(projectId) as ProjectRole | undefined;
  const cap = highestProjectRole(rights.role);
  return membership && includesProjectRole(membership, cap) ? cap : membership;
}

/** The effective role, as a class value. */
export const VIEWER_ROLE: ClassValue = { of: effectiveProjectRole };
