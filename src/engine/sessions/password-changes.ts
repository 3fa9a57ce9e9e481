// Replaces a password and ends all sessions that were opened with it. The account's row is locked first, so a concurrent sign-in that
// verified the old hash finds the new one.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { ClientInfo, Principal } from '../access/role.js';
import { type Account, AccountEntity } from '../accounts/account.entity.js';
import { Passwords } from '../passwords/passwords.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import { InvalidCredentialsError, UnauthenticatedError } from '../errors/service-error.js';
import type { AuditAction } from '../audit/audit-actions.js';
import type { AuditOutcome, AuditRecord } from '../audit/audit-row.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AccountMails } from './account-mails.js';
import { SessionEntity } from './session.entity.js';
import { lockAccount, SessionService } from './session.service.js';
import type { OpenSession } from './session-statements.js';

/** Attempts while concurrent sign-ins rehash the password. */
const MAX_ATTEMPTS = 3;

@Injectable()
export class PasswordChanges {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
    private readonly mails: AccountMails,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Changes the viewer's password and opens a session that replaces all others. Throws {@link InvalidCredentialsError} if `current`
   * is wrong, {@link UnauthenticatedError} if the viewer's session ends meanwhile.
   */
  async change(viewer: Principal, current: string, next: string, client: ClientInfo): Promise<OpenSession> {
    const caller = { purpose: 'change', accountId: viewer.accountId } as const;
    let passwordHash: string | undefined;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const known = await this.orm.em.fork().findOne(AccountEntity, viewer.accountId);
      if (!known || !(await this.passwords.matches(current, known.passwordHash, caller))) break;
      passwordHash ??= await this.passwords.hash(next, caller);
      const opened = await this.replaceVerified(viewer, known, passwordHash, client);
      if (!opened) continue;
      this.mails.passwordChanged(opened.account);
      return opened;
    }
    // A concurrent change ends this session: report that, not a wrong password.
    if (viewer.session.ended) throw new UnauthenticatedError();
    await this.audit.recordRepeatable(entryOf(viewer.accountId, 'PASSWORD_CHANGED', 'REFUSED', client));
    throw new InvalidCredentialsError('The current password is wrong.');
  }

  /** A new session, if the verified hash is still the account's; undefined: it was replaced meanwhile. */
  private replaceVerified(
    viewer: Principal,
    known: Account,
    passwordHash: string,
    client: ClientInfo,
  ): Promise<OpenSession | undefined> {
    return this.log.transaction(async (tx) => {
      const account = await lockAccount(tx.em, viewer.accountId);
      const own = await tx.em.findOne(SessionEntity, viewer.sessionId);
      if (!account || account.disabledAt || !own || own.endedAt) throw new UnauthenticatedError();
      // A sign-in may have rehashed the same password.
      if (account.passwordHash !== known.passwordHash) return undefined;
      await this.replaceLocked(tx, account, passwordHash, 'PASSWORD_CHANGED', client);
      return this.sessions.open(tx.em, account, client, viewer.transport);
    });
  }

  /** Sets the hash and ends every session, in a transaction that has locked the account's row. */
  async replaceLocked(
    tx: LoggedTransaction,
    account: Account,
    passwordHash: string,
    why: 'PASSWORD_CHANGED' | 'PASSWORD_RESET',
    client: ClientInfo,
  ): Promise<void> {
    account.passwordHash = passwordHash;
    await tx.em.flush();
    await this.sessions.endAllLocked(tx, account.id, undefined, why);
    await this.audit.record(tx.em, entryOf(account.id, why, 'SUCCESS', client));
  }
}

function entryOf(actorId: string, action: AuditAction, outcome: AuditOutcome, { address }: ClientInfo): AuditRecord {
  return { action, outcome, actorId, subject: { kind: ACCOUNT_RESOURCE, id: actorId }, address };
}
