// Exchanges a refresh token: rotates it, repeats the answer within the reuse window, or ends the session as stolen.
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { OperationContext } from '../access/operation-context.js';
import type { ClientInfo, Transport } from '../access/role.js';
import type { Account } from '../accounts/account.entity.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { repeatedly } from '../database/unit-of-work.js';
import { RefreshTokenReusedError, UnauthenticatedError } from '../errors/service-error.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AccountMails } from './account-mails.js';
import { type PresentedToken, RefreshTokens } from './refresh-tokens.js';
import { originOf, rotate, type SessionOrigin } from './session-statements.js';
import { type Session, SessionEntity } from './session.entity.js';
import { lockAccount, SessionService } from './session.service.js';
import type { OpenSession } from './session-statements.js';

/** What of an operation a refresh needs. */
export type RefreshContext = Pick<OperationContext, 'em' | 'client' | 'assertPageAccount'>;

/** `age` is the ms since the last rotation, on the clock that wrote it. */
const STATE = `
select (extract(epoch from clock_timestamp() - rotated_at) * 1000)::float8 as age,
       ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at) as live
  from session where id = ?`;

const KNOWN_REPLAY = `
select 1 from audit_entry
 where actor_id = ? and at >= ? and action = 'REFRESH_FROM_OTHER_ADDRESS' and subject_id = ? and address = ?
   and details ->> 'generation' = ?::text limit 1`;

/** Origins kept, of about 400 bytes. */
const MAX_ORIGINS = 10_000;

@Injectable()
export class RefreshService {
  /** Of sessions that were rotated here last: their next refresh takes one statement, which finds out whether they have ended. */
  private readonly origins = new LRUCache<string, SessionOrigin>({ max: MAX_ORIGINS });

  constructor(
    private readonly log: EventLog,
    private readonly tokens: RefreshTokens,
    private readonly sessions: SessionService,
    private readonly mails: AccountMails,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Exchanges a refresh token for the session's current one. The previous token gets the same answer within REFRESH_REUSE_WINDOW of the
   * rotation (racing tabs, lost replies). Anything older is theft. `transport` is how the token was sent, which must be that of its session.
   * Throws {@link UnauthenticatedError}, {@link OtherAccountError}, {@link RefreshTokenReusedError}.
   */
  async refresh(token: string, transport: Transport, context: RefreshContext): Promise<OpenSession> {
    const { em: requestEm, client } = context;
    const presented = this.tokens.parse(token);
    const em = requestEm.fork();
    const origin = presented && (this.origins.get(presented.sessionId) ?? (await originOf(em, presented.sessionId)));
    if (!origin || !this.tokens.isGenuine(presented, origin.seed)) {
      const subject = origin && { kind: 'session', id: presented.sessionId };
      const { address } = client;
      await this.audit.recordRepeatable({ action: 'REFRESH_REFUSED', outcome: 'REFUSED', subject, address });
      throw invalid();
    }
    context.assertPageAccount(origin.accountId);
    // Neither renewed nor treated as theft: it was sent in another transport than that of its session.
    if (origin.transport !== transport) throw invalid();
    // Further replays of a stolen token end here: the theft was already reported.
    if (origin.ended) throw invalid();
    const rotated = await repeatedly(() => this.rotate(em, presented, origin, client));
    if (rotated) this.origins.set(presented.sessionId, origin);
    else this.origins.delete(presented.sessionId);
    const outcome = rotated ?? (await this.log.transaction(async (tx) => this.judge(tx, presented, origin, client)));
    if ('stolenFrom' in outcome) {
      this.mails.sessionStolen(outcome.stolenFrom);
      throw new RefreshTokenReusedError();
    }
    return outcome;
  }

  private rotate(
    em: EntityManager,
    { sessionId, generation }: PresentedToken,
    { accountId }: SessionOrigin,
    { address }: ClientInfo,
  ): Promise<OpenSession | undefined> {
    return rotate(em, { accountId, sessionId, generation, address, idleTtl: this.config.sessionIdleTtl });
  }

  /** Why a genuine token could not be rotated. Under the lock this is final. */
  private async judge(
    tx: LoggedTransaction,
    presented: PresentedToken,
    origin: SessionOrigin,
    client: ClientInfo,
  ): Promise<OpenSession | { readonly stolenFrom: Account }> {
    const account = await lockAccount(tx.em, origin.accountId);
    // Read only under the lock: a concurrent refresh may have rotated it.
    const session = account && (await tx.em.findOne(SessionEntity, presented.sessionId));
    if (!session || account.disabledAt) throw invalid();
    const [state] = await tx.em.execute<{ age: number | null; live: boolean }[]>(STATE, [session.id]);
    if (!state?.live) throw invalid();
    if (presented.generation === session.generation) {
      // It was enabled before the lock: the account was disabled meanwhile.
      const rotated = await this.rotate(tx.em, presented, origin, client);
      if (rotated) return rotated;
      throw invalid();
    }
    // Stored times are rounded to ms, possibly up: a negative age must not count as within a window of 0.
    const sinceRotation = Math.max(state.age ?? Number.POSITIVE_INFINITY, 0);
    const justReplaced =
      presented.generation === session.generation - 1 && sinceRotation < this.config.refreshReuseWindow;
    if (justReplaced) {
      if (client.address !== session.address) await this.recordReplay(tx.em, session, client);
      return { account, session };
    }
    if (presented.generation > session.generation) throw invalid();
    const ended = await this.sessions.endLocked(tx, account.id, [session.id], 'TOKEN_REUSED');
    await this.audit.record(tx.em, {
      action: 'REFRESH_TOKEN_REUSED',
      outcome: 'REFUSED',
      subject: { kind: ACCOUNT_RESOURCE, id: account.id },
      address: client.address,
      details: { sessionIds: ended },
    });
    return { stolenFrom: account };
  }

  /** Answers a replay within the window. From another address it may be a thief: audited once per address and generation. */
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
