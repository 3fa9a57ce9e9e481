// Queries and mutations of projects, and the fields of a project that need a statement.
import { Args, Context, ID, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { ShowsClassValue } from '../../engine/access/class-value.js';
import { HasRole, SignedIn } from '../../engine/access/policies.js';
import { Role } from '../../engine/access/role.js';
import { SameResource } from '../../engine/access/sharing.js';
import { decodeCursor } from '../../engine/events/cursor.js';
import { PageArgs } from '../../engine/graphql/pagination/connection.js';
import { CountedAs, Input, Limited } from '../../engine/graphql/schema/field-rules.js';
import { type AccountLimit, HOUR, QUARTER } from '../../engine/limits/limit.js';
import { ActivityDay, activityOfProject, DEFAULT_DAYS, MAX_DAYS } from './project-activity.js';
import { HealthCounts, healthCounts } from './project-health-counts.js';
import { ProjectOrder } from './project-order.js';
import {
  activityArgs,
  CreateProjectInput,
  createProjectArgs,
  EditProjectInput,
  editProjectArgs,
  idArgs,
  type NewProject,
  type ProjectChanges,
  projectArgs,
  type ProjectFilterInput,
  projectsArgs,
} from './project.input.js';
import { lastSeqOfProject, projectByKey, type ProjectRow } from './project.loader.js';
import { byProjectId, type Locator, RequiresProjectRole } from './project.policies.js';
import { ProjectRole, VIEWER_ROLE } from './project-role.js';
import { type ProjectPage, ProjectService } from './project.service.js';
import { Project, ProjectAddress, ProjectConnection, ProjectFilter } from './project.type.js';

/** Limited, since each failure reveals that a key is taken. */
const PROJECT_KEYS: AccountLimit = { name: 'createProject: taken', points: 60, seconds: QUARTER, counts: 'failures' };
const NEW_PROJECTS: AccountLimit = { name: 'createProject', points: 100, seconds: HOUR, counts: 'attempts' };

/** The project that `project(id, key)` names; a key takes one statement, found or not. */
const byAddress: Locator = {
  what: 'Project',
  args: [['id'], ['key']],
  locate: async ({ context, args }) => {
    if (typeof args['id'] === 'string') return { projectId: args['id'] };
    const found = await context.load(projectByKey, args['key'] as string);
    return found ? { projectId: found.id } : undefined;
  },
};

@Resolver(() => Project)
export class ProjectResolver {
  constructor(private readonly projects: ProjectService) {}

  @RequiresProjectRole(ProjectRole.VIEWER, byAddress)
  @Input(projectArgs)
  @Query(() => Project, {
    nullable: true,
    description: 'A project by id or key. `NOT_FOUND` if it does not exist or is not visible.',
  })
  project(@Context() context: OperationContext, @Args() address: ProjectAddress) {
    return this.projects.find(context, address);
  }

  @SignedIn()
  @Input(projectsArgs)
  @Query(() => ProjectConnection, {
    name: 'projects',
    description: 'The projects that the caller may see.',
  })
  list(
    @Context() context: OperationContext,
    @Args() page: PageArgs,
    @Args('filter', { type: () => ProjectFilter, nullable: true, description: 'Conditions that projects must meet.' })
    filter?: ProjectFilterInput,
    @Args('orderBy', {
      type: () => ProjectOrder,
      nullable: true,
      description: 'Order of the list; newest first if absent.',
    })
    orderBy?: ProjectOrder | null,
  ) {
    return this.projects.list(context, page, filter, orderBy);
  }

  @HasRole(Role.EDITOR)
  @Input(createProjectArgs)
  @Limited(NEW_PROJECTS, PROJECT_KEYS)
  @Mutation(() => Project, {
    description: 'Creates a project; the caller becomes OWNER. `CONFLICT` if the key is taken.',
  })
  createProject(
    @Context() { viewer }: OperationContext,
    @Args('input', { type: () => CreateProjectInput, description: 'The new project.' }) input: NewProject,
  ) {
    return this.projects.create(viewer, input);
  }

  @RequiresProjectRole(ProjectRole.EDITOR, byProjectId('id'))
  @Input(editProjectArgs)
  @Mutation(() => Project, { description: 'Edits a project. `CONFLICT` if `version` is not current.' })
  editProject(
    @Context() { viewer }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the project.' }) id: string,
    @Args('input', { type: () => EditProjectInput, description: 'The changes.' }) input: ProjectChanges,
    @Args('version', { type: () => Int, nullable: true, description: 'The version that was edited.' })
    version?: number | null,
  ) {
    return this.projects.edit(viewer, id, input, version);
  }

  @HasRole(Role.ADMIN)
  @Input(idArgs)
  @Mutation(() => ID, {
    description: 'Deletes a project: it becomes invisible and its key is free again. Returns its id.',
  })
  deleteProject(
    @Context() { viewer, client }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the project.' }) id: string,
  ) {
    return this.projects.delete(viewer, id, client);
  }

  @ResolveField(() => String, {
    description:
      'Cursor of the newest event when this was read. Subscribe with `projectUpdated(after: …)` from there without loss.',
  })
  lastCursor(_parent: unknown, _args: unknown, { lastCursor }: OperationContext) {
    return lastCursor;
  }
}

@Resolver(() => Project)
export class ProjectStateResolver {
  @ResolveField(() => Int, {
    description:
      'Number of events of the project, like `seq`. Never newer than the data beside it: of two ' +
      'results, the one with the greater `lastSeq` is newer.',
  })
  lastSeq({ id }: ProjectRow, _args: unknown, context: OperationContext) {
    return context.load(lastSeqOfProject, { id, pos: decodeCursor(context.lastCursor).pos });
  }

  @SameResource()
  @CountedAs(MAX_DAYS)
  @Input(activityArgs)
  @ResolveField(() => [ActivityDay], {
    description: 'Posts on each of the last days, today (UTC) included, oldest day first.',
  })
  activity(
    @Parent() project: ProjectRow,
    @Context() context: OperationContext,
    @Args('days', {
      type: () => Int,
      nullable: true,
      defaultValue: DEFAULT_DAYS,
      description: `Number of days, 1 to ${MAX_DAYS}.`,
    })
    days: number,
  ) {
    return project.deletedAt ? [] : context.load(activityOfProject, { projectId: project.id, days });
  }

  @ShowsClassValue(VIEWER_ROLE)
  @ResolveField(() => ProjectRole, {
    nullable: true,
    description: 'The caller’s role in the project, capped by the role of its account; null without access.',
  })
  viewerRole(project: ProjectRow, _args: unknown, context: OperationContext) {
    const role = context.classValue(VIEWER_ROLE, project.id);
    return project.deletedAt ? null : role;
  }
}

@Resolver(() => ProjectConnection)
export class ProjectConnectionResolver {
  @ResolveField(() => HealthCounts)
  healthCounts({ memberId }: ProjectPage, _args: unknown, context: OperationContext) {
    return healthCounts(context, memberId);
  }
}
