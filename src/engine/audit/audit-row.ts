// An entry of the audit trail, and the statement that writes it (see the migration).
import type { EntityManager } from '@mikro-orm/postgresql';
import { execute } from '../database/unit-of-work.js';
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

/** Writes the entry with its `count`, and returns its id. */
export async function insertEntry(em: EntityManager, entry: AuditRecord, count: number): Promise<string> {
  const [row] = await execute<{ id: string }>(em, 'select audit_v1($1, $2) as id', [JSON.stringify(entry), count]);
  return row!.id;
}
