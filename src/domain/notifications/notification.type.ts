// Notifications, announcements and presence as the API shows them.
import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { User } from '../../engine/accounts/account.type.js';
import { connectionType } from '../../engine/graphql/connection.js';
import { Project } from '../projects/project.type.js';
import { NotificationKind } from './notification.entity.js';

registerEnumType(NotificationKind, {
  name: 'NotificationKind',
  description: 'Why an account is notified.',
  valuesMap: {
    MENTION: { description: 'Somebody wrote its name behind an `@`.' },
    MEMBERSHIP: { description: 'It became a member of a project, its role there changed, or it is a member no more.' },
    ROLE: { description: 'The role of the account changed.' },
  },
});

@ObjectType({ description: 'Something that concerns one account.' })
export class Notification {
  @Field(() => ID, { description: 'Never changes; later ones are greater.' })
  id!: string;

  @Field(() => NotificationKind, { description: 'Why.' })
  kind!: NotificationKind;

  @Field(() => User, { description: 'Who caused it.' })
  actor!: User;

  @Field(() => Project, {
    nullable: true,
    description: 'Where; null if nowhere, or if the account may not see it any more.',
  })
  project!: Project | null;

  @Field({ description: 'When.' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was marked as read; null before that.' })
  readAt!: Date | null;
}

@ObjectType({ description: 'A page of notifications.' })
export class NotificationConnection extends connectionType(() => Notification, 'Notification') {}

@ObjectType({ description: 'A message to everyone.' })
export class Announcement {
  @Field(() => ID, { description: 'Never changes.' })
  id!: string;

  @Field({ description: 'The text.' })
  message!: string;

  @Field(() => User, { description: 'Who wrote it.' })
  author!: User;

  @Field({ description: 'When.' })
  createdAt!: Date;
}

@ObjectType({ description: 'Who is watching a project now.' })
export class Presence {
  @Field(() => [User], { description: 'Everyone who watches, each once, however many windows are open.' })
  viewers!: User[];
}
