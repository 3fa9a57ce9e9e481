// Notifications as the API shows them.
import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Role } from '../../engine/access/role.js';
import { ViewerDependent } from '../../engine/access/sharing.js';
import { User } from '../../engine/accounts/account.type.js';
import { connectionType } from '../../engine/graphql/pagination/connection.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';
import { NotificationKind } from './notification.entity.js';

registerEnumType(NotificationKind, {
  name: 'NotificationKind',
  description: 'Reasons for a notification.',
  valuesMap: {
    MENTION: { description: 'Another account mentioned it with `@name` in a project of which it is a member.' },
    MEMBERSHIP: { description: 'It was added to a project, its role there changed, or it was removed.' },
    ROLE: { description: 'The role of the account changed.' },
  },
});

@ObjectType({
  description:
    'An action of another account that concerns this one. Related objects are shown in their current state, while visible.',
})
export class Notification {
  @Field(() => ID, { description: 'Stable; increases over time.' })
  id!: string;

  @Field(() => NotificationKind, { description: 'Why.' })
  kind!: NotificationKind;

  @Field(() => User, { description: 'The account that caused it.' })
  actor!: User;

  @Field(() => ID, { nullable: true, description: 'Id of the project, visible or not; null for a `ROLE`.' })
  projectId!: string | null;

  @ViewerDependent()
  @Field(() => Project, {
    nullable: true,
    description: 'The project; null without one, or if it is deleted or not visible any more.',
  })
  project!: Project | null;

  @ViewerDependent()
  @Field(() => ProjectUpdate, {
    nullable: true,
    description: 'The update that mentions the account; null without one, or if it is removed or not visible any more.',
  })
  update!: ProjectUpdate | null;

  @ViewerDependent()
  @Field(() => Comment, {
    nullable: true,
    description:
      'The comment that mentions the account; null without one, or if it is removed or not visible any more.',
  })
  comment!: Comment | null;

  @Field(() => ProjectRole, {
    nullable: true,
    description: 'Of a `MEMBERSHIP`: the new role in the project; null if the account was removed.',
  })
  projectRole!: ProjectRole | null;

  @Field(() => Role, { nullable: true, description: 'Of a `ROLE`: the new role.' })
  role!: Role | null;

  @Field({ description: 'When.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was marked as read; null if unread.' })
  readAt!: Date | null;
}

/** Upper limit of the unread count. */
export const MAX_UNREAD_COUNTED = 1_000;

@ObjectType({ description: 'A page of notifications.' })
export class NotificationConnection extends connectionType(() => Notification, 'Notification') {
  @ViewerDependent()
  @Field(() => Int, {
    description: `Number of all unread notifications, at most ${MAX_UNREAD_COUNTED}.`,
  })
  unreadCount!: number;
}
