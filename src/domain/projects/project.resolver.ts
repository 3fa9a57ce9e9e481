// Queries and mutations of projects and their members.
import { Args, Context, ID, Int, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { ShowsClassValue } from '../../engine/access/class-value.js';
import { HasRole, SignedIn } from '../../engine/access/policies.js';
import type { PolicyRequest } from '../../engine/access/policy.js';
import { Role } from '../../engine/access/role.js';
import { SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { decodeCursor } from '../../engine/events/cursor.js';
import { PageArgs } from '../../engine/graphql/connection.js';
import { childPage } from '../../engine/graphql/connection-loader.js';
import { CountedAs, Input, Limited } from '../../engine/graphql/field-rules.js';
import { type AccountLimit, HOUR, QUARTER } from '../../engine/limits/limit.js';
import { type Project as ProjectRow, ProjectEntity, type ProjectMember as MemberRow } from './project.entity.js';
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
  removeMemberArgs,
  setMemberArgs,
} from './project.input.js';
import { lastSeqOfProject, leadOfProject, memberPages } from './project.loader.js';
import { ProjectMemberService } from './project-member.service.js';
import { byProjectId, type Locator, RequiresProjectRole } from './project.policies.js';
import { ProjectRole, VIEWER_ROLE } from './project-role.js';
import { type ProjectPage, ProjectService } from './project.service.js';
import {
  Project,
  ProjectAddress,
  ProjectConnection,
  ProjectFilter,
  ProjectMember,
  ProjectMemberConnection,
} from './project.type.js';

/** Each failure tells that a key is taken. */
const PROJECT_KEYS: AccountLimit = { name: 'createProject: taken', points: 60, seconds: QUARTER, counts: 'failures' };
const NEW_PROJECTS: AccountLimit = { name: 'createProject', points: 100, seconds: HOUR, counts: 'attempts' };
/** Whoever is made a member is notified, and was not asked. */
const MEMBERS: AccountLimit = { name: 'setProjectMember', points: 500, seconds: HOUR, counts: 'attempts' };

/** The project that `project(id, key)` asks for; by key it takes one statement, found or not. */
const byAddress: Locator = {
  what: 'Project',
  args: [['id'], ['key']],
  locate: async ({ context, args }) => {
    if (typeof args['id'] === 'string') return { projectId: args['id'] };
    const found = await context.em.findOne(
      ProjectEntity,
      { key: args['key'] as string, deletedAt: null },
      { fields: ['id'] },
    );
    return found ? { projectId: found.id } : undefined;
  },
};
const leaving = ({ args, context }: PolicyRequest) => args['userId'] === context.viewer.accountId;

@Resolver(() => Project)
export class ProjectResolver {
  constructor(
    private readonly projects: ProjectService,
    private readonly membership: ProjectMemberService,
  ) {}

  @RequiresProjectRole(ProjectRole.VIEWER, byAddress)
  @Input(projectArgs)
  @Query(() => Project, {
    nullable: true,
    description: 'One project, by id or by key. `NOT_FOUND` if there is none to see.',
  })
  project(@Context() { em }: OperationContext, @Args() { id, key }: ProjectAddress) {
    return this.projects.find(em, id ? { id } : { key: key! });
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
    @Args('filter', { type: () => ProjectFilter, nullable: true, description: 'Which of them.' })
    filter?: ProjectFilterInput,
    @Args('orderBy', {
      type: () => ProjectOrder,
      nullable: true,
      description: 'In which order; newest first if absent.',
    })
    orderBy?: ProjectOrder | null,
  ) {
    return this.projects.list(context, page, filter, orderBy);
  }

  @HasRole(Role.EDITOR)
  @Input(createProjectArgs)
  @Limited(NEW_PROJECTS, PROJECT_KEYS)
  @Mutation(() => Project, {
    description: 'Makes a project whose OWNER is the caller. `CONFLICT` if the key is taken.',
  })
  createProject(
    @Context() { viewer }: OperationContext,
    @Args('input', { type: () => CreateProjectInput, description: 'The new project.' }) input: NewProject,
  ) {
    return this.projects.create(viewer, input);
  }

  @RequiresProjectRole(ProjectRole.EDITOR, byProjectId('id'))
  @Input(editProjectArgs)
  @Mutation(() => Project, { description: 'Changes a project. `CONFLICT` if it is no longer at `version`.' })
  editProject(
    @Context() { viewer }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the project.' }) id: string,
    @Args('input', { type: () => EditProjectInput, description: 'What to change.' }) input: ProjectChanges,
    @Args('version', { type: () => Int, nullable: true, description: 'The version that the change was made from.' })
    version?: number | null,
  ) {
    return this.projects.edit(viewer, id, input, version);
  }

  @HasRole(Role.ADMIN)
  @Input(idArgs)
  @Mutation(() => ID, {
    description: 'Deletes a project: nobody sees it any more, and its key is free again. Returns its id.',
  })
  deleteProject(
    @Context() { viewer, client }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the project.' }) id: string,
  ) {
    return this.projects.delete(viewer, id, client);
  }

  @RequiresProjectRole(ProjectRole.OWNER, byProjectId('projectId'))
  @Input(setMemberArgs)
  @Limited(MEMBERS)
  @Mutation(() => ProjectMember, {
    description:
      'Makes an account a member, or changes its role there. `CONFLICT` if it would leave the project without an OWNER.',
  })
  setProjectMember(
    @Context() { viewer, client }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
    @Args('role', { type: () => ProjectRole, description: 'What it may do there.' }) role: ProjectRole,
  ) {
    return this.membership.set(viewer, projectId, userId, role, client);
  }

  @RequiresProjectRole(ProjectRole.OWNER, byProjectId('projectId'), leaving)
  @Input(removeMemberArgs)
  @Mutation(() => ID, {
    description:
      'Ends a membership; every member may end its own. `CONFLICT` for the last OWNER. Returns the id of the account, whether or not it was a member.',
  })
  removeProjectMember(
    @Context() { viewer, client }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
  ) {
    return this.membership.remove(viewer, projectId, userId, client);
  }

  @ResolveField(() => User, {
    nullable: true,
    description: 'Who answers for it: of its OWNERs the one who has been a member longest.',
  })
  async lead(@Parent() project: ProjectRow, @Context() context: OperationContext) {
    const owner = project.deletedAt ? null : await context.load(leadOfProject, project.id);
    return owner && context.load(accountById, owner.accountId);
  }

  @SameResource()
  @ResolveField(() => ProjectMemberConnection, { description: 'Who is in the project, the latest to join first.' })
  members(@Parent() project: ProjectRow, @Context() context: OperationContext, @Args() args: PageArgs) {
    return context.load(memberPages, childPage(project.id, args));
  }

  @ResolveField(() => String, {
    description: 'Cursor of the newest event when this was read: `projectUpdated(after: …)` with it misses nothing.',
  })
  lastCursor(@Context() { lastCursor }: OperationContext) {
    return lastCursor;
  }
}

@Resolver(() => Project)
export class ProjectStateResolver {
  @ResolveField(() => Int, {
    description:
      'Counts what has happened in the project, as `seq` of its events does. Never newer than what stands beside it: of two ' +
      'results the one with the greater `lastSeq` is the newer.',
  })
  lastSeq(@Parent() { id }: ProjectRow, @Context() context: OperationContext) {
    return context.load(lastSeqOfProject, { id, pos: decodeCursor(context.lastCursor).pos });
  }

  @SameResource()
  @CountedAs(MAX_DAYS)
  @Input(activityArgs)
  @ResolveField(() => [ActivityDay], {
    description: 'What was posted on each of the last days, today (UTC) included, the oldest day first.',
  })
  activity(
    @Parent() project: ProjectRow,
    @Context() context: OperationContext,
    @Args('days', {
      type: () => Int,
      nullable: true,
      defaultValue: DEFAULT_DAYS,
      description: `How many days, 1 to ${MAX_DAYS}.`,
    })
    days: number,
  ) {
    return project.deletedAt ? [] : context.load(activityOfProject, { projectId: project.id, days });
  }

  @ShowsClassValue(VIEWER_ROLE)
  @ResolveField(() => ProjectRole, {
    nullable: true,
    description:
      'What the caller may do in the project, capped by the role of its account; null if that is nothing any more.',
  })
  viewerRole(@Parent() project: ProjectRow, @Context() context: OperationContext) {
    const role = context.classValue(VIEWER_ROLE, project.id);
    return project.deletedAt ? null : role;
  }
}

@Resolver(() => ProjectConnection)
export class ProjectConnectionResolver {
  @ResolveField(() => HealthCounts)
  healthCounts(@Parent() { memberId }: ProjectPage, @Context() { em }: OperationContext) {
    return healthCounts(em, memberId);
  }
}

@Resolver(() => ProjectMember)
export class ProjectMemberResolver {
  @ResolveField(() => User, { description: 'The account.' })
  user(@Parent() member: MemberRow, @Context() context: OperationContext) {
    return context.load(accountById, member.accountId);
  }
}
