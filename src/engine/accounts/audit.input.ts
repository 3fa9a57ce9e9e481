// The shape that a filter of the audit trail must have.
import { z } from 'zod';
import { id } from '../graphql/input-text.js';
import { AUDIT_ACTIONS } from '../audit/audit-row.js';
import { AuditOutcome } from './audit.type.js';

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const time = z
  .date('is not a point in time, as in 2026-11-21T09:30:00Z')
  // JavaScript writes other years in a way that PostgreSQL cannot read.
  .refine((at) => at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9_999, 'must be of the years 1 to 9999');

const filter = z
  .object({
    // Their number first: each that is wrong would be a problem of its own.
    actions: optional(
      z
        .array(z.string())
        .max(AUDIT_ACTIONS.length, 'names each action once')
        .pipe(z.array(z.enum(AUDIT_ACTIONS, 'is not an action of the audit trail'))),
    ),
    actorId: optional(id),
    outcome: optional(z.enum(AuditOutcome)),
    since: optional(time),
    until: optional(time),
  })
  .refine(({ since, until }) => !since || !until || since <= until, { path: ['until'], message: 'is before since' });

export const auditArgs = z.looseObject({ filter: optional(filter) });

export type AuditFilterInput = z.output<typeof filter>;
