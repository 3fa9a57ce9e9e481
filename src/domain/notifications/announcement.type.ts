// Announcements as the API shows them.
import { Field, ID, ObjectType } from '@nestjs/graphql';
import { User } from '../../engine/accounts/account.type.js';
import { LongText } from '../../engine/graphql/schema/field-rules.js';

@ObjectType({ description: 'A message to all connected accounts.' })
export class Announcement {
  @Field(() => ID, { description: 'Never changes.' })
  id!: string;

  @LongText(1_000)
  @Field({ description: 'The text.' })
  message!: string;

  @Field(() => User, { description: 'The author.' })
  author!: User;

  @Field({ description: 'When.' })
  createdAt!: Date;
}
