// Projects and their nested fields. A viewer sees the projects that it is a member of.
import { randomBytes } from 'node:crypto';
import type { EntityName, FilterQuery, QueryOrderMap } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { ForbiddenException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { Args, Context, ID, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { PubSub } from 'graphql-subscriptions';
import { type Context as RequestContext, ViewerId } from './auth.js';
import * as rows from './entities.js';
import {
  Comment,
  CommentConnection,
  type Connection,
  PageArgs,
  PostUpdateInput,
  Project,
  ProjectConnection,
  ProjectMember,
  ProjectMemberConnection,
  ProjectUpdate,
  ProjectUpdateConnection,
  User,
} from './types.js';

export const PUB_SUB = Symbol('PubSub');

async function page<T extends { id: string }>(
  em: EntityManager,
  entity: EntityName<T>,
  where: FilterQuery<T>,
  { first = 20, after }: PageArgs,
): Promise<Connection<T>> {
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- which keys T has is not known here
  const orderBy = { id: 'desc' } as QueryOrderMap<T>;
  const cursor = await em.findByCursor(entity, {
    where,
    first,
    ...(after ? { after } : {}),
    orderBy,
    includeCount: false,
  });
  return {
    edges: cursor.items.map((node) => ({ cursor: cursor.from(node), node })),
    nodes: cursor.items,
    pageInfo: {
      hasNextPage: cursor.hasNextPage,
      hasPreviousPage: cursor.hasPrevPage,
      startCursor: cursor.startCursor,
      endCursor: cursor.endCursor,
    },
  };
}

/** UUID version 7. */
function newId(): string {
  const hex = Date.now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

@Injectable()
export class ProjectService {
  constructor(
    private readonly em: EntityManager,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
  ) {}

  list(viewerId: string, args: PageArgs) {
    return page(this.em, rows.ProjectEntity, { deletedAt: null, members: { $some: { account: viewerId } } }, args);
  }

  async find(viewerId: string, id: string) {
    const where = { id, deletedAt: null, members: { $some: { account: viewerId } } };
    const project = await this.em.findOne(rows.ProjectEntity, where);
    if (!project) throw new NotFoundException();
    return project;
  }

  async post(viewerId: string, { projectId, title, body, health }: PostUpdateInput) {
    const member = await this.em.findOne(rows.ProjectMemberEntity, { project: projectId, account: viewerId });
    if (!member) throw new NotFoundException();
    if (member.role === rows.ProjectRole.VIEWER) throw new ForbiddenException();
    const update = this.em.create(rows.ProjectUpdateEntity, {
      id: newId(),
      project: projectId,
      author: viewerId,
      title,
      body: body ?? '',
      health,
      version: 1,
      createdAt: new Date(),
    });
    await this.em.flush();
    await this.pubSub.publish(`project.${projectId}`, { updatePosted: { id: update.id, projectId } });
    return update;
  }

  updates(projectId: string, args: PageArgs) {
    return page(this.em, rows.ProjectUpdateEntity, { project: projectId }, args);
  }

  comments(projectId: string, args: PageArgs) {
    return page(this.em, rows.CommentEntity, { project: projectId }, args);
  }
}

@Resolver(() => Project)
export class ProjectResolver {
  constructor(private readonly projects: ProjectService) {}

  @Query(() => ProjectConnection, { name: 'projects' })
  list(@ViewerId() viewerId: string, @Args() args: PageArgs) {
    return this.projects.list(viewerId, args);
  }

  @Query(() => Project, { nullable: true })
  project(@ViewerId() viewerId: string, @Args('id', { type: () => ID }) id: string) {
    return this.projects.find(viewerId, id);
  }

  @Mutation(() => ProjectUpdate)
  postUpdate(@ViewerId() viewerId: string, @Args('input') input: PostUpdateInput) {
    return this.projects.post(viewerId, input);
  }

  @ResolveField(() => User, { nullable: true })
  async lead(@Parent() { id }: rows.Project, @Context() { loaders }: RequestContext) {
    const owner = await loaders.lead.load(id);
    return owner && loaders.account.load(owner.account.id);
  }

  /** All members are few: one statement for all projects of a list, and a page of each. */
  @ResolveField(() => ProjectMemberConnection)
  async members(
    @Parent() { id }: rows.Project,
    @Context() { loaders }: RequestContext,
    @Args() { first = 20, after }: PageArgs,
  ) {
    const all = (await loaders.members.load(id)).map((node) => ({ cursor: cursorOf(node.id), node }));
    const start = after ? all.findIndex(({ cursor }) => cursor === after) + 1 : 0;
    const edges = all.slice(start, start + first);
    return {
      edges,
      nodes: edges.map(({ node }) => node),
      pageInfo: {
        hasNextPage: all.length > start + first,
        hasPreviousPage: start > 0,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    };
  }

  @ResolveField(() => ProjectUpdate, { nullable: true })
  latestUpdate(@Parent() { id }: rows.Project, @Context() { loaders }: RequestContext) {
    return loaders.latestUpdate.load(id);
  }

  @ResolveField(() => rows.Health, { nullable: true })
  async health(@Parent() { id }: rows.Project, @Context() { loaders }: RequestContext) {
    return (await loaders.latestUpdate.load(id))?.health;
  }

  @ResolveField(() => rows.ProjectRole, { nullable: true })
  viewerRole(@Parent() { id }: rows.Project, @Context() { loaders }: RequestContext) {
    return loaders.viewerRole.load(id);
  }

  @ResolveField(() => ProjectUpdateConnection)
  updates(@Parent() { id }: rows.Project, @Args() args: PageArgs) {
    return this.projects.updates(id, args);
  }

  @ResolveField(() => CommentConnection)
  comments(@Parent() { id }: rows.Project, @Args() args: PageArgs) {
    return this.projects.comments(id, args);
  }
}

@Resolver(() => ProjectMember)
export class ProjectMemberResolver {
  @ResolveField(() => User)
  user(@Parent() { account }: rows.ProjectMember, @Context() { loaders }: RequestContext) {
    return loaders.account.load(account.id);
  }
}

@Resolver(() => ProjectUpdate)
export class ProjectUpdateResolver {
  @ResolveField(() => User)
  author(@Parent() { author }: rows.ProjectUpdate, @Context() { loaders }: RequestContext) {
    return loaders.account.load(author.id);
  }
}

@Resolver(() => Comment)
export class CommentResolver {
  @ResolveField(() => User)
  author(@Parent() { author }: rows.Comment, @Context() { loaders }: RequestContext) {
    return loaders.account.load(author.id);
  }
}

function cursorOf(id: string): string {
  return Buffer.from(JSON.stringify([id])).toString('base64url');
}
