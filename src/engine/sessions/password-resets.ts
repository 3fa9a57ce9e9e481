// A forgotten password replaced, by the token that was mailed: once, within half an hour of database time.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ClientInfo } from '../access/role.js';
import { Passwords } from '../accounts/passwords.js';
import { EventLog } from '../events/event-log.js';
import { BadUserInputError } from '../errors/service-error.js';
import { AccountMails } from './account-mails.js';
import { PasswordChanges } from './password-changes.js';
import { tokenHashOf } from './password-reset-requests.js';
import { lockAccount } from './session.service.js';

const FIND = 'select account_id from password_reset where token_hash = ? and expires_at > clock_timestamp()';

const USE = `
delete from password_reset
 where account_id = ? and token_hash = ? and expires_at > clock_timestamp() returning account_id`;

@Injectable()
export class PasswordResets {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly passwords: Passwords,
    private readonly changes: PasswordChanges,
    private readonly mails: AccountMails,
  ) {}

  /** Sets the password by a token, which is used up, and ends every session. Throws {@link BadUserInputError}. */
  async reset(token: string, next: string, client: ClientInfo): Promise<void> {
    const tokenHash = tokenHashOf(token);
    const [known] = await this.orm.em.fork().execute<{ account_id: string }[]>(FIND, [tokenHash]);
    // Looked up first, so that a token that was made up costs no hashing.
    if (!known) throw invalid();
    const passwordHash = await this.passwords.hash(next);
    const account = await this.log.transaction(async (tx) => {
      const locked = await lockAccount(tx.em, known.account_id);
      if (!locked || locked.disabledAt) throw invalid();
      // Under the lock, and judged anew: of those who race with one token a single one finds it.
      const used = await tx.em.execute<unknown[]>(USE, [locked.id, tokenHash]);
      if (used.length === 0) throw invalid();
      await this.changes.replaceLocked(tx, locked, passwordHash, 'PASSWORD_RESET', client);
      return locked;
    });
    this.mails.passwordChanged(account);
  }
}

function invalid(): BadUserInputError {
  const message = 'is not valid: it was used, replaced by a newer one, or is older than 30 minutes';
  return new BadUserInputError([{ path: 'input.token', message }]);
}
