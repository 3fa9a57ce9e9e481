// Notifications as the API shows them.
import { Field, ID, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Role } from '../../engine/access/role.js';
import { ViewerDependent } from '../../engine/access/sharing.js';
import { User } from '../../engine/accounts/account.type.js';
import { connectionType } from '../../engine/graphql/connection.js';
import { ProjectRole } from '../projects/project-role.js';
import { Project } from '../projects/project.type.js';
import { Comment, ProjectUpdate } from '../updates/update.type.js';
import { NotificationKind } from './notification.entity.js';

registerEnumType(NotificationKind, {
  name: 'NotificationKind',
  description: 'Why an account is notified.',
  valuesMap: {
    MENTION: { description: 'Somebody wrote its name behind an `@`, in a project that it is a member of.' },
    MEMBERSHIP: { description: 'It became a member of a project, its role there changed, or it is a member no more.' },
    ROLE: { description: 'The role of the account changed.' },
  },
});

@ObjectType({
  description:
    'Something that concerns one account, done by another. What it is about is shown as it is now, and only while it may be seen.',
})
export class Notification {
  @Field(() => ID, { description: 'Never changes; later ones are greater.' })
  id!: string;

  @Field(() => NotificationKind, { description: 'Why.' })
  kind!: NotificationKind;

  @Field(() => User, { description: 'Who caused it.' })
  actor!: User;

  @Field(() => ID, { nullable: true, description: 'Id of the project, visible or not; null for a `ROLE`.' })
  projectId!: string | null;

  @ViewerDependent()
  @Field(() => Project, {
    nullable: true,
    description: 'Where; null if nowhere, if it is gone, or if the account may not see it any more.',
  })
  project!: Project | null;

  @ViewerDependent()
  @Field(() => ProjectUpdate, {
    nullable: true,
    description: 'The update that mentions the account; null if none does, if it is gone or may not be seen any more.',
  })
  update!: ProjectUpdate | null;

  @ViewerDependent()
  @Field(() => Comment, {
    nullable: true,
    description: 'The comment that mentions the account; null if none does, if it is gone or may not be seen any more.',
  })
  comment!: Comment | null;

  @Field(() => ProjectRole, {
    nullable: true,
    description: 'Of a `MEMBERSHIP`: the role that the account was given there; null if it is a member no more.',
  })
  projectRole!: ProjectRole | null;

  @Field(() => Role, { nullable: true, description: 'Of a `ROLE`: the role that the account was given.' })
  role!: Role | null;

  @Field({ description: 'When.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was marked as read; null before that.' })
  readAt!: Date | null;
}

/** Unread notifications that are counted at most. */
export const MAX_UNREAD_COUNTED = 1_000;

@ObjectType({ description: 'A page of notifications.' })
export class NotificationConnection extends connectionType(() => Notification, 'Notification') {
  @ViewerDependent()
  @Field(() => Int, {
    description: `How many of all are not marked as read, whatever this page holds; ${MAX_UNREAD_COUNTED} for as many or more.`,
  })
  unreadCount!: number;
}
