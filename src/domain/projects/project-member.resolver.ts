// The members of a project: their mutations, and the fields of a project and of a member that lead to accounts.
import { Args, Context, ID, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import type { PolicyRequest } from '../../engine/access/policy.js';
import { SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { PageArgs } from '../../engine/graphql/pagination/connection.js';
import { childPage } from '../../engine/graphql/pagination/connection-loader.js';
import { Input, Limited } from '../../engine/graphql/schema/field-rules.js';
import { type AccountLimit, HOUR } from '../../engine/limits/limit.js';
import { removeMemberArgs, setMemberArgs } from './project.input.js';
import { leadOfProject, memberPages, type MemberRow, type ProjectRow } from './project.loader.js';
import { ProjectMemberService } from './project-member.service.js';
import { byProjectId, RequiresProjectRole } from './project.policies.js';
import { ProjectRole } from './project-role.js';
import { Project, ProjectMember, ProjectMemberConnection } from './project.type.js';

/** Limited, since new members are notified without their consent. */
const MEMBERS: AccountLimit = { name: 'setProjectMember', points: 500, seconds: HOUR, counts: 'attempts' };

/** Whether the caller removes itself. */
const isLeaving = ({ args, context }: PolicyRequest) => args['userId'] === context.viewer.accountId;

@Resolver(() => Project)
export class ProjectMembersResolver {
  constructor(private readonly service: ProjectMemberService) {}

  @RequiresProjectRole(ProjectRole.OWNER, byProjectId('projectId'))
  @Input(setMemberArgs)
  @Limited(MEMBERS)
  @Mutation(() => ProjectMember, {
    description: 'Adds an account as a member, or changes its role there. `CONFLICT` if no OWNER would remain.',
  })
  setProjectMember(
    @Context() { viewer, client }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
    @Args('role', { type: () => ProjectRole, description: 'The role in the project.' }) role: ProjectRole,
  ) {
    return this.service.set(viewer, projectId, userId, role, client);
  }

  @RequiresProjectRole(ProjectRole.OWNER, byProjectId('projectId'), isLeaving)
  @Input(removeMemberArgs)
  @Mutation(() => ID, {
    description:
      'Removes a member; members may remove themselves. `CONFLICT` for the last OWNER. Returns the id of the account, member or not.',
  })
  removeProjectMember(
    @Context() { viewer, client }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
  ) {
    return this.service.remove(viewer, projectId, userId, client);
  }

  @ResolveField(() => User, {
    nullable: true,
    description: 'The person responsible: the OWNER with the longest membership.',
  })
  async lead(project: ProjectRow, _args: unknown, context: OperationContext) {
    const owner = project.deletedAt ? null : await context.load(leadOfProject, project.id);
    return owner && context.load(accountById, owner.accountId);
  }

  @SameResource()
  @ResolveField(() => ProjectMemberConnection, { description: 'The members, latest to join first.' })
  members(@Parent() project: ProjectRow, @Context() context: OperationContext, @Args() args: PageArgs) {
    return context.load(memberPages, childPage(project.id, args));
  }
}

@Resolver(() => ProjectMember)
export class ProjectMemberResolver {
  @ResolveField(() => User, { description: 'The account.' })
  user(member: MemberRow, _args: unknown, context: OperationContext) {
    return context.load(accountById, member.accountId);
  }
}
