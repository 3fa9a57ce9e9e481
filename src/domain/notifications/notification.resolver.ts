// Notifications, announcements and presence: in the schema already, not built yet, and saying so.
import { Args, ID, Int, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import { HasRole, SignedIn } from '../../engine/access/policies.js';
import { Role } from '../../engine/access/role.js';
import { notYet } from '../../engine/errors/not-yet.js';
import { ForwardArgs } from '../../engine/graphql/connection.js';
import { Input } from '../../engine/graphql/field-rules.js';
import { id } from '../../engine/graphql/input-text.js';
import { byProjectId, RequiresProjectRole } from '../projects/project.policies.js';
import { ProjectRole } from '../projects/project-role.js';
import { Announcement, Notification, NotificationConnection, Presence } from './notification.type.js';

@Resolver(() => Notification)
export class NotificationResolver {
  @SignedIn()
  @Query(() => NotificationConnection, { description: 'What concerns the account, newest first.' })
  notifications(
    @Args() _page: ForwardArgs,
    @Args('unread', { type: () => Boolean, nullable: true, description: 'Only those that are not marked as read.' })
    _unread?: boolean | null,
  ): NotificationConnection {
    return notYet('Notifications');
  }

  @SignedIn()
  @Mutation(() => Int, { description: 'Marks notifications as read, up to and including one. Returns how many.' })
  markNotificationsRead(
    @Args('upTo', { type: () => ID, description: 'Id of the newest one that was read.' }) _upTo: string,
  ): number {
    return notYet('Notifications');
  }

  @HasRole(Role.ADMIN)
  @Mutation(() => Announcement, { description: 'Sends a message to everyone who is connected.' })
  announce(@Args('message', { description: '1 to 1,000 characters.' }) _message: string): Announcement {
    return notYet('Announcements');
  }

  @SignedIn()
  @Subscription(() => Notification, { description: 'What concerns the account, as it happens.' })
  notificationReceived(): AsyncIterable<Notification> {
    return notYet('Notifications');
  }

  @SignedIn()
  @Subscription(() => Announcement, { description: 'Messages to everyone, as they are sent. Not resumable.' })
  announcementPosted(): AsyncIterable<Announcement> {
    return notYet('Announcements');
  }

  @RequiresProjectRole(ProjectRole.VIEWER, byProjectId('projectId'))
  @Input(z.object({ projectId: id }))
  @Subscription(() => Presence, { description: 'Who is watching a project, now and whenever that changes.' })
  presenceChanged(
    @Args('projectId', { type: () => ID, description: 'Id of the project.' }) _projectId: string,
  ): AsyncIterable<Presence> {
    return notYet('Presence');
  }
}
