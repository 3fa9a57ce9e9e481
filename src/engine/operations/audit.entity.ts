// The table of the audit trail.
import { defineEntity, p } from '@mikro-orm/core';

export const AuditEntryEntity = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entry',
  properties: {
    id: p.uuid().primary(),
    at: p.datetime(3),
    action: p.text(),
    outcome: p.text().$type<'SUCCESS' | 'REFUSED' | 'FAILED'>(),
    actorId: p.uuid().nullable(),
    subjectKind: p.text().nullable(),
    subjectId: p.uuid().nullable(),
    address: p.text().nullable(),
    details: p.json<Record<string, unknown>>(),
  },
});
