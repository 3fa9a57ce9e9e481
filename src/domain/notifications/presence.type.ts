// Presence as the API shows it.
import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { User } from '../../engine/accounts/account.type.js';
import { CountedAs } from '../../engine/graphql/schema/field-rules.js';

/** Upper limit of accounts in each list of a message. */
export const MAX_NAMED = 100;

@ObjectType({
  description:
    'The viewers of a project: accounts with a subscription to its `projectUpdated` or `presenceChanged`, at any instance.',
})
export class Presence {
  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `The viewers, each account once, in order of arrival; at most ${MAX_NAMED}.`,
  })
  viewers!: User[];

  @Field(() => Int, { description: 'Number of viewers.' })
  count!: number;

  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `Viewers that joined since the previous message, at most ${MAX_NAMED}; empty in the first one.`,
  })
  joined!: User[];

  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `Viewers that left since the previous message, at most ${MAX_NAMED}; empty in the first one.`,
  })
  left!: User[];
}

/** Upper limits of projects per `watching` query, and of accounts per project. */
export const MAX_ASKED = 50;
export const MAX_NAMED_OF_EACH = 20;

@ObjectType({ description: 'The current viewers of one project.' })
export class Watching {
  @Field(() => ID, { description: 'Id of the project.' })
  projectId!: string;

  @Field(() => Int, { description: 'Number of viewers.' })
  count!: number;

  @CountedAs(MAX_NAMED_OF_EACH)
  @Field(() => [User], {
    description: `The viewers, each account once, in order of arrival; at most ${MAX_NAMED_OF_EACH}.`,
  })
  viewers!: User[];
}
