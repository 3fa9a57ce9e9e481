// Presence as the API shows it.
import { Field, ObjectType } from '@nestjs/graphql';
import { User } from '../../engine/accounts/account.type.js';

@ObjectType({ description: 'Who is watching a project now.' })
export class Presence {
  @Field(() => [User], { description: 'Everyone who watches, each once, however many windows are open.' })
  viewers!: User[];
}
