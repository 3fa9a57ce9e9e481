// Sets a new password by a mailed link, which works once within half an hour of database time.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ClientInfo } from '../access/role.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { Passwords } from '../passwords/passwords.js';
import { networkOf } from '../limits/client-network.js';
import { EventLog } from '../events/event-log.js';
import { BadUserInputError } from '../errors/service-error.js';
import { AccountMails } from './account-mails.js';
import { rememberIn } from './known-addresses.js';
import { PasswordChanges } from './password-changes.js';
import { accountOfLink } from './password-reset-links.js';
import { lockAccount } from './session.service.js';

@Injectable()
export class PasswordResets {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly passwords: Passwords,
    private readonly changes: PasswordChanges,
    private readonly mails: AccountMails,
    private readonly audit: AuditTrail,
  ) {}

  /** Sets the password by a link; all links and sessions of the account end. Throws {@link BadUserInputError}. */
  async reset(token: string, next: string, client: ClientInfo): Promise<void> {
    const accountId = await accountOfLink(this.orm.em.fork(), token);
    // Looked up first, so that an invented token costs no hashing.
    if (accountId === undefined) {
      const { address } = client;
      await this.audit.recordRepeatable({ action: 'PASSWORD_RESET', outcome: 'REFUSED', address });
      throw invalid();
    }
    const passwordHash = await this.passwords.hash(next, { purpose: 'change', accountId });
    const account = await this.log.transaction(async (tx) => {
      const locked = await lockAccount(tx.em, accountId);
      if (!locked || locked.disabledAt) throw invalid();
      // Checked again under the lock: of concurrent resets with links of one account, one succeeds.
      if ((await accountOfLink(tx.em, token)) !== locked.id) throw invalid();
      await this.changes.replaceLocked(tx, locked, passwordHash, 'PASSWORD_RESET', client);
      // Failed sign-ins of strangers may block unknown networks of the owner: the reset makes this one known.
      await rememberIn(tx.em, locked.id, networkOf(client.address));
      return locked;
    });
    this.mails.passwordChanged(account);
  }
}

function invalid(): BadUserInputError {
  const message =
    'is not valid: it or a newer link was used, the password was changed since, or it is older than 30 minutes';
  return new BadUserInputError([{ path: 'input.token', message }]);
}
