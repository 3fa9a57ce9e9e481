// Registration and sign-in: from a password to an open session.
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Role } from '../access/role.js';
import { ACCOUNT_RESOURCE } from '../access/rights.js';
import type { Account } from '../accounts/account.entity.js';
import { AccountService } from '../accounts/account.service.js';
import { claimFirstAdmin } from '../accounts/first-admin.js';
import { Passwords } from '../passwords/passwords.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { repeatedly } from '../database/unit-of-work.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import { ForbiddenError, InvalidCredentialsError } from '../errors/service-error.js';
import type { AuditRecord } from '../audit/audit-row.js';
import { AuditTrail } from '../audit/audit-trail.js';
import type { SessionName, SignInOrigin } from './request-sessions.js';
import { lockAccount, SessionService } from './session.service.js';
import type { OpenSession, Verified } from './session-statements.js';

export interface Registration {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

/** Attempts of a sign-in whose hash is replaced concurrently each time. */
const MAX_ATTEMPTS = 3;

@Injectable()
export class SignInService {
  constructor(
    private readonly log: EventLog,
    private readonly accounts: AccountService,
    private readonly passwords: Passwords,
    private readonly sessions: SessionService,
    @Inject(CONFIG) private readonly config: Config,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * Creates an account and signs it in; outside production the first account becomes ADMIN. Throws FORBIDDEN when registration is closed,
   * CONFLICT when the e-mail is taken.
   */
  async register({ name, email, password }: Registration, origin: SignInOrigin): Promise<OpenSession> {
    if (this.config.registration === 'closed') throw new ForbiddenError(undefined, 'Registration is closed here.');
    const passwordHash = await this.passwords.hash(password, {
      purpose: 'registration',
      address: origin.context.client.address,
    });
    return this.log.transaction(async (tx) => {
      // Locks existing accounts first, as everywhere.
      if (origin.before) await lockAccount(tx.em, origin.before.accountId);
      const role = !this.config.production && (await claimFirstAdmin(tx.em)) ? Role.ADMIN : Role.USER;
      const account = await this.accounts.create(tx.em, { name, email, passwordHash, role });
      const opened = await this.open('REGISTER', account, { passwordHash }, origin, tx);
      if (!opened) throw new Error('An account that was just created cannot sign in');
      return opened;
    });
  }

  /**
   * Signs in. The answer and the work are identical for an unknown e-mail, a wrong password and a disabled account. Throws
   * {@link InvalidCredentialsError}.
   */
  async login(email: string, password: string, origin: SignInOrigin): Promise<OpenSession> {
    const { address } = origin.context.client;
    let known: Account | undefined;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      known = await this.accounts.findByEmail(origin.context.em.fork(), email);
      const matches = await this.passwords.matches(password, known?.passwordHash, { purpose: 'sign-in', address });
      // A disabled account costs no more work either, so that timing does not reveal a correct password.
      if (!known?.passwordHash || !matches || known.disabledAt) break;
      const renewed = await this.passwords.renewed(password, known.passwordHash, known.id);
      const opened = await this.open('LOGIN', known, { passwordHash: known.passwordHash, renewed }, origin);
      if (opened) return opened;
    }
    // The refused caller has no account: the attempted account, if it exists, is the subject.
    const subject = known && { kind: ACCOUNT_RESOURCE, id: known.id };
    await this.audit.recordRepeatable({ action: 'LOGIN', outcome: 'REFUSED', subject, address }, email);
    throw refused();
  }

  /** A session that replaces the earlier one. Undefined: the account's hash was replaced, or the account disabled, meanwhile. */
  private open(
    action: 'LOGIN' | 'REGISTER',
    { id }: Account,
    hashes: Omit<Verified, 'audit'>,
    origin: SignInOrigin,
    tx?: LoggedTransaction,
  ): Promise<OpenSession | undefined> {
    const { before, context, transport } = origin;
    const { client } = context;
    const signIn = (em: EntityManager, ended: readonly string[]) => {
      const audit: AuditRecord = {
        action,
        outcome: 'SUCCESS',
        actorId: id,
        subject: { kind: ACCOUNT_RESOURCE, id },
        address: client.address,
        details: ended.length > 0 ? { endedSessionIds: ended } : {},
      };
      return this.sessions.signIn(em, id, { ...hashes, audit }, client, transport);
    };
    const replace = async (within: LoggedTransaction, { accountId, sessionId }: SessionName) => {
      const account = await lockAccount(within.em, id, accountId);
      if (account?.passwordHash !== hashes.passwordHash || account.disabledAt) return undefined;
      const ended = await this.sessions.endLocked(within, accountId, [sessionId], 'REPLACED');
      return signIn(within.em, ended);
    };
    if (before) return tx ? replace(tx, before) : this.log.transaction((own) => replace(own, before));
    return tx ? signIn(tx.em, []) : repeatedly(() => signIn(context.em.fork(), []));
  }
}

function refused(): InvalidCredentialsError {
  return new InvalidCredentialsError('E-mail address or password is wrong.');
}
