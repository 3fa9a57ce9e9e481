// Presence as the API shows it.
import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { User } from '../../engine/accounts/account.type.js';
import { CountedAs } from '../../engine/graphql/field-rules.js';

/** Accounts that one message names at most, in each of its lists. */
export const MAX_NAMED = 100;

@ObjectType({
  description:
    'Who is watching a project: every account with a subscription to `projectUpdated` or `presenceChanged` of it, on whichever instance.',
})
export class Presence {
  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `Everyone who watches, each once, however many windows are open, in the order of their arrival; at most ${MAX_NAMED}.`,
  })
  viewers!: User[];

  @Field(() => Int, { description: 'How many watch.' })
  count!: number;

  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `Who has come since the message before, ${MAX_NAMED} at most; empty in the first message.`,
  })
  joined!: User[];

  @CountedAs(MAX_NAMED)
  @Field(() => [User], {
    description: `Who has gone since the message before, ${MAX_NAMED} at most; empty in the first message.`,
  })
  left!: User[];
}

/** Projects that `watching` is asked for at most, and accounts that it names of each. */
export const MAX_ASKED = 50;
export const MAX_NAMED_OF_EACH = 20;

@ObjectType({ description: 'Who is watching one project, as of now.' })
export class Watching {
  @Field(() => ID, { description: 'Id of the project.' })
  projectId!: string;

  @Field(() => Int, { description: 'How many watch.' })
  count!: number;

  @CountedAs(MAX_NAMED_OF_EACH)
  @Field(() => [User], {
    description: `The accounts that watch, each once, in the order of their arrival; at most ${MAX_NAMED_OF_EACH}.`,
  })
  viewers!: User[];
}
