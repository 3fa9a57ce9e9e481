// The life of a session: opened, rotated, ended. Every act locks the account's row first, so that none can slip past another.
import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { ClientInfo, Transport } from '../access/role.js';
import { type Account, AccountEntity } from '../accounts/account.entity.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import { type AuditAction, AuditTrail } from '../operations/audit.js';
import { RefreshTokenReusedError, UnauthenticatedError } from '../errors/service-error.js';
import { AccountMails } from './account-mails.js';
import { type PresentedToken, RefreshTokens } from './refresh-tokens.js';
import { originOf, rotate, type SessionOrigin } from './rotation.js';
import { type Session, SessionEntity } from './session.entity.js';
import { SESSIONS_ENDED } from './session.view.js';

/** Why a session ended. */
export type EndReason =
  | 'LOGOUT'
  | 'REPLACED'
  | 'REVOKED'
  | 'TOKEN_REUSED'
  | 'DISABLED'
  | 'PASSWORD_CHANGED'
  | 'PASSWORD_RESET';

/** What the audit trail calls an ending; the reasons that are not here are recorded as the act that ended the sessions. */
const AUDITED: Partial<Record<EndReason, AuditAction>> = { LOGOUT: 'LOGOUT', REVOKED: 'SESSION_REVOKED' };

export interface OpenSession {
  readonly account: Account;
  readonly session: Session;
}

const OPEN = `
insert into session (id, account_id, seed, transport, address, user_agent, idle_expires_at, expires_at)
values (?, ?, ?, ?, ?, ?, now() + least(?, ?) * interval '1 ms', now() + ? * interval '1 ms')`;

/** `age` is the ms since the last rotation, on the clock that wrote it. */
const STATE = `
select (extract(epoch from clock_timestamp() - rotated_at) * 1000)::float8 as age,
       ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at) as live
  from session where id = ?`;

const END = `
update session set ended_at = clock_timestamp(), end_reason = ?
 where id = any(string_to_array(?, ',')::uuid[]) and account_id = ? and ended_at is null returning id`;

const KNOWN_REPLAY = `
select 1 from audit_entry
 where actor_id = ? and at >= ? and action = 'REFRESH_FROM_OTHER_ADDRESS' and subject_id = ? and address = ?
   and details ->> 'generation' = ?::text limit 1`;

const LIVE_IDS = `
select id from session
 where account_id = ? and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)`;

@Injectable()
export class SessionService {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly tokens: RefreshTokens,
    private readonly mails: AccountMails,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /** Opens a session in the caller's transaction. The account's row must be locked, and enabled. */
  async open(em: EntityManager, account: Account, client: ClientInfo, transport: Transport): Promise<OpenSession> {
    const id = uuid();
    const { sessionIdleTtl: idle, sessionMaxAge: age } = this.config;
    const origin = [client.address, client.userAgent ?? null];
    await em.execute(OPEN, [id, account.id, randomBytes(32), transport, ...origin, idle, age, age]);
    return { account, session: await em.findOneOrFail(SessionEntity, id) };
  }

  /**
   * Exchanges a refresh token for the session's present one. The token before it gets the same answer within
   * REFRESH_REUSE_WINDOW of the rotation: tabs that race, a reply that was lost. Anything older is theft. `transport` is how the
   * token came, which must be that of its session.
   * Throws {@link UnauthenticatedError}, {@link RefreshTokenReusedError}.
   */
  async refresh(token: string, transport: Transport, client: ClientInfo): Promise<OpenSession> {
    const shown = this.tokens.parse(token);
    const em = this.orm.em.fork();
    const origin = shown && (await originOf(em, shown.sessionId));
    if (!origin || !this.tokens.isGenuine(shown, origin.seed)) throw invalid();
    // Neither renewed nor stolen: it did not come as tokens of this session do.
    if (origin.transport !== transport) throw invalid();
    const outcome =
      (await this.rotate(em, shown, origin, client)) ??
      (await this.log.transaction(async (tx) => this.judge(tx, shown, origin, client)));
    if ('stolenFrom' in outcome) {
      this.mails.sessionStolen(outcome.stolenFrom);
      throw new RefreshTokenReusedError();
    }
    return outcome;
  }

  /** Ends those of the account's sessions that still live; returns their ids. Effective on this node when it returns. */
  end(
    accountId: string,
    sessionIds: readonly string[],
    reason: EndReason,
    client?: ClientInfo,
  ): Promise<readonly string[]> {
    return this.log.transaction(async (tx) => {
      await lockAccount(tx.em, accountId);
      const ended = await this.endLocked(tx, accountId, sessionIds, reason);
      return this.audited(tx, accountId, ended, reason, client);
    });
  }

