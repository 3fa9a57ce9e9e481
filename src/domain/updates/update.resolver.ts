// Mutations and fields of updates.
import { Args, Context, ID, Int, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { PageArgs } from '../../engine/graphql/pagination/connection.js';
import { childPage } from '../../engine/graphql/pagination/connection-loader.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { Health } from '../projects/health.js';
import { idArgs } from '../projects/project.input.js';
import { projectById, type ProjectRow } from '../projects/project.loader.js';
import { byProjectId, type Locator, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import {
  EditUpdateInput,
  editUpdateArgs,
  type NewUpdate,
  PostUpdateInput,
  postUpdateArgs,
  type UpdateChanges,
} from './update.input.js';
import { latestUpdate, updateCommentPages, updatePages, updatePlace, type UpdateRow } from './update.loader.js';
import { UpdateService } from './update.service.js';
import { CommentConnection, ProjectUpdate, ProjectUpdateConnection } from './update.type.js';

const byUpdate: Locator = {
  what: 'Update',
  args: [['id']],
  locate: async ({ context, args }) => {
    const update = await context.load(updatePlace, args['id'] as string);
    return update && { projectId: update.projectId };
  },
};

@Resolver(() => ProjectUpdate)
export class UpdateResolver {
  constructor(private readonly updates: UpdateService) {}

  @RequiresProjectRole(ProjectRole.EDITOR, byProjectId('input', 'projectId'))
  @Input(postUpdateArgs)
  @Mutation(() => ProjectUpdate, { description: 'Posts an update of a project.' })
  postUpdate(
    @Context() { viewer }: OperationContext,
    @Args('input', { type: () => PostUpdateInput, description: 'The new update.' }) input: NewUpdate,
  ) {
    return this.updates.post(viewer, input);
  }

  @RequiresProjectRole(ProjectRole.EDITOR, byUpdate)
  @Input(editUpdateArgs)
  @Mutation(() => ProjectUpdate, { description: 'Edits an update. `CONFLICT` if `version` is not current.' })
  editUpdate(
    @Context() { viewer }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the update.' }) id: string,
    @Args('input', { type: () => EditUpdateInput, description: 'The changes.' }) input: UpdateChanges,
    @Args('version', { type: () => Int, nullable: true, description: 'The version that was edited.' })
    version?: number | null,
  ) {
    return this.updates.edit(viewer, id, input, version);
  }

  @RequiresProjectRole(ProjectRole.OWNER, byUpdate)
  @Input(idArgs)
  @Mutation(() => ID, {
    description: 'Removes an update permanently. Its comments stay in the chat of the project. Returns its id.',
  })
  removeUpdate(
    @Context() { viewer, client }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the update.' }) id: string,
  ) {
    return this.updates.remove(viewer, id, client);
  }

  @ResolveField(() => User, { description: 'The author.' })
  author(update: UpdateRow, _args: unknown, context: OperationContext) {
    return context.load(accountById, update.authorId);
  }

  @SameResource()
  @ResolveField(() => Project, { description: 'The project of the update.' })
  project(update: UpdateRow, _args: unknown, context: OperationContext) {
    return context.load(projectById, update.projectId);
  }

  @SameResource()
  @ResolveField(() => CommentConnection, { description: 'Its comments, newest first.' })
  comments(@Parent() update: UpdateRow, @Context() context: OperationContext, @Args() args: PageArgs) {
    return context.load(updateCommentPages, childPage(update.id, args));
  }
}

@Resolver(() => Project)
export class ProjectUpdatesResolver {
  @SameResource()
  @ResolveField(() => ProjectUpdate, { nullable: true, description: 'The newest update; null if there is none yet.' })
  latestUpdate(project: ProjectRow, _args: unknown, context: OperationContext) {
    return context.load(latestUpdate, project.id);
  }

  @ResolveField(() => Health, {
    nullable: true,
    description: 'Health of the newest update; null without updates.',
  })
  async health(project: ProjectRow, _args: unknown, context: OperationContext) {
    return (await context.load(latestUpdate, project.id))?.health;
  }

  @SameResource()
  @ResolveField(() => ProjectUpdateConnection, { description: 'All updates, newest first.' })
  updates(@Parent() project: ProjectRow, @Context() context: OperationContext, @Args() args: PageArgs) {
    return context.load(updatePages, childPage(project.id, args));
  }
}
