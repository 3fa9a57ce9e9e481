// The audit trail as the API shows it.
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { connectionType } from '../graphql/connection.js';
import { User } from './account.type.js';

export enum AuditOutcome {
  SUCCESS = 'SUCCESS',
  REFUSED = 'REFUSED',
  FAILED = 'FAILED',
}

registerEnumType(AuditOutcome, {
  name: 'AuditOutcome',
  description: 'How it ended.',
  valuesMap: {
    SUCCESS: { description: 'It was done.' },
    REFUSED: { description: 'It was not allowed.' },
    FAILED: { description: 'It was allowed and did not succeed.' },
  },
});

@ObjectType({ description: 'One act that matters to the security of the installation.' })
export class AuditEntry {
  @Field(() => ID, { description: 'Never changes.' })
  id!: string;

  @Field({ description: 'When; of several repetitions the first.' })
  at!: Date;

  @Field(() => Int, {
    description:
      'How often it happened: what is refused, or can be repeated by anyone, is one entry for ten minutes, not one each time.',
  })
  count!: number;

  @Field(() => Date, { nullable: true, description: 'When it happened last; null if it happened once.' })
  lastAt!: Date | null;

  @Field({ description: 'What was done, such as `LOGIN`.' })
  action!: string;

  @Field(() => AuditOutcome, { description: 'How it ended.' })
  outcome!: AuditOutcome;

  @Field(() => User, { nullable: true, description: 'Who did it; null if nobody was signed in.' })
  actor!: User | null;

  @Field(() => String, {
    nullable: true,
    description: 'Address that it came from, or a network if that is all that is known; null for the command line.',
  })
  address!: string | null;

  @Field(() => String, { nullable: true, description: 'What kind of thing it was done to, such as `account`.' })
  subjectKind!: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of what it was done to; it may be gone since.' })
  subjectId!: string | null;

  @Field({
    description:
      'What else is known of it, ids and names alone, as a JSON object. `others`: what exceeded the bound on entries of one origin.',
  })
  details!: string;
}

@ObjectType({ description: 'A page of the audit trail.' })
export class AuditConnection extends connectionType(() => AuditEntry, 'Audit') {}

@InputType({ description: 'Which entries to list; all given conditions must hold.' })
export class AuditFilter {
  @Field(() => [String], { nullable: true, description: 'Only these acts.' })
  actions?: string[] | null;

  @Field(() => ID, { nullable: true, description: 'Only what this account did.' })
  actorId?: string | null;

  @Field(() => AuditOutcome, { nullable: true, description: 'Only what ended so.' })
  outcome?: AuditOutcome | null;

  @Field(() => Date, { nullable: true, description: 'Only from then on.' })
  since?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Only before then.' })
  until?: Date | null;
}
