// Validates the filter of the audit trail.
import { z } from 'zod';
import { id } from '../graphql/schema/input-text.js';
import { type AuditAction, auditActions } from './audit-actions.js';
import { AuditOutcome } from './audit.type.js';

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const time = z
  .date('is not a point in time, as in 2026-11-21T09:30:00Z')
  // PostgreSQL cannot parse the form in which JavaScript prints other years.
  .refine((at) => at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9_999, 'must be of the years 1 to 9999');

const filter = z
  .object({
    // GraphQL has checked that each is an action.
    actions: optional(
      z
        .array(z.custom<AuditAction>())
        .refine(({ length }) => length <= Object.keys(auditActions).length, 'names each action once'),
    ),
    actorId: optional(id),
    outcome: optional(z.enum(AuditOutcome)),
    since: optional(time),
    until: optional(time),
  })
  .refine(({ since, until }) => !since || !until || since <= until, { path: ['until'], message: 'is before since' });

export const auditArgs = z.looseObject({ filter: optional(filter) });

export type AuditFilterInput = z.output<typeof filter>;
