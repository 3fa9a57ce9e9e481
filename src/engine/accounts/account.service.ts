// Creates and finds accounts, and decides who may see them.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { OperationContext } from '../access/operation-context.js';
import { Rights } from '../access/rights.js';
import { includesRole, Role } from '../access/role.js';
import { fromRow, type Row } from '../database/rows.js';
import { containsText } from '../database/text-search.js';
import { databaseTime, idAt } from '../database/time-ordered-id.js';
import { execute, violatesUnique } from '../database/unit-of-work.js';
import { ConflictError } from '../errors/service-error.js';
import { emailKey } from '../mail/email-address.js';
import { type Connection, type ForwardArgs, paginate } from '../graphql/pagination/connection.js';
import { type Account, AccountEntity } from './account.entity.js';
import { accountById, type AccountRow, shownAccount } from './account.loader.js';

export interface NewAccount {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly passwordHash: string;
}

@Injectable()
export class AccountService {
  constructor(private readonly rights: Rights) {}

  /** Inserts an account. Throws CONFLICT (EMAIL_TAKEN) if the normalized e-mail address is registered. */
  async create(em: EntityManager, input: NewAccount): Promise<Account> {
    const at = await databaseTime(em);
    const account = em.create(AccountEntity, {
      ...input,
      emailKey: emailKey(input.email),
      id: idAt(at),
      isSystem: false,
      createdAt: new Date(at),
    });
    try {
      await em.persist(account).flush();
    } catch (error) {
      if (!violatesUnique(error, 'account_email_key')) throw error;
      throw new ConflictError('EMAIL_TAKEN', 'This e-mail address is already registered.');
    }
    return account;
  }

  /** For reading. Plain SQL, since hydration by the ORM would reveal by timing whether the account exists. */
  async findByEmail(em: EntityManager, email: string): Promise<Account | undefined> {
    // As JSON: connections keep the plan, whose columns a later migration may not change.
    const sql = 'select to_json(account) as account from account where email_key = $1';
    const [row] = await execute<{ account: Row }>(em, sql, [emailKey(email)]);
    return row && fromRow(em, AccountEntity, row.account);
  }

  /** Its id only: one row in one statement, whether or not the account exists. */
  async idOf(em: EntityManager, email: string): Promise<string | undefined> {
    const sql = 'select (select id from account where email_key = ?) as id';
    const [row] = await em.execute<{ id: string | null }[]>(sql, [emailKey(email)]);
    return row?.id ?? undefined;
  }

  /** The account if the viewer shares a resource with it, is it, or is ADMIN; else null. */
  async visible(context: OperationContext, id: string): Promise<AccountRow | null> {
    return (await this.maySee(context, id)) ? ((await context.load(accountById, id)) ?? null) : null;
  }

  list(context: OperationContext, args: ForwardArgs, search: string | undefined): Promise<Connection<AccountRow>> {
    const found = search ? [containsText(['name', 'email'], search)] : [];
    return paginate(context, shownAccount, [['not is_system'], ...found], args);
  }

  /** Checked before the account is loaded: an absent account costs the same statement as an invisible one. */
  private async maySee(context: OperationContext, id: string): Promise<boolean> {
    const { viewer } = context;
    if (viewer.accountId === id || includesRole(viewer.rights.role, Role.ADMIN)) return true;
    return this.rights.haveResourceInCommon(context, viewer.accountId, id);
  }
}
