// The context of one operation over HTTP or a socket: the caller, the client's address, cached reads of the database.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Loader } from '../database/loaders.js';
import type { Reader } from '../database/reads.js';
import { OtherAccountError, type ServiceError, UnauthenticatedError } from '../errors/service-error.js';
import type { ClassValue } from './class-value.js';
import { type CredentialCookies, NO_COOKIES } from './credential-cookies.js';
import type { CachedReads } from './cached-reads.js';
import type { ClientInfo, Principal } from './role.js';

/** The caller, or why it is unknown. `undefined`: no valid credentials. */
export interface Caller {
  readonly principal?: Principal | undefined;
  readonly refusal?: ServiceError | undefined;
  /** Absent over a socket. */
  readonly cookies?: CredentialCookies | undefined;
  /** The account that the sending page says it shows; absent: it does not say. */
  readonly pageAccount?: string | undefined;
  /** The page names an account, and without an access token the owner of its cookies is unknown: they stay until the refresh token was verified. */
  readonly cookiesUnverified?: boolean;
}

export class OperationContext implements Reader {
  constructor(
    private readonly newReads: () => CachedReads,
    private readonly requester: ClientInfo,
    private caller: Caller,
    readonly via: 'http' | 'socket',
    private reads = newReads(),
  ) {}

  /** For entities. What is only shown is read by `rows` and `load`. */
  get em(): EntityManager {
    return this.reads.em;
  }

  /** Cursor of the newest event that this instance had applied when the operation began: everything that it reads is at least as new. */
  get lastCursor(): string {
    return this.reads.lastCursor;
  }

  get client(): ClientInfo {
    return this.requester;
  }

  get principal(): Principal | undefined {
    return this.caller.principal;
  }

  /**
   * The signed-in caller; throws {@link UnauthenticatedError}, or why the caller is unknown. Every guarded field calls it, so a session that
   * ends during an operation stops the rest of it.
   */
  get viewer(): Principal {
    const { principal, refusal } = this.caller;
    if (!principal) throw refusal ?? new UnauthenticatedError();
    if (principal.session.ended || principal.rights.disabled) throw new UnauthenticatedError();
    return principal;
  }

  /** Whether {@link viewer} is known; also while it cannot be known whether its session has ended. Makes no error, since most callers ask. */
  get isSignedIn(): boolean {
    const { principal, refusal } = this.caller;
    if (!principal) return refusal !== undefined && !(refusal instanceof UnauthenticatedError);
    return !principal.session.ended && !principal.rights.disabled;
  }

  /** The caller's class value of the resource, for fields that declare it. */
  classValue(value: ClassValue, resourceId: string): string | undefined {
    return value.of(this.viewer.rights, resourceId);
  }

  get cookies(): CredentialCookies {
    return this.caller.cookies ?? NO_COOKIES;
  }

  /** Whether the cookies may belong to another account than the page shows. */
  get cookiesUnverified(): boolean {
    return this.caller.cookiesUnverified === true;
  }

  /** Throws {@link OtherAccountError} if the sending page shows another account than this. */
  assertPageAccount(accountId: string): void {
    const { pageAccount } = this.caller;
    if (pageAccount !== undefined && pageAccount !== accountId) throw new OtherAccountError();
  }

  rows<R>(sql: string, values: readonly unknown[]): Promise<R[]> {
    return this.reads.rows(sql, values);
  }

  /** Loads one value, batched with its siblings in one statement. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.reads.load(loader, key);
  }

  /** Discards what was read, after a write. */
  discardReads(): void {
    this.reads = this.reads.renewed();
  }

  /** The same caller with an empty cache of reads, for one event read in its current state. */
  withNewReads(): OperationContext {
    return this.withReads(this.newReads());
  }

  /** The same caller with cached reads that other executions share. */
  withReads(reads: CachedReads): OperationContext {
    return new OperationContext(this.newReads, this.requester, this.caller, this.via, reads);
  }

  /** From here on this operation runs as the account that has just signed in. */
  signIn(principal: Principal): void {
    this.caller = { principal, cookies: this.caller.cookies };
  }
}
