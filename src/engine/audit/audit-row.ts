// An entry of the audit trail, and the statement that writes it.
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import type { AuditAction } from './audit-actions.js';

/** `REFUSED`: not allowed. `FAILED`: allowed, but not possible. */
export type AuditOutcome = 'SUCCESS' | 'REFUSED' | 'FAILED';

export interface AuditRecord {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** The acting account; absent without a sign-in. */
  readonly actorId?: string | undefined;
  /** The object of the action. */
  readonly subject?: { readonly kind: string; readonly id: string } | undefined;
  /** Address of the client; absent for actions of the installation itself. */
  readonly address?: string | undefined;
  /** Names and ids, never user input. */
  readonly details?: Readonly<Record<string, unknown>>;
}

// The id starts with the same ms on the database's clock: the trail is sorted by id.
const INSERT = `
insert into audit_entry (id, at, action, outcome, actor_id, subject_kind, subject_id, address, details, count)
select overlay(?::text placing left(ms, 8) || '-' || right(ms, 4) from 1)::uuid, at, ?, ?, ?::uuid, ?, ?::uuid, ?, ?::jsonb, ?
  from (select date_trunc('milliseconds', clock_timestamp()) as at) moment,
       lateral (select lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as ms) begun
returning id`;

/** Writes the entry with its `count`, and returns its id. */
export async function insertEntry(em: EntityManager, entry: AuditRecord, count: number): Promise<string> {
  const { action, outcome, actorId, subject, address, details = {} } = entry;
  const [row] = await em.execute<{ id: string }[]>(INSERT, [
    uuid(),
    action,
    outcome,
    actorId ?? null,
    subject?.kind ?? null,
    subject?.id ?? null,
    address ?? null,
    JSON.stringify(details),
    count,
  ]);
  return row!.id;
}
