// `notifications`, `markNotificationsRead`, `notificationReceived`, and what hangs on a notification.
import { Args, Context, ID, Int, Mutation, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { Role } from '../../engine/access/role.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { ForwardArgs } from '../../engine/graphql/connection.js';
import { Input } from '../../engine/graphql/field-rules.js';
import { id } from '../../engine/graphql/input-text.js';
import type { Project as ProjectRow } from '../projects/project.entity.js';
import { projectById } from '../projects/project.loader.js';
import { effectiveProjectRole, ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import { commentById, updateById } from '../updates/update.loader.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';
import { type Notification as NotificationRow, NotificationKind } from './notification.entity.js';
import { notificationById } from './notification.loader.js';
import { type NewNotification, NotificationService } from './notification.service.js';
import { Notification, NotificationConnection } from './notification.type.js';

const byId = ({ id: notificationId }: NewNotification, _args: unknown, context: OperationContext) =>
  context.load(notificationById, notificationId);

@Resolver(() => Notification)
export class NotificationResolver {
  constructor(private readonly service: NotificationService) {}

  @SignedIn()
  @Query(() => NotificationConnection, { description: 'What concerns the account, newest first.' })
  notifications(
    @Context() context: OperationContext,
    @Args() page: ForwardArgs,
    @Args('unread', { type: () => Boolean, nullable: true, description: 'Only those that are not marked as read.' })
    unread?: boolean | null,
  ) {
    return this.service.list(context, page, unread);
  }

  @SignedIn()
  @Input(z.object({ upTo: id }))
  @Mutation(() => Int, { description: 'Marks notifications as read, up to and including one. Returns how many.' })
  markNotificationsRead(
    @Context() context: OperationContext,
    @Args('upTo', { type: () => ID, description: 'Id of the newest one that was read.' }) upTo: string,
  ) {
    return this.service.markRead(context, upTo);
  }

  @SignedIn()
  @Subscription(() => Notification, {
    resolve: byId,
    description:
      'What concerns the account, as it happens, whichever instance it happens on. After a lost connection read `notifications`.',
  })
  notificationReceived(@Context() { viewer }: OperationContext) {
    return this.service.subscribe(viewer.accountId);
  }

  @ResolveField(() => User)
  actor(@Parent() { actorId }: NotificationRow, @Context() context: OperationContext) {
    return context.load(accountById, actorId);
  }

  @ResolveField(() => Project, { nullable: true })
  project(@Parent() notification: NotificationRow, @Context() context: OperationContext) {
    return visibleProject(notification, context);
  }

  @ResolveField(() => ProjectUpdate, { nullable: true })
  async update(@Parent() notification: NotificationRow, @Context() context: OperationContext) {
    if (notification.subjectKind !== 'UPDATE' || !(await visibleProject(notification, context))) return null;
    return context.load(updateById, notification.subjectId!);
  }

  @ResolveField(() => Comment, { nullable: true })
  async comment(@Parent() notification: NotificationRow, @Context() context: OperationContext) {
    if (notification.subjectKind !== 'COMMENT' || !(await visibleProject(notification, context))) return null;
    return context.load(commentById, notification.subjectId!);
  }

  @ResolveField(() => ProjectRole, { nullable: true })
  projectRole(@Parent() { kind, role }: NotificationRow) {
    return kind === NotificationKind.MEMBERSHIP ? role : null;
  }

  @ResolveField(() => Role, { nullable: true })
  role(@Parent() { kind, role }: NotificationRow) {
    return kind === NotificationKind.ROLE ? role : null;
  }
}

@Resolver(() => NotificationConnection)
export class NotificationConnectionResolver {
  constructor(private readonly service: NotificationService) {}

  @ResolveField(() => Int)
  unreadCount(@Context() context: OperationContext) {
    return this.service.countUnread(context);
  }
}

/** The project that a notification is about, if the viewer may see it now. */
async function visibleProject({ projectId }: NotificationRow, context: OperationContext): Promise<ProjectRow | null> {
  if (!projectId || !effectiveProjectRole(context.viewer.rights, projectId)) return null;
  const project = await context.load(projectById, projectId);
  return project && !project.deletedAt ? project : null;
}
