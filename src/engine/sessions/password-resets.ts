// Forgotten passwords: a token by mail, good once and for half an hour of database time. Who asks learns nothing about
// whether there is an account: the answer waits for nothing that only an account causes.
import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ClientInfo } from '../access/role.js';
import { AccountService } from '../accounts/account.service.js';
import { Passwords } from '../accounts/passwords.js';
import { inTransaction } from '../database/unit-of-work.js';
import { EventLog } from '../events/event-log.js';
import { BadUserInputError } from '../errors/service-error.js';
import { AccountMails } from './account-mails.js';
import { PasswordChanges } from './password-changes.js';
import { lockAccount } from './session.service.js';

const REPLACE = `
insert into password_reset (account_id, token_hash, requested_at, expires_at)
values (?, ?, clock_timestamp(), clock_timestamp() + interval '30 minutes')
on conflict (account_id) do update
   set token_hash = excluded.token_hash, requested_at = excluded.requested_at, expires_at = excluded.expires_at`;

const FIND = 'select account_id from password_reset where token_hash = ? and expires_at > clock_timestamp()';

const USE = `
delete from password_reset
 where account_id = ? and token_hash = ? and expires_at > clock_timestamp() returning account_id`;

@Injectable()
export class PasswordResets {
  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly accounts: AccountService,
    private readonly passwords: Passwords,
    private readonly changes: PasswordChanges,
    private readonly mails: AccountMails,
  ) {}

  /** Has a token mailed, if there is an account that may sign in. Only the look-up, the same for all, is waited for. */
  async request(email: string): Promise<void> {
    const account = await this.accounts.findByEmail(this.orm.em.fork(), email);
    if (account) this.mails.passwordReset(() => this.issue(account.id));
  }

  /** Sets the password by a token, which is used up, and ends every session. Throws {@link BadUserInputError}. */
  async reset(token: string, next: string, client: ClientInfo): Promise<void> {
    const tokenHash = hashOf(token);
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

  private issue(accountId: string): Promise<{ email: string; token: string } | undefined> {
    return inTransaction(this.orm, async (em) => {
      const account = await lockAccount(em, accountId);
      if (!account?.email || account.disabledAt) return undefined;
      const token = randomBytes(32).toString('base64url');
      await em.execute(REPLACE, [account.id, hashOf(token)]);
      return { email: account.email, token };
    });
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function invalid(): BadUserInputError {
  const message = 'is not valid: it was used, replaced by a newer one, or is older than 30 minutes';
  return new BadUserInputError([{ path: 'input.token', message }]);
}
