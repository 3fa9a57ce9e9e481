// Requests a reset link by mail. The response does not reveal whether the account exists, not even by timing, and earlier links
// stay valid, so requests by strangers do not hurt the owner.
import { Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { ClientInfo } from '../access/role.js';
import { AccountService } from '../accounts/account.service.js';
import { inTransaction } from '../database/unit-of-work.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { AccountMails } from './account-mails.js';
import { countLinks, makeLink, MAX_LINKS } from './password-reset-links.js';
import { lockAccount } from './session.service.js';

@Injectable()
export class PasswordResetRequests {
  /** Pending mails per account. */
  private readonly waiting = new Map<string, number>();

  constructor(
    private readonly orm: MikroORM,
    private readonly accounts: AccountService,
    private readonly mails: AccountMails,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Mails a link if the account exists, is enabled and has fewer than {@link MAX_LINKS} valid links. Waits only for work that is
   * the same in all cases.
   */
  async request(email: string, { address }: ClientInfo): Promise<void> {
    const em = this.orm.em.fork();
    const id = await this.accounts.idOf(em, email);
    const links = await countLinks(em, id);
    // The caller is anonymous: the account, if it exists, is the subject. The typed address is not stored.
    const subject = id ? { kind: ACCOUNT_RESOURCE, id } : undefined;
    const entry = { action: 'PASSWORD_RESET_REQUESTED', outcome: 'SUCCESS', subject, address } as const;
    await this.audit.recordRepeatable(entry, email);
    if (id && links + (this.waiting.get(id) ?? 0) < MAX_LINKS) this.mail(id);
  }

  private mail(accountId: string): void {
    const count = (change: number): void => {
      const next = (this.waiting.get(accountId) ?? 0) + change;
      if (next > 0) this.waiting.set(accountId, next);
      else this.waiting.delete(accountId);
    };
    let begun = false;
    const queued = this.mails.passwordReset(() => {
      if (!begun) count(-1);
      begun = true;
      return this.issue(accountId);
    });
    if (queued) count(1);
  }

  private issue(accountId: string): Promise<{ email: string; token: string } | undefined> {
    return inTransaction(this.orm, async (em) => {
      const account = await lockAccount(em, accountId);
      if (!account?.email || account.disabledAt) return undefined;
      const token = await makeLink(em, account.id);
      return token === undefined ? undefined : { email: account.email, token };
    });
  }
}
