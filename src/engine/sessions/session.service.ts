// Opens and ends sessions (refresh.service.ts rotates them). Every change locks the account's row first, which serializes them.
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { ClientInfo, Transport } from '../access/role.js';
import { type Account, AccountEntity } from '../accounts/account.entity.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import type { AuditAction } from '../audit/audit-actions.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { SESSIONS_ENDED, sessionsEndedFacts } from './session-cache.js';
import { type NewSession, open, type OpenSession, signIn, type Verified } from './session-statements.js';

/** Why a session ended. */
export type EndReason =
  | 'LOGOUT'
  | 'REPLACED'
  | 'REVOKED'
  | 'TOKEN_REUSED'
  | 'DISABLED'
  | 'PASSWORD_CHANGED'
  | 'PASSWORD_RESET';

/** Audit actions of endings; other reasons are audited by the action that caused them. */
const AUDITED: Partial<Record<EndReason, AuditAction>> = { LOGOUT: 'LOGOUT', REVOKED: 'SESSION_REVOKED' };

const END = `
update session set ended_at = clock_timestamp(), end_reason = ?
 where id = any(string_to_array(?, ',')::uuid[]) and account_id = ? and ended_at is null returning id`;

const LIVE_IDS = `
select id from session
 where account_id = ? and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)`;

@Injectable()
export class SessionService {
  constructor(
    private readonly log: EventLog,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /** Opens a session in the caller's transaction, which has locked the account's row. The account must be enabled. */
  open(em: EntityManager, account: Account, client: ClientInfo, transport: Transport): Promise<OpenSession> {
    return open(em, account, this.newSession(client, transport));
  }

  /** Opens a session of an account whose password was verified; undefined: it was changed, or the account disabled. */
  signIn(
    em: EntityManager,
    accountId: string,
    verified: Verified,
    client: ClientInfo,
    transport: Transport,
  ): Promise<OpenSession | undefined> {
    return signIn(em, accountId, verified, this.newSession(client, transport));
  }

  private newSession(client: ClientInfo, transport: Transport): NewSession {
    const { sessionIdleTtl: idle, sessionMaxAge: age } = this.config;
    return { id: uuid(), transport, client, idle, age };
  }

  /**
   * Ends those of the account's sessions that are live; returns their ids. Effective on this instance when it returns. `bySession`: the
   * calling one. Throws UNAUTHENTICATED if that has ended.
   */
  end(
    accountId: string,
    sessionIds: readonly string[],
    reason: EndReason,
    client?: ClientInfo,
    bySession?: string,
  ): Promise<readonly string[]> {
    return this.log.transaction(async (tx) => {
      await lockAccount(tx.em, accountId);
      const ended = await this.endLocked(actingFrom(tx, bySession), accountId, sessionIds, reason);
      return this.audited(tx, accountId, ended, reason, client);
    });
  }

  /** Ends every live session of the account except `kept`; returns their ids. */
  endAll(
    accountId: string,
    kept: string | undefined,
    reason: EndReason,
    client?: ClientInfo,
    bySession?: string,
  ): Promise<readonly string[]> {
    return this.log.transaction(async (tx) => {
      await lockAccount(tx.em, accountId);
      const ended = await this.endAllLocked(actingFrom(tx, bySession), accountId, kept, reason);
      return this.audited(tx, accountId, ended, reason, client);
    });
  }

  /** The same in the caller's transaction, which has locked the account's row. `actorId`: the actor, if not the account. */
  async endAllLocked(
    tx: LoggedTransaction,
    accountId: string,
    kept: string | undefined,
    reason: EndReason,
    actorId = accountId,
  ): Promise<readonly string[]> {
    // Read only under the lock: a concurrent sign-in either comes before, and ends too, or after.
    const rows = await tx.em.execute<{ id: string }[]>(LIVE_IDS, [accountId]);
    const ids = rows.map(({ id }) => id).filter((id) => id !== kept);
    // The password changed: earlier reset tokens must not undo that.
    if (reason !== 'LOGOUT') await tx.em.execute('delete from password_reset where account_id = ?', [accountId]);
    return this.endLocked(tx, accountId, ids, reason, actorId);
  }

  /** Ends those of the sessions that are live, in the caller's transaction, which has locked the account's row. Returns their ids. */
  async endLocked(
    tx: LoggedTransaction,
    accountId: string,
    sessionIds: readonly string[],
    reason: EndReason,
    actorId = accountId,
  ): Promise<readonly string[]> {
    const rows = await tx.em.execute<{ id: string }[]>(END, [reason, sessionIds.join(','), accountId]);
    const ended = rows.map(({ id }) => id);
    if (ended.length > 0) {
      const resource = { kind: ACCOUNT_RESOURCE, id: accountId };
      tx.record({
        resource,
        kind: SESSIONS_ENDED,
        actorId,
        facts: sessionsEndedFacts.parse({ sessionIds: ended, reason }),
      });
    }
    return ended;
  }

  /** Audits that the account ended `ended`, if any. */
  private async audited(
    { em }: LoggedTransaction,
    accountId: string,
    ended: readonly string[],
    reason: EndReason,
    client: ClientInfo | undefined,
  ): Promise<readonly string[]> {
    const action = AUDITED[reason];
    if (!action || ended.length === 0) return ended;
    const subject = { kind: ACCOUNT_RESOURCE, id: accountId };
    const details = { sessionIds: ended };
    await this.audit.record(em, {
      action,
      outcome: 'SUCCESS',
      actorId: accountId,
      subject,
      address: client?.address,
      details,
    });
    return ended;
  }
}

/**
 * Locks the account's row until the transaction ends. Every opening, rotation and ending of a session starts with it; operations on two
 * accounts lock both at once.
 */
export async function lockAccount(em: EntityManager, id: string, other = id): Promise<Account | null> {
  // In id order, so that two of these never deadlock.
  await em.execute('select 1 from account where id in (?, ?) order by id for no key update', [id, other]);
  return em.findOne(AccountEntity, { id, isSystem: false });
}

/** The same transaction, with `sessionId` as the session of its events. */
function actingFrom({ em, record }: LoggedTransaction, sessionId: string | undefined): LoggedTransaction {
  return { em, record: (event) => record({ ...event, sessionId }) };
}
