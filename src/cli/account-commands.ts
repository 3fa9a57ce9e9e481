// What the commands do, as the installation itself: the audit trail names the system account.
import type { INestApplicationContext } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Role } from '../engine/access/role.js';
import { AdministrationService, SYSTEM } from '../engine/accounts/administration.service.js';
import { AccountService } from '../engine/accounts/account.service.js';
import { Passwords } from '../engine/passwords/passwords.js';
import { NotFoundError } from '../engine/errors/service-error.js';
import type { Installation } from './installation.js';

export class AccountCommands {
  constructor(private readonly installation: Installation) {}

  /** Each returns the sentence that says what was done. */
  create(email: string, name: string, role: Role, password: string): Promise<string> {
    return this.installation.open(async (services) => {
      const passwordHash = await services.get(Passwords).hash(password);
      const account = await services.get(AdministrationService).create(SYSTEM, { email, name, role, passwordHash });
      return `Made the account ${email} (${role}), id ${account.id}.`;
    });
  }

  role(email: string, role: Role): Promise<string> {
    return this.administer(email, async (administration, id) => {
      await administration.setRole(SYSTEM, id, role);
      return `${email} is ${role} now.`;
    });
  }

  password(email: string, password: string): Promise<string> {
    return this.administer(email, async (administration, id, services) => {
      await administration.setPassword(SYSTEM, id, await services.get(Passwords).hash(password));
      return `${email} has a new password; all sessions of the account have ended.`;
    });
  }

  disabled(email: string, disabled: boolean): Promise<string> {
    return this.administer(email, async (administration, id) => {
      await administration.setDisabled(SYSTEM, id, disabled);
      return disabled ? `${email} is disabled; its sessions have ended.` : `${email} can sign in again.`;
    });
  }

  endSessions(email: string): Promise<string> {
    return this.administer(email, async (administration, id) => {
      const count = await administration.endSessions(SYSTEM, id);
      return `Ended ${count} ${count === 1 ? 'session' : 'sessions'} of ${email}.`;
    });
  }

  private async administer(
    email: string,
    act: (administration: AdministrationService, id: string, services: INestApplicationContext) => Promise<string>,
  ): Promise<string> {
    await this.installation.assertThere();
    return this.installation.open(async (services) => {
      const account = await services.get(AccountService).findByEmail(services.get(MikroORM).em.fork(), email);
      if (!account) throw new NotFoundError(`Account ${email}`);
      return act(services.get(AdministrationService), account.id, services);
    });
  }
}
