// The subscriptions to project events, and the fields of events.
import { Args, Context, ID, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { DeliveryArguments, SameResource } from '../../engine/access/sharing.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { encodeCursor } from '../../engine/events/cursor.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { connectionBy, PageArgs } from '../../engine/graphql/pagination/connection.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { cursor, id } from '../../engine/graphql/schema/input-text.js';
import { isKnown, ProjectEventKind, subjectOf } from '../projects/project-events.js';
import { memberByPair, pairOf, projectById } from '../projects/project.loader.js';
import { byProjectId, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project, ProjectMember } from '../projects/project.type.js';
import { LagPolicy, ProjectEvent, ProjectEventConnection } from './project-event.type.js';
import { ProjectFeeds } from './project-feeds.js';
import { ProjectHistory } from './project-history.js';
import { commentById, updateById } from '../updates/update.loader.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';

const AFTER =
  'Cursor of the last known event: later ones are sent first. `CURSOR_EXPIRED` if it was removed from the log.';
const INCLUDE_OWN = 'Include events caused by this session.';
const ON_LAG = 'Policy for a slow reader.';

const feedArgs = {
  after: cursor.nullish(),
  includeOwn: z.boolean().nullish(),
  onLag: z.enum(LagPolicy).nullish(),
};

/** An event with its scalar fields resolved: each field with a resolver would cost every execution several promises. */
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
      'The events of one project, oldest first, with the cursors of subscriptions. ' +
      '`last: 20` returns the newest. `CURSOR_EXPIRED` if a cursor was removed from the log.',
  })
  async projectEvents(
    @Context() context: OperationContext,
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) projectId: string,
    @Args() page: PageArgs,
  ) {
    const { events, hasNextPage, hasPreviousPage } = await this.history.page(context, projectId, page);
    return connectionBy(({ cursor: place }) => place, events.filter(isKnown).map(shown), hasNextPage, hasPreviousPage);
  }

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.object({ projectId: id, ...feedArgs }))
  @SameResource()
  @DeliveryArguments('after', 'includeOwn', 'onLag')
  @Subscription(() => ProjectEvent, {
    resolve: shown,
    description: 'The events of one project, in order and without loss.',
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
    description: 'The events of all projects that the caller may see at that time, in order and without loss.',
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

  @ResolveField(() => User, { description: 'The account that caused the event.' })
  actor(event: ShownEvent, _args: unknown, context: OperationContext) {
    return context.load(accountById, event.actorId);
  }

  @SameResource()
  @ResolveField(() => Project, { description: 'The project of the event.' })
  project(event: ShownEvent, _args: unknown, context: OperationContext) {
    return context.load(projectById, event.resource.id);
  }

  @SameResource()
  @ResolveField(() => ProjectUpdate, {
    nullable: true,
    description: 'The update that the event concerns, in its current state; null if removed.',
  })
  update(event: ShownEvent, _args: unknown, context: OperationContext) {
    const about = event.kind === ProjectEventKind.UPDATE_POSTED || event.kind === ProjectEventKind.UPDATE_EDITED;
    return about ? context.load(updateById, event.subjectId) : null;
  }

  @SameResource()
  @ResolveField(() => Comment, {
    nullable: true,
    description: 'The comment that the event concerns, in its current state; null if removed.',
  })
  comment(event: ShownEvent, _args: unknown, context: OperationContext) {
    const about = event.kind === ProjectEventKind.COMMENT_POSTED || event.kind === ProjectEventKind.COMMENT_EDITED;
    return about ? context.load(commentById, event.subjectId) : null;
  }

  @SameResource()
  @ResolveField(() => ProjectMember, {
    nullable: true,
    description: 'The member that the event concerns, in its current state; null if removed.',
  })
  member(event: ShownEvent, _args: unknown, context: OperationContext) {
    const about = event.kind === ProjectEventKind.MEMBER_ADDED || event.kind === ProjectEventKind.MEMBER_CHANGED;
    return about ? context.load(memberByPair, pairOf(event.resource.id, event.subjectId)) : null;
  }
}
