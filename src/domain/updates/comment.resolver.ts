// Mutations and fields of comments.
import { Args, Context, ID, Int, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { PageArgs } from '../../engine/graphql/pagination/connection.js';
import { childPage } from '../../engine/graphql/pagination/connection-loader.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { idArgs } from '../projects/project.input.js';
import type { ProjectRow } from '../projects/project.loader.js';
import {
  byProjectId,
  type Locator,
  RequiresAuthor,
  RequiresAuthorOrProjectRole,
  RequiresProjectRole,
} from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import { CommentService } from './comment.service.js';
import {
  type CommentChanges,
  EditCommentInput,
  editCommentArgs,
  type NewComment,
  PostCommentInput,
  postCommentArgs,
} from './update.input.js';
import { commentPlace, type CommentRow, projectCommentPages, updateById } from './update.loader.js';
import { Comment, CommentConnection, ProjectUpdate } from './update.type.js';

const byComment: Locator = {
  what: 'Comment',
  args: [['id']],
  locate: async ({ context, args }) => {
    const comment = await context.load(commentPlace, args['id'] as string);
    return comment && { projectId: comment.projectId, authorId: comment.authorId };
  },
};

@Resolver(() => Comment)
export class CommentResolver {
  constructor(private readonly comments: CommentService) {}

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('input', 'projectId'))
  @Input(postCommentArgs)
  @Mutation(() => Comment, { description: 'Posts a comment in the chat of a project, or on one of its updates.' })
  postComment(
    @Context() { viewer }: OperationContext,
    @Args('input', { type: () => PostCommentInput, description: 'The new comment.' }) input: NewComment,
  ) {
    return this.comments.post(viewer, input);
  }

  @RequiresAuthor(byComment)
  @Input(editCommentArgs)
  @Mutation(() => Comment, {
    description: 'Edits one of the caller’s comments. `CONFLICT` if `version` is not current.',
  })
  editComment(
    @Context() { viewer }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the comment.' }) id: string,
    @Args('input', { type: () => EditCommentInput, description: 'The changes.' }) input: CommentChanges,
    @Args('version', { type: () => Int, nullable: true, description: 'The version that was edited.' })
    version?: number | null,
  ) {
    return this.comments.edit(viewer, id, input, version);
  }

  @RequiresAuthorOrProjectRole(ProjectRole.OWNER, byComment)
  @Input(idArgs)
  @Mutation(() => ID, { description: 'Removes a comment permanently. Returns its id.' })
  removeComment(
    @Context() { viewer, client }: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the comment.' }) id: string,
  ) {
    return this.comments.remove(viewer, id, client);
  }

  @ResolveField(() => User, { description: 'The author.' })
  author(comment: CommentRow, _args: unknown, context: OperationContext) {
    return context.load(accountById, comment.authorId);
  }

  @SameResource()
  @ResolveField(() => ProjectUpdate, {
    nullable: true,
    description: 'The update that it comments on; null in the chat of the project.',
  })
  update(comment: CommentRow, _args: unknown, context: OperationContext) {
    return comment.updateId ? context.load(updateById, comment.updateId) : null;
  }
}

@Resolver(() => Project)
export class ProjectCommentsResolver {
  @SameResource()
  @ResolveField(() => CommentConnection, {
    description: 'The chat of the project, comments about its updates included, newest first.',
  })
  comments(@Parent() project: ProjectRow, @Context() context: OperationContext, @Args() args: PageArgs) {
    return context.load(projectCommentPages, childPage(project.id, args));
  }
}
