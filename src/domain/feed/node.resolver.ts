// `node`, `update`, `comment`: objects by id, for accounts that may see their project.
import { Args, Context, ID, Query, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { NotFoundError } from '../../engine/errors/service-error.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { Node } from '../../engine/graphql/schema/node.type.js';
import { idArgs } from '../projects/project.input.js';
import { projectById } from '../projects/project.loader.js';
import { type Locator, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { nodePlace } from './node.loader.js';
import { commentById, updateById } from '../updates/update.loader.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';

/** The project of the object with this id. */
const byNode = (what: string): Locator => ({
  what,
  args: [['id']],
  locate: async ({ context, args }) => {
    const place = await context.load(nodePlace, args['id'] as string);
    return place && { projectId: place.projectId, exists: true };
  },
});

const LOADERS = { Project: projectById, ProjectUpdate: updateById, Comment: commentById };

@Resolver()
export class NodeResolver {
  @RequiresProjectRole(ProjectRole.VIEWER, byNode('Node'))
  @Input(idArgs)
  @Query(() => Node, {
    nullable: true,
    description: 'A project, an update or a comment by id. `NOT_FOUND` if it does not exist or is not visible.',
  })
  async node(
    @Context() context: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the project, update or comment.' }) id: string,
  ) {
    const type = (await context.load(nodePlace, id))?.type;
    const row = type && (await context.load<string, object | undefined>(LOADERS[type], id));
    return { ...found(row, 'Node'), __typename: type };
  }

  @RequiresProjectRole(ProjectRole.VIEWER, byNode('Update'))
  @Input(idArgs)
  @Query(() => ProjectUpdate, {
    nullable: true,
    description: 'An update by id. `NOT_FOUND` if it does not exist or is not visible.',
  })
  async update(
    @Context() context: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the update.' }) id: string,
  ) {
    return found(await context.load(updateById, id), 'Update');
  }

  @RequiresProjectRole(ProjectRole.VIEWER, byNode('Comment'))
  @Input(idArgs)
  @Query(() => Comment, {
    nullable: true,
    description: 'A comment by id. `NOT_FOUND` if it does not exist or is not visible.',
  })
  async comment(
    @Context() context: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the comment.' }) id: string,
  ) {
    return found(await context.load(commentById, id), 'Comment');
  }
}

/** It was removed since it was located, or the id names an object of another type. */
function found<T>(row: T | undefined, what: string): T {
  if (!row) throw new NotFoundError(what);
  return row;
}
