// Registration and sign-in: from a password to an open session.
import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type ClientInfo, Role, type Transport } from '../access/role.js';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Account } from '../accounts/account.entity.js';
import { AccountService } from '../accounts/account.service.js';
import { claimFirstAdmin } from '../accounts/first-admin.js';
import { Passwords } from '../accounts/passwords.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { inTransaction } from '../database/unit-of-work.js';
import { ForbiddenError, ServiceUnavailableError, UnauthenticatedError } from '../errors/service-error.js';
import { type AuditAction, type AuditOutcome, AuditTrail } from '../operations/audit.js';
import { lockAccount, type OpenSession, SessionService } from './session.service.js';

export interface Registration {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly transport: Transport;
}

/** How often a sign-in verifies, when the hash is replaced under its hands each time. */
const MAX_TRIES = 3;

@Injectable()
export class SignInService {
  constructor(
    private readonly orm: MikroORM,
    private readonly accounts: AccountService,
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Makes an account and signs it in; outside production the first one is ADMIN, if there has been none. Throws FORBIDDEN when registration is closed, CONFLICT when the
   * e-mail is taken.
   */
  async register({ name, email, password, transport }: Registration, client: ClientInfo): Promise<OpenSession> {
    if (this.config.registration === 'closed') throw new ForbiddenError(undefined, 'Registration is closed here.');
    assertCarried(transport);
    const passwordHash = await this.passwords.hash(password);
    return inTransaction(this.orm, async (em) => {
      const role = !this.config.production && (await claimFirstAdmin(em)) ? Role.ADMIN : Role.USER;
      const account = await this.accounts.create(em, { name, email, passwordHash, role });
      await this.record(em, 'REGISTER', 'SUCCESS', account.id, client);
      return this.sessions.open(em, account, client, transport);
    });
  }

  /** Signs in. One answer, and the same work, for an unknown e-mail, a wrong password and a disabled account. */
  async login(email: string, password: string, transport: Transport, client: ClientInfo): Promise<OpenSession> {
    assertCarried(transport);
    let known: Account | null = null;
    for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
      known = await this.accounts.findByEmail(this.orm.em.fork(), email);
      const matches = await this.passwords.matches(password, known?.passwordHash);
      if (!known?.passwordHash || !matches) break;
      const renewed = await this.passwords.renewed(password, known.passwordHash);
      const opened = await this.openVerified(known, renewed, client, transport);
      if (opened === 'disabled') break;
      if (opened) return opened;
    }
    await this.record(undefined, 'LOGIN', 'REFUSED', known?.id, client);
    throw refused();
  }

  /** A session, if the hash that was verified is still the account's; undefined: it was replaced meanwhile. */
  private openVerified(
    known: Account,
    renewed: string | undefined,
    client: ClientInfo,
    transport: Transport,
  ): Promise<OpenSession | 'disabled' | undefined> {
    return inTransaction(this.orm, async (em) => {
      const account = await lockAccount(em, known.id);
      if (!account || account.disabledAt) return 'disabled';
      // Another password, or the same one hashed anew by another sign-in: only verifying it again can tell.
      if (account.passwordHash !== known.passwordHash) return undefined;
      if (renewed) account.passwordHash = renewed;
      await this.record(em, 'LOGIN', 'SUCCESS', account.id, client);
      return this.sessions.open(em, account, client, transport);
    });
  }

  /** Whoever is refused is nobody yet: the account that was tried, if there is one, is what it was done to. */
  private record(
    em: EntityManager | undefined,
    action: AuditAction,
    outcome: AuditOutcome,
    accountId: string | undefined,
    { address }: ClientInfo,
  ): Promise<void> {
    const actorId = outcome === 'SUCCESS' ? accountId : undefined;
    const subject = accountId ? { kind: ACCOUNT_RESOURCE, id: accountId } : undefined;
    return this.audit.record(em, { action, outcome, actorId, subject, address });
  }
}

function refused(): UnauthenticatedError {
  return new UnauthenticatedError('E-mail address or password is wrong.');
}

function assertCarried(transport: Transport): void {
  if (transport === 'COOKIE') throw new ServiceUnavailableError('COOKIE transport is not part of this version yet.');
}
