// The statements that open and rotate sessions. Functions of the database (see the migration) lock, check and write.
import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientInfo, Transport } from '../access/role.js';
import { type Account, AccountEntity } from '../accounts/account.entity.js';
import type { AuditRecord } from '../audit/audit-row.js';
import { fromRow, type Row } from '../database/rows.js';
import { execute } from '../database/unit-of-work.js';
import { networkOf } from '../limits/client-network.js';
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

/** A session to open. */
export interface NewSession {
  readonly id: string;
  readonly transport: Transport;
  readonly client: ClientInfo;
  /** Lifetimes in ms. */
  readonly idle: number;
  readonly age: number;
}

export interface OpenSession {
  readonly account: Account;
  readonly session: Session;
}

/** A password that was verified, and what its sign-in records. */
export interface Verified {
  /** The hash that it was verified against. */
  readonly passwordHash: string;
  /** A hash to replace that with. */
  readonly renewed?: string | undefined;
  readonly audit: AuditRecord;
}

const ORIGIN = 'select account_id, seed, transport, ended_at is not null as ended from session where id = $1';
const OPEN = 'select open_session_v1($1, $2, $3, $4, $5, $6, $7, $8) as session';
const SIGN_IN = 'select opened as session, owner from sign_in_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)';
const ROTATE = 'select rotated as session, owner from rotate_session_v1($1, $2, $3, $4, $5)';

/** A row of sessions as JSON, its seed in hex. */
type SessionRow = Row & { readonly seed: string };

interface Owned {
  readonly session: SessionRow;
  readonly owner: Row;
}

export async function originOf(em: EntityManager, sessionId: string): Promise<SessionOrigin | undefined> {
  type Found = { account_id: string; seed: Buffer; transport: Transport; ended: boolean };
  const [row] = await execute<Found>(em, ORIGIN, [sessionId]);
  return row && { accountId: row.account_id, seed: row.seed, transport: row.transport, ended: row.ended };
}

/** Opens a session in the caller's transaction, which has locked the account's row. The account must be enabled. */
export async function open(em: EntityManager, account: Account, session: NewSession): Promise<OpenSession> {
  const [row] = await execute<Pick<Owned, 'session'>>(em, OPEN, parametersOf(account.id, session));
  return { account, session: sessionOf(em, row!.session) };
}

/**
 * Opens a session, audits, and notes the network. Undefined, without a change, if the hash was replaced or the account disabled
 * meanwhile. Locks the account's row.
 */
export async function signIn(
  em: EntityManager,
  accountId: string,
  { passwordHash, renewed, audit }: Verified,
  session: NewSession,
): Promise<OpenSession | undefined> {
  const network = networkOf(session.client.address);
  const parameters = [
    passwordHash,
    renewed ?? null,
    network,
    JSON.stringify(audit),
    ...parametersOf(accountId, session),
  ];
  return owned(em, await execute<Owned>(em, SIGN_IN, parameters));
}

/** Advances the generation, on the database's clock. Undefined, without a change, unless it is the current one of a live session. */
export async function rotate(
  em: EntityManager,
  { accountId, sessionId, generation, address, idleTtl }: Rotation,
): Promise<OpenSession | undefined> {
  return owned(em, await execute<Owned>(em, ROTATE, [accountId, sessionId, generation, address, idleTtl]));
}

function parametersOf(accountId: string, { id, transport, client, idle, age }: NewSession): readonly unknown[] {
  return [id, accountId, randomBytes(32), transport, client.address, client.userAgent ?? null, idle, age];
}

function owned(em: EntityManager, [row]: readonly Owned[]): OpenSession | undefined {
  return row && { account: fromRow(em, AccountEntity, row.owner), session: sessionOf(em, row.session) };
}

function sessionOf(em: EntityManager, { seed, ...row }: SessionRow): Session {
  return fromRow(em, SessionEntity, { ...row, seed: Buffer.from(seed, 'hex') });
}
