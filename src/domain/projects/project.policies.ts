// The policies that speak of roles in a project: who the caller is there, found from an argument or from the parent.
// Checks run from what tells least to what tells most: account role, visibility, project role.
import type { OperationContext } from '../../engine/access/operation-context.js';
import { Guarded, type PolicyDirective, type PolicyRequest } from '../../engine/access/policy.js';
import { type AccountRights, Role } from '../../engine/access/role.js';
import { ForbiddenError, NotFoundError } from '../../engine/errors/service-error.js';
import { ProjectEntity } from './project.entity.js';
import { effectiveProjectRole, highestProjectRole, includesProjectRole, ProjectRole } from './project-role.js';

const PROJECT_ROLE: PolicyDirective = {
  name: 'projectRole',
  description:
    'Requires this role or a higher one in the project, capped by the account role. `NOT_FOUND` where the project is not ' +
    'visible, else `FORBIDDEN`.',
  args: { role: 'ProjectRole' },
};
const AUTHOR_OR_PROJECT_ROLE: PolicyDirective = {
  name: 'authorOrProjectRole',
  description:
    'Requires to be the author, or this role or a higher one in the project. `NOT_FOUND` where it is not visible.',
  args: { role: 'ProjectRole' },
};

/** What a locator finds: the project that a field is about, and the author of what it acts on, if it asks for one. */
export interface Place {
  readonly projectId: string;
  readonly authorId?: string;
}

/** Finds the project that a field is about; `undefined` when there is nothing. */
export type Locate = (request: PolicyRequest) => Place | undefined | Promise<Place | undefined>;

/** How the field's own argument or parent leads to a project, and what the caller is told is missing when it does not. */
export interface Locator {
  readonly what: string;
  readonly locate: Locate;
  /** Whether what it starts from has been read, so that the project is known to be there. */
  readonly proven?: boolean;
}

/** The project whose id is the value at `path` of the arguments, such as `input.projectId`. */
export function byProjectId(...path: readonly string[]): Locator {
  return { what: 'Project', locate: ({ args }) => ({ projectId: at(args, path) }) };
}

/** The project that the field's parent belongs to. */
export function byParent(projectIdOf: (parent: never) => string): Locator {
  return { what: 'Project', proven: true, locate: ({ parent }) => ({ projectId: projectIdOf(parent as never) }) };
}

/** The role in the located project must include `role`; `exempt` calls need no more than to see the project. */
export const RequiresProjectRole = (
  role: ProjectRole,
  locator: Locator,
  exempt?: (request: PolicyRequest) => boolean,
) =>
  Guarded({
    directive: PROJECT_ROLE,
    args: { role },
    check: async (request) => {
      const { rights } = request.context.viewer;
      const required = exempt?.(request) ? ProjectRole.VIEWER : role;
      if (!includesProjectRole(highestProjectRole(rights.role), required)) throw forbidden(role);
      const place = await locator.locate(request);
      const own = await roleAt(request.context, rights, place, locator);
      if (!includesProjectRole(own, required)) throw forbidden(role);
    },
  });

/** The caller must be the author that the locator finds, or have `role` in the project. */
export const RequiresAuthorOrProjectRole = (role: ProjectRole, locator: Locator) =>
  Guarded({
    directive: AUTHOR_OR_PROJECT_ROLE,
    args: { role },
    check: async (request) => {
      const { accountId, rights } = request.context.viewer;
      const place = await locator.locate(request);
      const own = await roleAt(request.context, rights, place, locator);
      if (place?.authorId !== accountId && !includesProjectRole(own, role)) throw forbidden(role);
    },
  });

/** The caller's role there. Throws NOT_FOUND alike for what is absent and what is invisible. */
async function roleAt(
  context: OperationContext,
  rights: AccountRights,
  place: Place | undefined,
  { what, proven }: Locator,
): Promise<ProjectRole> {
  const role = place && effectiveProjectRole(rights, place.projectId);
  if (!place || !role) throw new NotFoundError(what);
  // A membership proves that the project exists; an ADMIN needs none.
  const known = proven || rights.resources.has(place.projectId) || rights.role !== Role.ADMIN;
  if (!known && !(await exists(context, place.projectId))) throw new NotFoundError(what);
  return role;
}

async function exists(context: OperationContext, id: string): Promise<boolean> {
  return (await context.em.count(ProjectEntity, { id, deletedAt: null })) > 0;
}

function forbidden(role: ProjectRole): ForbiddenError {
  return new ForbiddenError(role, `This requires the project role ${role}.`);
}

function at(args: PolicyRequest['args'], path: readonly string[]): string {
  const value = path.reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], args);
  return typeof value === 'string' ? value : '';
}
