// Policies about roles in a project, which is located by an argument or the parent. Checks run in the order of what they reveal:
// account role, visibility, project role.
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
import { projectById } from './project.loader.js';
import { effectiveProjectRole, highestProjectRole, includesProjectRole, ProjectRole } from './project-role.js';

const PROJECT_ROLE: PolicyDirective = {
  name: 'projectRole',
  description:
    'Requires this role or a higher one in the project, capped by the account role. `NOT_FOUND` if the project is not ' +
    'visible, otherwise `FORBIDDEN`.',
  args: { role: 'ProjectRole' },
};
const AUTHOR: PolicyDirective = {
  name: 'author',
  description: 'Requires the author. `NOT_FOUND` if the object is not visible, otherwise `FORBIDDEN`.',
  args: {},
};
const AUTHOR_OR_PROJECT_ROLE: PolicyDirective = {
  name: 'authorOrProjectRole',
  description:
    'Requires the author, or this role or a higher one in the project. `NOT_FOUND` if the object is not visible.',
  args: { role: 'ProjectRole' },
};

/** Result of a locator: the project of a field, and the author of its object if the policy needs one. */
export interface Place {
  readonly projectId: string;
  readonly authorId?: string;
  /** Whether the project is known to exist. */
  readonly exists?: boolean;
}

/** Locates the project of a field; `undefined` if there is none. */
export type Locate = (request: PolicyRequest) => Place | undefined | Promise<Place | undefined>;

/** Locates a project from a field's own arguments, and names what is missing in errors. */
export interface Locator {
  readonly what: string;
  /** Alternative argument paths such as `['input', 'projectId']`, of which the caller gives one. */
  readonly args: readonly (readonly string[])[];
  readonly locate: Locate;
}

/** The project of the field's parent, which is known to exist because the parent was read. */
export interface ParentLocator {
  readonly projectIdOf: (parent: never) => string;
}

/** The project whose id is at `path` of the arguments, such as `input.projectId`. */
export function byProjectId(...path: readonly string[]): Locator {
  return { what: 'Project', args: [path], locate: ({ args }) => ({ projectId: at(args, path) }) };
}

export function byParent(projectIdOf: (parent: never) => string): ParentLocator {
  return { projectIdOf };
}

/** One rule per role, shared by all fields that it guards. */
export const PROJECT_RULES: Readonly<Record<ProjectRole, ClassRule>> = {
  [ProjectRole.VIEWER]: requires(ProjectRole.VIEWER),
  [ProjectRole.EDITOR]: requires(ProjectRole.EDITOR),
  [ProjectRole.OWNER]: requires(ProjectRole.OWNER),
};

/** Requires `role` in the project; `exempt` calls require visibility only. */
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

/** Requires the located author, who must still see the project. */
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

/** Requires the located author, or `role` in the project. */
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

/** The caller's role there. Throws an identical NOT_FOUND for absent and invisible projects. */
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
  const project = await context.load(projectById, id);
  return project !== undefined && !project.deletedAt;
}

/** The policy's decision about an object that was read, from rights alone. */
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

/** The caller may see the project, or could before, but lacks this role. */
export function forbidden(role: ProjectRole): ForbiddenError {
  return new ForbiddenError(role, `This requires the project role ${role}.`);
}

function at(args: PolicyRequest['args'], path: readonly string[]): string {
  const value = path.reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], args);
  return typeof value === 'string' ? value : '';
}
