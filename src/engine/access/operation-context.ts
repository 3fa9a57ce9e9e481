// What one operation carries, over HTTP and over a socket alike: who asks, from where, with which view of the database.
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Loader } from '../database/loaders.js';
import { OtherAccountError, type ServiceError, UnauthenticatedError } from '../errors/service-error.js';
import type { ClassValue } from './class-value.js';
import { type CredentialCookies, NO_COOKIES } from './credential-cookies.js';
import type { ReadView } from './read-view.js';
import type { ClientInfo, Principal } from './role.js';

/** Who asks: a principal, or why there is none. `undefined`: nothing was shown, or it was not valid. */
export interface Caller {
  readonly principal?: Principal | undefined;
  readonly refusal?: ServiceError | undefined;
  /** Absent over a socket. */
  readonly cookies?: CredentialCookies | undefined;
  /** The account that the page shows which sent the request, as it says; absent: it does not say. */
  readonly shownAccount?: string | undefined;
  /** The page says what it shows, and no access token tells whose its cookies are: they stay until the refresh token has been looked at. */
  readonly inDoubt?: boolean;
}

export class OperationContext {
  constructor(
    private readonly newView: () => ReadView,
    private readonly requester: ClientInfo,
    private caller: Caller,
    readonly via: 'http' | 'socket',
    private view = newView(),
  ) {}

  get em(): EntityManager {
    return this.view.em;
  }

  /** Cursor of the newest event that this node had applied when the operation began: all that it reads is newer. */
  get lastCursor(): string {
    return this.view.lastCursor;
  }

  get client(): ClientInfo {
    return this.requester;
  }

  get principal(): Principal | undefined {
    return this.caller.principal;
  }

  /**
   * The signed-in caller; throws {@link UnauthenticatedError}, or why the caller cannot be known now. Asked for by every field
   * that is guarded: what ends while an operation runs is not acted for in the rest of it.
   */
  get viewer(): Principal {
    const { principal, refusal } = this.caller;
    if (!principal) throw refusal ?? new UnauthenticatedError();
    if (principal.session.ended || principal.rights.disabled) throw new UnauthenticatedError();
    return principal;
  }

  /** What the caller is shown of the resource by a field that is declared to show `value`. */
  classValue(value: ClassValue, resourceId: string): string | undefined {
    return value.of(this.viewer.rights, resourceId);
  }

  get cookies(): CredentialCookies {
    return this.caller.cookies ?? NO_COOKIES;
  }

  /** Whether the cookies may be of another account than the page shows. */
  get inDoubt(): boolean {
    return this.caller.inDoubt === true;
  }

  /** Throws {@link OtherAccountError} if the page that sent the request shows another account than this. */
  assertShown(accountId: string): void {
    const { shownAccount } = this.caller;
    if (shownAccount !== undefined && shownAccount !== accountId) throw new OtherAccountError();
  }

  /** One of a batch, loaded in one statement with its siblings. */
  load<K, V>(loader: Loader<K, V>, key: K): Promise<V> {
    return this.view.load(loader, key);
  }

  /** Forgets what was read, after a write. */
  refresh(): void {
    this.view = this.view.renewed();
  }

  /** The same caller with a view of its own: for one event, read at its present state. */
  renewed(): OperationContext {
    return this.over(this.newView());
  }

  /** The same caller with a view that others may share. */
  over(view: ReadView): OperationContext {
    return new OperationContext(this.newView, this.requester, this.caller, this.via, view);
  }

  /** From here on this operation speaks for the account that it has just signed in. */
  signIn(principal: Principal): void {
    this.caller = { principal, cookies: this.caller.cookies };
  }
}
