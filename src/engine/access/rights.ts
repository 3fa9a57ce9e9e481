// The current rights of every account: role, disabled or not, role in each resource. Read once per account and updated by the log,
// so checks cost no statement and changes take effect in log order.
import { Inject, Injectable } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import type { Reader } from '../database/reads.js';
import { factsOf } from '../events/event-facts.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { gathered, LogCache } from '../events/log-cache.js';
import { type AccountRights, Role } from './role.js';

/** Resource kind of accounts in the log, and their events that change rights. */
export const ACCOUNT_RESOURCE = 'account';
export const ACCOUNT_ROLE_CHANGED = 'ROLE_CHANGED';
/** The facts of {@link ACCOUNT_ROLE_CHANGED}. */
export const accountRoleFacts = z.object({ role: z.enum(Role) });
export const ACCOUNT_DISABLED = 'DISABLED';
export const ACCOUNT_ENABLED = 'ENABLED';

const CHANGES_OF_ACCOUNTS: ReadonlySet<string> = new Set([ACCOUNT_ROLE_CHANGED, ACCOUNT_DISABLED, ACCOUNT_ENABLED]);

/** Whether `event` changes rights. Most events of an account, such as a notification, do not. */
export function changesAccount({ resource, kind }: LogEvent): boolean {
  return resource.kind === ACCOUNT_RESOURCE && CHANGES_OF_ACCOUNTS.has(kind);
}

/** Effect of a domain event on rights in a resource. Without `accountId` the resource ends, for all accounts and permanently. */
export interface RightsChange {
  readonly resourceId: string;
  readonly accountId?: string | undefined;
  /** The new role there; `null`: none any more. */
  readonly role: string | null;
}

/** Port: the domain declares roles in its resources, and the events that change them. */
export interface ResourceRights {
  /** Kind of resource, as in the log. */
  readonly kind: string;
  /** SQL of one scalar: a jsonb object {resource id: role, null if the resource has ended} of the account whose id is `account.id`. */
  readonly rolesOfAccount: string;
  /** SQL of a row if the accounts whose ids are the parameters `?` and `?` have a resource in common, else of none. */
  readonly commonResource: string;
  changeOf(event: LogEvent): RightsChange | undefined;
}

export const RESOURCE_RIGHTS = Symbol('ResourceRights');

interface RightsRow {
  readonly pos: number;
  /** `null` in the only row if there is no such account. */
  readonly id: string | null;
  readonly role: Role;
  readonly disabled: boolean;
  readonly resources: Record<string, string | null> | string | null;
}

const MAX_ACCOUNTS = 100_000;

@Injectable()
export class Rights {
  private readonly cache: LogCache<AccountRights>;

  constructor(
    private readonly orm: MikroORM,
    follower: LogFollower,
    @Inject(RESOURCE_RIGHTS) private readonly domain: ResourceRights,
  ) {
    this.cache = new LogCache(follower, {
      max: MAX_ACCOUNTS,
      load: gathered((accountIds) => this.load(accountIds)),
      affects: (event) => this.changedBy(event),
      apply: (rights, event) => this.apply(rights, event),
    });
  }

  /** Current rights; `undefined` if there is no such account. The object is updated in place while it is referenced. */
  of(accountId: string): AccountRights | undefined | Promise<AccountRights | undefined> {
    return this.cache.get(accountId);
  }

  /** Whether two accounts share a resource, in one statement, whether or not the second one exists. */
  async haveResourceInCommon(reader: Reader, accountId: string, otherId: string): Promise<boolean> {
    return (await reader.rows(this.domain.commonResource, [accountId, otherId])).length > 0;
  }

  private async load(accountIds: readonly string[]): Promise<{ pos: number; values: Map<string, AccountRights> }> {
    const sql = `
      select head.pos::float8 as pos, account.id, account.role, account.disabled_at is not null as disabled,
             (${this.domain.rolesOfAccount}) as resources
        from log_head head
        left join account on account.id = any(string_to_array(?, ',')::uuid[]) and not account.is_system`;
    const rows = await this.orm.em.fork().execute<RightsRow[]>(sql, [accountIds.join(',')]);
    const values = new Map<string, AccountRights>();
    for (const { id, role, disabled, resources } of rows) {
      if (id === null) continue;
      const roles = typeof resources === 'string' ? JSON.parse(resources) : (resources ?? {});
      const rights: AccountRights = { role, disabled, resources: new Map() };
      for (const [resourceId, own] of Object.entries(roles as Record<string, string | null>)) {
        if (own) rights.resources.set(resourceId, own);
        else end(rights, resourceId);
      }
      values.set(id, rights);
    }
    return { pos: rows[0]?.pos ?? 0, values };
  }

  /** Accounts whose rights an event changes, or `'*'` for all accounts. */
  changedBy(event: LogEvent): readonly string[] | '*' {
    if (event.resource.kind === ACCOUNT_RESOURCE) return changesAccount(event) ? [event.resource.id] : [];
    const change = this.domain.changeOf(event);
    if (!change) return [];
    return change.accountId ? [change.accountId] : '*';
  }

  private apply(rights: AccountRights, event: LogEvent): void {
    if (event.resource.kind === ACCOUNT_RESOURCE) {
      if (event.kind === ACCOUNT_ROLE_CHANGED) rights.role = factsOf(accountRoleFacts, event).role;
      if (event.kind === ACCOUNT_DISABLED) rights.disabled = true;
      if (event.kind === ACCOUNT_ENABLED) rights.disabled = false;
      return;
    }
    const change = this.domain.changeOf(event);
    if (!change) return;
    const { resourceId, accountId, role } = change;
    if (role) rights.resources.set(resourceId, role);
    else if (rights.resources.delete(resourceId) && !accountId) end(rights, resourceId);
  }
}

/** Shared by accounts that lost nothing, which are most. */
function end(rights: AccountRights, resourceId: string): void {
  (rights.ended ??= new Set()).add(resourceId);
}
