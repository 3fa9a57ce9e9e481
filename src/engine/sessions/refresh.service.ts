// A refresh token exchanged: rotated, given once more to whoever missed the reply, or taken for stolen.
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { OperationContext } from '../access/operation-context.js';
import type { ClientInfo, Transport } from '../access/role.js';
import type { Account } from '../accounts/account.entity.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { RefreshTokenReusedError, UnauthenticatedError } from '../errors/service-error.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AccountMails } from './account-mails.js';
import { type PresentedToken, RefreshTokens } from './refresh-tokens.js';
import { originOf, rotate, type SessionOrigin } from './rotation.js';
import { type Session, SessionEntity } from './session.entity.js';
import { lockAccount, type OpenSession, SessionService } from './session.service.js';

/** What of an operation a refresh needs. */
export type RefreshContext = Pick<OperationContext, 'em' | 'client' | 'assertShown'>;

/** `age` is the ms since the last rotation, on the clock that wrote it. */
const STATE = `
select (extract(epoch from clock_timestamp() - rotated_at) * 1000)::float8 as age,
       ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at) as live
  from session where id = ?`;

const KNOWN_REPLAY = `
select 1 from audit_entry
 where actor_id = ? and at >= ? and action = 'REFRESH_FROM_OTHER_ADDRESS' and subject_id = ? and address = ?
   and details ->> 'generation' = ?::text limit 1`;

@Injectable()
export class RefreshService {
  constructor(
    private readonly log: EventLog,
    private readonly tokens: RefreshTokens,
    private readonly sessions: SessionService,
    private readonly mails: AccountMails,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Exchanges a refresh token for the session's present one. The token before it gets the same answer within
   * REFRESH_REUSE_WINDOW of the rotation: tabs that race, a reply that was lost. Anything older is theft. `transport` is how the
   * token came, which must be that of its session.
   * Throws {@link UnauthenticatedError}, {@link OtherAccountError}, {@link RefreshTokenReusedError}.
   */
  async refresh(token: string, transport: Transport, context: RefreshContext): Promise<OpenSession> {
    const { em: view, client } = context;
    const shown = this.tokens.parse(token);
    const em = view.fork();
    const origin = shown && (await originOf(em, shown.sessionId));
    if (!origin || !this.tokens.isGenuine(shown, origin.seed)) {
      const subject = origin && { kind: 'session', id: shown.sessionId };
      const { address } = client;
      await this.audit.recordRepeatable({ action: 'REFRESH_REFUSED', outcome: 'REFUSED', subject, address });
      throw invalid();
    }
    context.assertShown(origin.accountId);
    // Neither renewed nor stolen: it did not come as tokens of this session do.
    if (origin.transport !== transport) throw invalid();
    // Replays of a stolen token end here, however many: it was told once.
    if (origin.ended) throw invalid();
    const outcome =
      (await this.rotate(em, shown, origin, client)) ??
      (await this.log.transaction(async (tx) => this.judge(tx, shown, origin, client)));
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