  /** Ends every session of the account that lives, however many, but `kept`; returns their ids. */
  endAll(
    accountId: string,
    kept: string | undefined,
    reason: EndReason,
    client?: ClientInfo,
  ): Promise<readonly string[]> {
    return this.log.transaction(async (tx) => {
      await lockAccount(tx.em, accountId);
      const ended = await this.endAllLocked(tx, accountId, kept, reason);
      return this.audited(tx, accountId, ended, reason, client);
    });
  }

  /** The same in the caller's transaction, which has locked the account's row. `actorId`: who ends them, if not the account. */
  async endAllLocked(
    tx: LoggedTransaction,
    accountId: string,
    kept: string | undefined,
    reason: EndReason,
    actorId = accountId,
  ): Promise<readonly string[]> {
    // Read only under the lock: a sign-in that is under way either comes before it, and ends too, or after.
    const rows = await tx.em.execute<{ id: string }[]>(LIVE_IDS, [accountId]);
    const ids = rows.map(({ id }) => id).filter((id) => id !== kept);
    // Another password, or none any more: a reset token of before must not undo that.
    if (reason !== 'LOGOUT') await tx.em.execute('delete from password_reset where account_id = ?', [accountId]);
    return this.endLocked(tx, accountId, ids, reason, actorId);
  }

  /** Ends those of the sessions that live, in the caller's transaction, which has locked the account's row. Returns their ids. */
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
      tx.record({ resource, kind: SESSIONS_ENDED, actorId, facts: { sessionIds: ended, reason } });
    }
    return ended;
  }

  private rotate(
    em: EntityManager,
    { sessionId, generation }: PresentedToken,
    { accountId }: SessionOrigin,
    { address }: ClientInfo,
  ): Promise<OpenSession | undefined> {
    return rotate(em, { accountId, sessionId, generation, address, idleTtl: this.config.sessionIdleTtl });
  }

  /** What it means that a genuine token could not be rotated. Under the lock nothing of that changes any more. */
  private async judge(
    tx: LoggedTransaction,
    shown: PresentedToken,
    origin: SessionOrigin,
    client: ClientInfo,
  ): Promise<OpenSession | { readonly stolenFrom: Account }> {
    const account = await lockAccount(tx.em, origin.accountId);
    // Read only under the lock: another refresh may just have rotated it.
    const session = account && (await tx.em.findOne(SessionEntity, shown.sessionId));
    if (!session || account.disabledAt) throw invalid();
    const [state] = await tx.em.execute<{ age: number | null; live: boolean }[]>(STATE, [session.id]);
    if (!state?.live) throw invalid();
    if (shown.generation === session.generation) {
      // It was not so a moment ago: the account was disabled then.
      const rotated = await this.rotate(tx.em, shown, origin, client);
      if (rotated) return rotated;
      throw invalid();
    }
    // Stored times are rounded to the ms, up as well: an age below zero must not pass for "within" a window of none.
    const sinceRotation = Math.max(state.age ?? Number.POSITIVE_INFINITY, 0);
    const justReplaced = shown.generation === session.generation - 1 && sinceRotation < this.config.refreshReuseWindow;
    if (justReplaced) {
      if (client.address !== session.address) await this.recordReplay(tx.em, session, client);
      return { account, session };
    }
    if (shown.generation > session.generation) throw invalid();
    const ended = await this.endLocked(tx, account.id, [session.id], 'TOKEN_REUSED');
    await this.audit.record(tx.em, {
      action: 'REFRESH_TOKEN_REUSED',
      outcome: 'REFUSED',
      subject: { kind: ACCOUNT_RESOURCE, id: account.id },
      address: client.address,
      details: { sessionIds: ended },
    });
    return { stolenFrom: account };
  }

  /** Records the account's own ending of `ended`; nothing when nothing ended. */
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

  /** A replay within the window is answered; from elsewhere it may be a thief's: recorded once an address and generation. */
  private async recordReplay(em: EntityManager, session: Session, { address }: ClientInfo): Promise<void> {
    const known = await em.execute<unknown[]>(KNOWN_REPLAY, [
      session.accountId,
      session.rotatedAt,
      session.id,
      address,
      session.generation,
    ]);
    if (known.length > 0) return;
    await this.audit.record(em, {
      action: 'REFRESH_FROM_OTHER_ADDRESS',
      outcome: 'SUCCESS',
      actorId: session.accountId,
      subject: { kind: 'session', id: session.id },
      address,
      details: { generation: session.generation },
    });
  }
}

function invalid(): UnauthenticatedError {
  return new UnauthenticatedError('This refresh token is not valid.');
}

/**
 * Locks the account's row until the transaction ends. Everything that opens, rotates or ends a session begins with it; whoever
 * deals with two accounts locks both at once.
 */
export async function lockAccount(em: EntityManager, id: string, other = id): Promise<Account | null> {
  // In the order of ids, so that two of these never wait for each other.
  await em.execute('select 1 from account where id in (?, ?) order by id for no key update', [id, other]);
  return em.findOne(AccountEntity, { id, isSystem: false });
}
