// The two statements of a successful refresh, in plain SQL without a transaction: a third of the cost of entities.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Transport } from '../access/role.js';
import { type Account, AccountEntity } from '../accounts/account.entity.js';
import { fromRow, type Row } from '../database/rows.js';
import { type Session, SessionEntity } from './session.entity.js';

/** Immutable columns of a session, read without a lock. An ended session never lives again. */
export interface SessionOrigin {
  readonly accountId: string;
  readonly seed: Buffer;
  readonly transport: Transport;
  readonly ended: boolean;
}

export interface Rotation {
  readonly accountId: string;
  readonly sessionId: string;
  /** The generation to replace. */
  readonly generation: number;
  readonly address: string;
  /** New idle lifetime in ms. */
  readonly idleTtl: number;
}

const ORIGIN = 'select account_id, seed, transport, ended_at is not null as ended from session where id = ?';

/**
 * Locks the account's row before the session's, as everywhere. After waiting for the lock, PostgreSQL re-evaluates the session's row
 * in its current state (READ COMMITTED).
 */
const ROTATE = `
with owner as materialized (select * from account where id = ? and not is_system for no key update)
update session set generation = generation + 1, rotated_at = clock_timestamp(), last_used_at = clock_timestamp(), address = ?,
       idle_expires_at = least(clock_timestamp() + ? * interval '1 ms', expires_at)
  from owner
 where session.id = ? and session.generation = ? and session.account_id = owner.id and owner.disabled_at is null
   and session.ended_at is null and clock_timestamp() < least(session.idle_expires_at, session.expires_at)
returning session.*, to_json(owner) as account`;

export async function originOf(em: EntityManager, sessionId: string): Promise<SessionOrigin | undefined> {
  type Found = { account_id: string; seed: Buffer; transport: Transport; ended: boolean };
  const [row] = await em.execute<Found[]>(ORIGIN, [sessionId]);
  return row && { accountId: row.account_id, seed: row.seed, transport: row.transport, ended: row.ended };
}

/** Advances the generation, on the database's clock. Undefined, without a change, unless it is the current one of a live session. */
export async function rotate(
  em: EntityManager,
  { accountId, sessionId, generation, address, idleTtl }: Rotation,
): Promise<{ readonly account: Account; readonly session: Session } | undefined> {
  const [row] = await em.execute<(Row & { account: Row })[]>(ROTATE, [
    accountId,
    address,
    idleTtl,
    sessionId,
    generation,
  ]);
  if (!row) return undefined;
  return { account: fromRow(em, AccountEntity, row.account), session: fromRow(em, SessionEntity, row) };
}
