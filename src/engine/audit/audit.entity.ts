// The table of the audit trail.
import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { AuditOutcome } from './audit-row.js';

export const AuditEntryEntity = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entry',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime(3),
    action: p.text(),
    outcome: p.text().$type<AuditOutcome>(),
    actorId: p.uuid().nullable(),
    subjectKind: p.text().nullable(),
    subjectId: p.uuid().nullable(),
    address: p.text().nullable(),
    details: p.json<Record<string, unknown>>(),
    /** Number of occurrences; `lastAt` is absent for a single one. */
    count: p.integer(),
    lastAt: p.datetime(3).nullable(),
  },
});

export type AuditEntry = InferEntity<typeof AuditEntryEntity>;
