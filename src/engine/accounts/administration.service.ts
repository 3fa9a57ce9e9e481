// Administration of accounts, for ADMINs and the command line. Protects the last enabled ADMIN: changes that could remove it lock
// all enabled ADMINs first.
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ACCOUNT_DISABLED,
  ACCOUNT_ENABLED,
  ACCOUNT_RESOURCE,
  ACCOUNT_ROLE_CHANGED,
  accountRoleFacts,
} from '../access/rights.js';
import { includesRole, Role } from '../access/role.js';
import { SYSTEM_ACCOUNT_ID } from '../database/migrations/20261121000001-engine.js';
import { databaseTime } from '../database/time-ordered-id.js';
import { ConflictError, ForbiddenError, NotFoundError } from '../errors/service-error.js';
import { EventLog, type LoggedTransaction } from '../events/event-log.js';
import type { AuditAction } from '../audit/audit-actions.js';
import type { AuditRecord } from '../audit/audit-row.js';
import { AuditTrail } from '../audit/audit-trail.js';
import { ACCOUNT_SESSIONS, type AccountSessions } from './account-sessions.port.js';
import { type Account, AccountEntity } from './account.entity.js';
import { AccountService, type NewAccount } from './account.service.js';
import { closeFirstAdminClaim } from './first-admin.js';

/** The actor: an ADMIN through a session, from an address. */
export interface Administrator {
  readonly accountId: string;
  readonly sessionId?: string | undefined;
  readonly address?: string | undefined;
}

/** The installation itself, which the command line acts as. */
export const SYSTEM: Administrator = { accountId: SYSTEM_ACCOUNT_ID };

/** One transaction that administers `account`, with its events and audit entries. */
interface Administering {
  readonly tx: LoggedTransaction;
  readonly account: Account;
  readonly say: (kind: string, facts?: Readonly<Record<string, unknown>>) => void;
  readonly audit: (action: AuditAction, details?: Readonly<Record<string, unknown>>) => Promise<void>;
}

// In id order, so that two of these never deadlock. Reads after the lock see committed changes of others.
const LOCK = `
select 1 from account where id = ? or (role = 'ADMIN' and disabled_at is null) order by id for no key update`;

/**
 * Waits for writes that require the account's present role, and makes later ones wait: all of them hold the row `for key share`. Disabling
 * needs no such lock: it ends sessions, whose events are refused behind that.
 */
const AWAIT_WRITES = 'select 1 from account where id = ? for update';

const ENABLED_ADMINS = `select id from account where role = 'ADMIN' and disabled_at is null`;

@Injectable()
export class AdministrationService {
  constructor(
    private readonly log: EventLog,
    private readonly accounts: AccountService,
    private readonly audit: AuditTrail,
    @Inject(ACCOUNT_SESSIONS) private readonly sessions: AccountSessions,
  ) {}

  /** Throws CONFLICT (EMAIL_TAKEN). */
  create(by: Administrator, input: NewAccount): Promise<Account> {
    return this.log.transaction(async ({ em }) => {
      if (input.role === Role.ADMIN) await closeFirstAdminClaim(em);
      const account = await this.accounts.create(em, input);
      await this.audit.record(em, entryOf(by, 'ACCOUNT_CREATED', account.id, { role: input.role }));
      return account;
    });
  }

  /** Throws NOT_FOUND, CONFLICT (LAST_ADMIN), and FORBIDDEN when `by` is no longer an ADMIN. */
  setRole(by: Administrator, id: string, role: Role): Promise<Account> {
    return this.administer('ROLE_CHANGED', by, id, async ({ tx, account, say, audit }) => {
      if (account.role === role) return;
      if (!includesRole(role, account.role)) await tx.em.execute(AWAIT_WRITES, [id]);
      if (role === Role.ADMIN) await closeFirstAdminClaim(tx.em);
      else await assertAdminRemains(tx.em, account);
      const details = { from: account.role, role };
      account.role = role;
      say(ACCOUNT_ROLE_CHANGED, accountRoleFacts.parse({ role }));
      await audit('ROLE_CHANGED', details);
    });
  }

