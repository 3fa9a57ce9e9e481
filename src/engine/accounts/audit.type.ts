// The audit trail as the API shows it.
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { AUDIT_ACTIONS, type AuditAction } from '../audit/audit-row.js';
import { connectionType } from '../graphql/connection.js';
import { JsonScalar } from '../graphql/scalars.js';
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

/** As GraphQL knows them. */
const AuditActions = Object.fromEntries(AUDIT_ACTIONS.map((action) => [action, action])) as Record<
  AuditAction,
  AuditAction
>;

registerEnumType(AuditActions, {
  name: 'AuditAction',
  description: 'What was done. Expect other acts in later versions.',
  valuesMap: {
    REGISTER: { description: 'An account was registered.' },
    LOGIN: { description: 'Somebody signed in, or tried to.' },
    LOGOUT: { description: 'A session was ended by signing out.' },
    SESSION_REVOKED: { description: 'A session was ended from another one.' },
    SESSIONS_ENDED: { description: 'All sessions of an account were ended.' },
    REFRESH_TOKEN_REUSED: { description: 'A refresh token was used that had been replaced: its session was ended.' },
    REFRESH_FROM_OTHER_ADDRESS: { description: 'The same refresh token came from two addresses within a few seconds.' },
    PASSWORD_CHANGED: { description: 'A password was changed by its owner.' },
    PASSWORD_RESET_REQUESTED: { description: 'A link to set a new password was asked for.' },
    PASSWORD_RESET: { description: 'A new password was set by a link, or by an administrator.' },
    ACCOUNT_CREATED: { description: 'An account was made by an administrator.' },
    ROLE_CHANGED: { description: 'An account was given another role.' },
    ACCOUNT_DISABLED: { description: 'An account was disabled.' },
    ACCOUNT_ENABLED: { description: 'An account was enabled again.' },
    PROJECT_DELETED: { description: 'A project was deleted.' },
    MEMBER_ADDED: { description: 'An account became a member of a project.' },
    MEMBER_CHANGED: { description: 'A member of a project was given another role.' },
    MEMBER_REMOVED: { description: 'A membership was ended.' },
    UPDATE_REMOVED: { description: 'An update was removed.' },
    COMMENT_REMOVED: { description: 'A comment was removed.' },
    ANNOUNCED: { description: 'A message was sent to everyone.' },
    REFRESH_REFUSED: { description: 'A refresh token was shown that was none.' },
    OPERATION_REFUSED: { description: 'An operation was refused as a whole.' },
    QUERY_REFUSED: { description: 'A query was refused.' },
    MUTATION_REFUSED: { description: 'A mutation was refused.' },
    SUBSCRIPTION_REFUSED: { description: 'A subscription was refused.' },
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

  @Field(() => AuditActions, { description: 'What was done.' })
  action!: AuditAction;

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

  @Field(() => JsonScalar, {
    description:
      'What else is known of it, an object of ids and names alone. `others`: what exceeded the bound on entries of one origin.',
  })
  details!: Readonly<Record<string, unknown>>;
}

@ObjectType({ description: 'A page of the audit trail.' })
export class AuditConnection extends connectionType(() => AuditEntry, 'Audit') {}

@InputType({ description: 'Which entries to list; all given conditions must hold.' })
export class AuditFilter {
  @Field(() => [AuditActions], { nullable: true, description: 'Only these acts.' })
  actions?: AuditAction[] | null;

  @Field(() => ID, { nullable: true, description: 'Only what this account did.' })
  actorId?: string | null;

  @Field(() => AuditOutcome, { nullable: true, description: 'Only what ended so.' })
  outcome?: AuditOutcome | null;

  @Field(() => Date, { nullable: true, description: 'Only from then on.' })
  since?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Only before then.' })
  until?: Date | null;
}
