// The policies that speak of roles in a project: who the caller is there, found from an argument or from the parent.
// Checks run from what tells least to what tells most: account role, visibility, project role.
import type { OperationContext } from '../../engine/access/operation-context.js';
import {
  type ClassRule,
  classPolicy,
  Guarded,
  type PolicyDirective,
  type PolicyRequest,
} from '../../engine/access/policy.js';
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
const AUTHOR: PolicyDirective = {
  name: 'author',
  description: 'Requires to be the author. `NOT_FOUND` where it is not visible, else `FORBIDDEN`.',
  args: {},
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
  /** It is known that the project is there. */
  readonly exists?: boolean;
}

/** Finds the project that a field is about; `undefined` when there is nothing. */
export type Locate = (request: PolicyRequest) => Place | undefined | Promise<Place | undefined>;

/** How a field's own arguments lead to a project, and what the caller is told is missing when they do not. */
export interface Locator {
  readonly what: string;
  /** Where it looks, of which the caller gives one: paths such as `['input', 'projectId']`. */
  readonly args: readonly (readonly string[])[];
  readonly locate: Locate;
}

/** The project that the field's parent belongs to: known to be there, since the parent was read. */
export interface ParentLocator {
  readonly projectIdOf: (parent: never) => string;
}

/** The project whose id is the value at `path` of the arguments, such as `input.projectId`. */
export function byProjectId(...path: readonly string[]): Locator {
  return { what: 'Project', args: [path], locate: ({ args }) => ({ projectId: at(args, path) }) };
}

export function byParent(projectIdOf: (parent: never) => string): ParentLocator {
  return { projectIdOf };
}

/** One rule a role, whatever fields it guards: what is told to whom of a project that is there. */
export const PROJECT_RULES: Readonly<Record<ProjectRole, ClassRule>> = {
  [ProjectRole.VIEWER]: requires(ProjectRole.VIEWER),
  [ProjectRole.EDITOR]: requires(ProjectRole.EDITOR),
  [ProjectRole.OWNER]: requires(ProjectRole.OWNER),
};

/** The role in the project must include `role`; `exempt` calls need no more than to see the project. */
export function RequiresProjectRole(role: ProjectRole, where: ParentLocator): PropertyDecorator & MethodDecorator;
export function RequiresProjectRole(
  role: ProjectRole,
  where: Locator,
  exempt?: (request: PolicyRequest) => boolean,
): MethodDecorator;
export function RequiresProjectRole(
  role: ProjectRole,
  where: Locator | ParentLocator,
  exempt?: (request: PolicyRequest) => boolean,
) {
  const printed = { directive: PROJECT_ROLE, args: { role } };
  if ('projectIdOf' in where)
    return Guarded(classPolicy({ ...printed, rule: PROJECT_RULES[role], resourceOf: where.projectIdOf }));
  return Guarded({
    ...printed,
    startsFrom: where.args,
    check: async (request) => {
      const { rights } = request.context.viewer;
      const required = exempt?.(request) ? ProjectRole.VIEWER : role;
      if (!includesProjectRole(highestProjectRole(rights.role), required)) throw forbidden(role);
      const place = await where.locate(request);
      const own = await roleAt(request.context, rights, place, where);
      if (!includesProjectRole(own, required)) throw forbidden(role);
    },
  });
}

/** The caller must be the author that the locator finds, and still see the project. */
export const RequiresAuthor = (locator: Locator) =>
  Guarded({
    directive: AUTHOR,
    args: {},
    startsFrom: locator.args,
    check: async (request) => {
      const { accountId, rights } = request.context.viewer;
      const place = await locator.locate(request);
      await roleAt(request.context, rights, place, locator);
      if (place?.authorId !== accountId) throw new ForbiddenError(undefined, 'Only its author may do this.');
    },
  });

/** The caller must be the author that the locator finds, or have `role` in the project. */
export const RequiresAuthorOrProjectRole = (role: ProjectRole, locator: Locator) =>
  Guarded({
    directive: AUTHOR_OR_PROJECT_ROLE,
    args: { role },
    startsFrom: locator.args,
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
  { what }: Locator,
): Promise<ProjectRole> {
  const role = place && effectiveProjectRole(rights, place.projectId);
  if (!place || !role) throw new NotFoundError(what);
  // A membership proves that the project exists; an ADMIN needs none.
  const known = place.exists || rights.resources.has(place.projectId) || rights.role !== Role.ADMIN;
  if (!known && !(await exists(context, place.projectId))) throw new NotFoundError(what);
  return role;
}

async function exists(context: OperationContext, id: string): Promise<boolean> {
  return (await context.em.count(ProjectEntity, { id, deletedAt: null })) > 0;
}

/** What the policy says of an object that was read, from rights alone. */
function requires(role: ProjectRole): ClassRule {
  const [invisible, refused] = [new NotFoundError('Project'), forbidden(role)];
  return {
    outcome: (rights, projectId) => {
      if (!includesProjectRole(highestProjectRole(rights.role), role)) return refused;
      const own = effectiveProjectRole(rights, projectId);
      if (!own) return invisible;
      return includesProjectRole(own, role) ? undefined : refused;
    },
  };
}

/** Who may see the project, or may see it no more, and lacks this role there. */
export function forbidden(role: ProjectRole): ForbiddenError {
  return new ForbiddenError(role, `This requires the project role ${role}.`);
}

function at(args: PolicyRequest['args'], path: readonly string[]): string {
  const value = path.reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], args);
  return typeof value === 'string' ? value : '';
}