  /** Disabling ends the account's sessions permanently. Throws like {@link setRole}. */
  setDisabled(by: Administrator, id: string, disabled: boolean): Promise<Account> {
    const action = disabled ? 'ACCOUNT_DISABLED' : 'ACCOUNT_ENABLED';
    return this.administer(action, by, id, async ({ tx, account, say, audit }) => {
      if ((account.disabledAt != null) === disabled) return;
      if (disabled) await assertAdminRemains(tx.em, account);
      account.disabledAt = disabled ? new Date(await databaseTime(tx.em)) : null;
      say(disabled ? ACCOUNT_DISABLED : ACCOUNT_ENABLED);
      const ended = disabled ? await this.sessions.endAllLocked(tx, id, undefined, 'DISABLED', by.accountId) : [];
      await audit(action, ended.length > 0 ? { sessionIds: ended } : {});
    });
  }

  /** Sets another password and ends all sessions. */
  setPassword(by: Administrator, id: string, passwordHash: string): Promise<Account> {
    return this.administer('PASSWORD_RESET', by, id, async ({ tx, account, audit }) => {
      account.passwordHash = passwordHash;
      const ended = await this.sessions.endAllLocked(tx, id, undefined, 'PASSWORD_RESET', by.accountId);
      await audit('PASSWORD_RESET', { sessionIds: ended });
    });
  }

  /** Ends the sessions of the account; returns their number. */
  async endSessions(by: Administrator, id: string): Promise<number> {
    let count = 0;
    await this.administer('SESSIONS_ENDED', by, id, async ({ tx, audit }) => {
      const ended = await this.sessions.endAllLocked(tx, id, undefined, 'REVOKED', by.accountId);
      count = ended.length;
      if (count > 0) await audit('SESSIONS_ENDED', { sessionIds: ended });
    });
    return count;
  }

  /** Conflicts are audited too, in a transaction of their own, since the failed one is rolled back. */
  private async administer(
    action: AuditAction,
    by: Administrator,
    id: string,
    act: (administering: Administering) => Promise<void>,
  ): Promise<Account> {
    try {
      return await this.log.transaction(async (tx) => {
        const account = await lock(tx.em, by, id);
        await act({
          tx,
          account,
          say: (kind, facts = {}) =>
            tx.record({
              resource: { kind: ACCOUNT_RESOURCE, id },
              kind,
              actorId: by.accountId,
              sessionId: by.sessionId,
              facts,
            }),
          audit: (done, details = {}) => this.audit.record(tx.em, entryOf(by, done, id, details)),
        });
        return account;
      });
    } catch (error) {
      if (error instanceof ConflictError) {
        const details = { reason: error.reason };
        await this.audit.recordRepeatable({ ...entryOf(by, action, id, details), outcome: 'FAILED' });
      }
      throw error;
    }
  }
}

function entryOf(
  { accountId: actorId, address }: Administrator,
  action: AuditAction,
  id: string,
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  return { action, outcome: 'SUCCESS', actorId, subject: { kind: ACCOUNT_RESOURCE, id }, address, details };
}

/** The account, locked together with every enabled ADMIN. `by` may have lost its role while waiting. */
async function lock(em: EntityManager, by: Administrator, id: string): Promise<Account> {
  await em.execute(LOCK, [id]);
  // Read only under the lock, in separate statements.
  if (by.accountId !== SYSTEM_ACCOUNT_ID && !(await enabledAdmins(em)).includes(by.accountId)) {
    throw new ForbiddenError(Role.ADMIN);
  }
  const account = await em.findOne(AccountEntity, { id, isSystem: false });
  if (!account) throw new NotFoundError('User');
  return account;
}

async function assertAdminRemains(em: EntityManager, account: Account): Promise<void> {
  if (account.role !== Role.ADMIN || account.disabledAt) return;
  if ((await enabledAdmins(em)).some((id) => id !== account.id)) return;
  throw new ConflictError('LAST_ADMIN', 'An installation needs an enabled ADMIN: appoint another one first.');
}

async function enabledAdmins(em: EntityManager): Promise<readonly string[]> {
  return (await em.execute<{ id: string }[]>(ENABLED_ADMINS)).map(({ id }) => id);
}
