// An entry of the audit trail, and the statement that writes it.
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';

/** Every act that is recorded, in the words of `AuditEntry.action`. */
export const AUDIT_ACTIONS = [
  'REGISTER',
  'LOGIN',
  'LOGOUT',
  'SESSION_REVOKED',
  'SESSIONS_ENDED',
  'REFRESH_TOKEN_REUSED',
  'REFRESH_FROM_OTHER_ADDRESS',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET_REQUESTED',
  'PASSWORD_RESET',
  'ACCOUNT_CREATED',
  'ROLE_CHANGED',
  'ACCOUNT_DISABLED',
  'ACCOUNT_ENABLED',
  'PROJECT_DELETED',
  'MEMBER_ADDED',
  'MEMBER_CHANGED',
  'MEMBER_REMOVED',
  'UPDATE_REMOVED',
  'COMMENT_REMOVED',
  'ANNOUNCED',
  'REFRESH_REFUSED',
  'ACCESS_TOKEN_REFUSED',
  'OPERATION_REFUSED',
  'QUERY_REFUSED',
  'MUTATION_REFUSED',
  'SUBSCRIPTION_REFUSED',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** `REFUSED`: not allowed. `FAILED`: allowed, and not possible. */
export type AuditOutcome = 'SUCCESS' | 'REFUSED' | 'FAILED';

export interface AuditRecord {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** Account that did it; absent if nobody was signed in. */
  readonly actorId?: string | undefined;
  /** What it was done to. */
  readonly subject?: { readonly kind: string; readonly id: string } | undefined;
  /** Where it came from; absent for what the installation itself does. */
  readonly address?: string | undefined;
  /** Names and ids, never what people have typed. */
  readonly details?: Readonly<Record<string, unknown>>;
}

// The id begins with the same ms, whatever the clock of the node says: it is what the trail is read in the order of.
const INSERT = `
insert into audit_entry (id, at, action, outcome, actor_id, subject_kind, subject_id, address, details, count)
select overlay(?::text placing left(ms, 8) || '-' || right(ms, 4) from 1)::uuid, at, ?, ?, ?::uuid, ?, ?::uuid, ?, ?::jsonb, ?
  from (select date_trunc('milliseconds', clock_timestamp()) as at) moment,
       lateral (select lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') as ms) begun
returning id`;

/** Writes the entry, which happened `count` times, and returns its id. */
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
