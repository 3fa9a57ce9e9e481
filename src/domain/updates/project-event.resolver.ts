// The live subscriptions of projects, and what hangs on their events.
import { Args, Context, ID, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { DeliveryArguments, SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { encodeCursor } from '../../engine/events/cursor.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { connectionBy, PageArgs } from '../../engine/graphql/connection.js';
import { Input } from '../../engine/graphql/field-rules.js';
import { cursor, id } from '../../engine/graphql/input-text.js';
import { ProjectEventKind, subjectOf } from '../projects/project-events.js';
import { memberByPair, pairOf, projectById } from '../projects/project.loader.js';
import { byProjectId, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project, ProjectMember } from '../projects/project.type.js';
import { LagPolicy, ProjectEvent, ProjectEventConnection } from './project-event.type.js';
import { ProjectFeeds } from './project-feeds.js';
import { ProjectHistory } from './project-history.js';
import { commentById, updateById } from './update.loader.js';
import { Comment, ProjectUpdate } from './update.type.js';

const AFTER =
  'Cursor of the last event that you know: what came after it is sent first. `CURSOR_EXPIRED` if it is gone.';
const INCLUDE_OWN = 'Also events that this session has caused.';
const ON_LAG = 'What to send when you cannot keep up.';

const feedArgs = {
  after: cursor.nullish(),
  includeOwn: z.boolean().nullish(),
  onLag: z.enum(LagPolicy).nullish(),
};

/** An event with what is shown of it: fields that need no resolver, of which each would cost every execution some promises. */
const shown = (event: LogEvent) => ({
  ...event,
  cursor: encodeCursor(event),
  at: new Date(event.at),
  subjectId: subjectOf(event),
});
type ShownEvent = ReturnType<typeof shown>;

@Resolver(() => ProjectEvent)
export class ProjectEventResolver {
  constructor(
    private readonly feeds: ProjectFeeds,
    private readonly history: ProjectHistory,
  ) {}

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.looseObject({ projectId: id }))
  @Query(() => ProjectEventConnection, {
    description:
      'What has happened in one project, the oldest first: the same log that subscriptions follow, with the same cursors. ' +
      '`last: 20` is the newest; `after` a cursor is what has come since. `CURSOR_EXPIRED` if a cursor is gone.',
  })
  async projectEvents(
    @Context() { em }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args() page: PageArgs,
  ) {
    const { events, hasNextPage, hasPreviousPage } = await this.history.page(em, projectId, page);
    return connectionBy(({ cursor: place }) => place, events.map(shown), hasNextPage, hasPreviousPage);
  }

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.object({ projectId: id, ...feedArgs }))
  @SameResource()
  @DeliveryArguments('after', 'includeOwn', 'onLag')
  @Subscription(() => ProjectEvent, {
    resolve: shown,
    description: 'What happens in one project, in order, none missing.',
  })
  projectUpdated(
    @Context() { viewer }: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args('after', { type: () => String, nullable: true, description: AFTER }) after: string | null,
    @Args('includeOwn', { type: () => Boolean, nullable: true, defaultValue: true, description: INCLUDE_OWN })
    includeOwn: boolean | null,
    @Args('onLag', { type: () => LagPolicy, nullable: true, defaultValue: LagPolicy.CATCH_UP, description: ON_LAG })
    onLag: LagPolicy,
  ) {
    return this.feeds.ofProject(viewer, projectId, { after, includeOwn, onLag });
  }

  @SignedIn()
  @Input(z.object(feedArgs))
  @SameResource()
  @DeliveryArguments('after', 'includeOwn', 'onLag')
  @Subscription(() => ProjectEvent, {
    resolve: shown,
    description: 'What happens in all projects that the caller may see at that time, in order, none missing.',
  })
  projectsUpdated(
    @Context() { viewer }: OperationContext,
    @Args('after', { type: () => String, nullable: true, description: AFTER }) after: string | null,
    @Args('includeOwn', { type: () => Boolean, nullable: true, defaultValue: true, description: INCLUDE_OWN })
    includeOwn: boolean | null,
    @Args('onLag', { type: () => LagPolicy, nullable: true, defaultValue: LagPolicy.CATCH_UP, description: ON_LAG })
    onLag: LagPolicy,
  ) {
    return this.feeds.ofAll(viewer, { after, includeOwn, onLag });
  }

  @ResolveField(() => User, { description: 'Who caused it.' })
  actor(@Parent() event: ShownEvent, @Context() context: OperationContext) {
    return context.load(accountById, event.actorId);
  }

  @SameResource()
  @ResolveField(() => Project, { description: 'Where it happened.' })
  project(@Parent() event: ShownEvent, @Context() context: OperationContext) {
    return context.load(projectById, event.resource.id);
  }

  @SameResource()
  @ResolveField(() => ProjectUpdate, {
    nullable: true,
    description: 'The update that it is about, as it is now; null if it is gone.',
  })
  update(@Parent() event: ShownEvent, @Context() context: OperationContext) {
    const about = event.kind === ProjectEventKind.UPDATE_POSTED || event.kind === ProjectEventKind.UPDATE_EDITED;
    return about ? context.load(updateById, event.subjectId) : null;
  }

  @SameResource()
  @ResolveField(() => Comment, {
    nullable: true,
    description: 'The comment that it is about, as it is now; null if it is gone.',
  })
  comment(@Parent() event: ShownEvent, @Context() context: OperationContext) {
    const about = event.kind === ProjectEventKind.COMMENT_POSTED || event.kind === ProjectEventKind.COMMENT_EDITED;
    return about ? context.load(commentById, event.subjectId) : null;
  }

  @SameResource()
  @ResolveField(() => ProjectMember, {
    nullable: true,
    description: 'The member that it is about, as it is now; null if it is gone.',
  })
  member(@Parent() event: ShownEvent, @Context() context: OperationContext) {
    const about = event.kind === ProjectEventKind.MEMBER_ADDED || event.kind === ProjectEventKind.MEMBER_CHANGED;
    return about ? context.load(memberByPair, pairOf(event.resource.id, event.subjectId)) : null;
  }
}
