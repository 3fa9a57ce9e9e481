// The audit trail as the API shows it.
import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { type AuditAction, auditActions } from './audit-actions.js';
import { connectionType } from '../graphql/pagination/connection.js';
import { JsonScalar } from '../graphql/schema/scalars.js';

export enum AuditOutcome {
  SUCCESS = 'SUCCESS',
  REFUSED = 'REFUSED',
  FAILED = 'FAILED',
}

registerEnumType(AuditOutcome, {
  name: 'AuditOutcome',
  description: 'Outcome of an action.',
  valuesMap: {
    SUCCESS: { description: 'It succeeded.' },
    REFUSED: { description: 'It was not allowed.' },
    FAILED: { description: 'It was allowed but did not succeed.' },
  },
});

@ObjectType({ description: 'A security-relevant action.' })
export class AuditEntry {
  @Field(() => ID, { description: 'Never changes.' })
  id!: string;

  @Field({ description: 'Time of the action; of repetitions, the first.' })
  at!: Date;

  @Field(() => Int, {
    description: 'Number of occurrences: refused and repeatable actions are one entry per ten minutes.',
  })
  count!: number;

  @Field(() => Date, { nullable: true, description: 'Time of the last occurrence; null for a single one.' })
  lastAt!: Date | null;

  @Field(() => auditActions, { description: 'The action.' })
  action!: AuditAction;

  @Field(() => AuditOutcome, { description: 'The outcome.' })
  outcome!: AuditOutcome;

  @Field(() => String, {
    nullable: true,
    description: 'Address of the client, or a network if only that is known; null for the command line.',
  })
  address!: string | null;

  @Field(() => String, { nullable: true, description: 'Type of the object, such as `account`.' })
  subjectKind!: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the object, which may have been removed since.' })
  subjectId!: string | null;

  @Field(() => JsonScalar, {
    description: 'Further ids and names. `others`: entries beyond the limit of one origin.',
  })
  details!: Readonly<Record<string, unknown>>;
}

@ObjectType({ description: 'A page of the audit trail.' })
export class AuditConnection extends connectionType(() => AuditEntry, 'Audit') {}

@InputType({ description: 'Conditions for audit entries; all given ones must hold.' })
export class AuditFilter {
  @Field(() => [auditActions], { nullable: true, description: 'Only these actions.' })
  actions?: AuditAction[] | null;

  @Field(() => ID, { nullable: true, description: 'Only actions of this account.' })
  actorId?: string | null;

  @Field(() => AuditOutcome, { nullable: true, description: 'Only this outcome.' })
  outcome?: AuditOutcome | null;

  @Field(() => Date, { nullable: true, description: 'Only from this time on.' })
  since?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Only before this time.' })
  until?: Date | null;
}
