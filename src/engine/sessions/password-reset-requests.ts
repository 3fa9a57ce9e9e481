// Asking for a new password: a token by mail, good once and for half an hour of database time. Who asks learns nothing about
// whether there is an account: the answer waits for nothing that only an account causes.
import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { ClientInfo } from '../access/role.js';
import { AccountService } from '../accounts/account.service.js';
import { inTransaction } from '../database/unit-of-work.js';
import { AuditTrail } from '../operations/audit.js';
import { AccountMails } from './account-mails.js';
import { lockAccount } from './session.service.js';

const REPLACE = `
insert into password_reset (account_id, token_hash, requested_at, expires_at)
values (?, ?, clock_timestamp(), clock_timestamp() + interval '30 minutes')
on conflict (account_id) do update
   set token_hash = excluded.token_hash, requested_at = excluded.requested_at, expires_at = excluded.expires_at`;

@Injectable()
export class PasswordResetRequests {
  constructor(
    private readonly orm: MikroORM,
    private readonly accounts: AccountService,
    private readonly mails: AccountMails,
    private readonly audit: AuditTrail,
  ) {}

  /** Has a token mailed, if there is an account that may sign in. Only what is the same for all is waited for. */
  async request(email: string, { address }: ClientInfo): Promise<void> {
    const id = await this.accounts.idOf(this.orm.em.fork(), email);
    // Whoever asks is nobody yet: the account, if there is one, is what it was done to. What was typed is nowhere.
    const subject = id ? { kind: ACCOUNT_RESOURCE, id } : undefined;
    await this.audit.record(undefined, { action: 'PASSWORD_RESET_REQUESTED', outcome: 'SUCCESS', subject, address });
    if (id) this.mails.passwordReset(() => this.issue(id));
  }

  private issue(accountId: string): Promise<{ email: string; token: string } | undefined> {
    return inTransaction(this.orm, async (em) => {
      const account = await lockAccount(em, accountId);
      if (!account?.email || account.disabledAt) return undefined;
      const token = randomBytes(32).toString('base64url');
      await em.execute(REPLACE, [account.id, tokenHashOf(token)]);
      return { email: account.email, token };
    });
  }
}

/** What recognises a token in the database, which never holds it. */
export function tokenHashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
