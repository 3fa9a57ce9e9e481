// `notifications`, `markNotificationsRead`, `notificationReceived`, and the fields of a notification.
import { Args, Context, ID, Int, Mutation, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { SignedIn } from '../../engine/access/policies.js';
import { Role } from '../../engine/access/role.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { ForwardArgs } from '../../engine/graphql/pagination/connection.js';
import { Input } from '../../engine/graphql/schema/field-rules.js';
import { id } from '../../engine/graphql/schema/input-text.js';
import { projectById, type ProjectRow } from '../projects/project.loader.js';
import { effectiveProjectRole, ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import { commentById, updateById } from '../updates/update.loader.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';
import { NotificationKind } from './notification.entity.js';
import { notificationById, type NotificationRow } from './notification.loader.js';
import { type NewNotification, NotificationService } from './notification.service.js';
import { Notification, NotificationConnection } from './notification.type.js';

const byId = ({ id: notificationId }: NewNotification, _args: unknown, context: OperationContext) =>
  context.load(notificationById, notificationId);

@Resolver(() => Notification)
export class NotificationResolver {
  constructor(private readonly service: NotificationService) {}

  @SignedIn()
  @Query(() => NotificationConnection, { description: 'The notifications of the account, newest first.' })
  notifications(
    @Context() context: OperationContext,
    @Args() page: ForwardArgs,
    @Args('unread', { type: () => Boolean, nullable: true, description: 'Only unread ones.' })
    unread?: boolean | null,
  ) {
    return this.service.list(context, page, unread);
  }

  @SignedIn()
  @Input(z.object({ upTo: id }))
  @Mutation(() => Int, { description: 'Marks notifications as read, up to and including one. Returns their number.' })
  markNotificationsRead(
    @Context() context: OperationContext,
    @Args('upTo', { type: () => ID, description: 'Id of the newest notification to mark.' }) upTo: string,
  ) {
    return this.service.markRead(context, upTo);
  }

  @SignedIn()
  @Subscription(() => Notification, {
    resolve: byId,
    description: 'New notifications of the account from all instances. After a lost connection, read `notifications`.',
  })
  notificationReceived(@Context() { viewer }: OperationContext) {
    return this.service.subscribe(viewer.accountId);
  }

  @ResolveField(() => User)
  actor({ actorId }: NotificationRow, _args: unknown, context: OperationContext) {
    return context.load(accountById, actorId);
  }

  @ResolveField(() => Project, { nullable: true })
  project(notification: NotificationRow, _args: unknown, context: OperationContext) {
    return visibleProject(notification, context);
  }

  @ResolveField(() => ProjectUpdate, { nullable: true })
  async update(notification: NotificationRow, _args: unknown, context: OperationContext) {
    if (notification.subjectKind !== 'UPDATE' || !(await visibleProject(notification, context))) return null;
    return context.load(updateById, notification.subjectId!);
  }

  @ResolveField(() => Comment, { nullable: true })
  async comment(notification: NotificationRow, _args: unknown, context: OperationContext) {
    if (notification.subjectKind !== 'COMMENT' || !(await visibleProject(notification, context))) return null;
    return context.load(commentById, notification.subjectId!);
  }

  @ResolveField(() => ProjectRole, { nullable: true })
  projectRole({ kind, role }: NotificationRow) {
    return kind === NotificationKind.MEMBERSHIP ? role : null;
  }

  @ResolveField(() => Role, { nullable: true })
  role({ kind, role }: NotificationRow) {
    return kind === NotificationKind.ROLE ? role : null;
  }
}

@Resolver(() => NotificationConnection)
export class NotificationConnectionResolver {
  constructor(private readonly service: NotificationService) {}

  @ResolveField(() => Int)
  unreadCount(_parent: unknown, _args: unknown, context: OperationContext) {
    return this.service.countUnread(context);
  }
}

/** The project of a notification, if the viewer may see it now. */
async function visibleProject({ projectId }: NotificationRow, context: OperationContext): Promise<ProjectRow | null> {
  if (!projectId || !effectiveProjectRole(context.viewer.rights, projectId)) return null;
  const project = await context.load(projectById, projectId);
  return project && !project.deletedAt ? project : null;
}
