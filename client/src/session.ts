// State of the session, synchronized between pages. `life` aborts everything that belongs to one sign-in.
import type {
  Credentials,
  StoredSession,
  SessionState,
  SignedOutReason,
  TokenStorage,
  Transport,
} from './credentials.js';
import type { Json } from './document.js';
import { Clock } from './clock.js';
import { signedOut } from './errors.js';
import { type Payload, post, type PostOptions, type Result } from './post.js';
import { pause } from './safely.js';
import { store } from './store.js';
import { openTabs, type Tabs } from './tabs.js';
import { openCredentialStore, type CredentialStore } from './credential-store.js';

export interface SessionOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly token?: string | undefined;
  readonly storage?: TokenStorage | undefined;
}

/** Message between pages: the stored state, or null before a sign-in. */
type Message = StoredSession | null;

export class Session {
  readonly state = store<SessionState>({ status: 'restoring' });
  readonly clock = new Clock();
  readonly isCookie: boolean;
  readonly tabs: Tabs;
  readonly stored: CredentialStore;
  credentials: Credentials | undefined;
  /** Incremented with each change of the tokens. */
  version = 0;
  /** Aborted at sign-in and sign-out. Work begun while the session is restored belongs to the account that is found. */
  life = new AbortController();
  /** Aborted when a pending refresh must have no effect. */
  refreshing = new AbortController();
  isClosed = false;
  #lifetime = 0;

  constructor(readonly options: SessionOptions) {
    const { transport, storage, url } = options;
    this.isCookie = transport === 'cookie';
    const name = `tidings ${url}`;
    this.tabs = openTabs(this.isCookie || storage ? name : undefined, (message: Message) => this.#hear(message));
    this.stored = openCredentialStore(this.isCookie, storage, name);
  }

  get status(): SessionState['status'] {
    return this.state.get().status;
  }

  get signedIn(): boolean {
    return this.status === 'signed-in';
  }

  /** Headers of a request. `whose`: the account that the page shows, since the cookies may belong to another one. */
  headers(
    whose = this.credentials?.account.id,
    token = this.options.token ?? this.credentials?.accessToken,
  ): Record<string, string> {
    if (!this.isCookie) return token ? { authorization: `Bearer ${token}` } : {};
    return { 'x-tidings-csrf': '1', ...(whose ? { 'x-tidings-account': whose } : {}) };
  }

  post(payload: Payload, options: PostOptions): Promise<Result> {
    return post(this.options.url, payload, {
      headers: this.headers(),
      isCookie: this.isCookie,
      ...options,
    });
  }

  /** Whether the access token expires within `lead` ms, or within the last third of its lifetime if that is shorter. */
  isDue(lead = 10_000): boolean {
    const { expiresAt = 0 } = this.credentials ?? {};
    return expiresAt > 0 && Date.now() > expiresAt - Math.min(lead, this.#lifetime / 3);
  }

  /** Marks the access token as expired after the service rejected it. */
  expire(): void {
    if (this.credentials) this.credentials = { ...this.credentials, expiresAt: 1 };
  }

  /** Takes the payload of `login`, `register`, `refresh` or `changePassword`, or the answer of `session`. */
  accept({ user: account, accessToken, refreshToken, accessTokenExpiresAt, now }: Json): void {
    this.clock.set(now);
    this.signedInAs({ account, expiresAt: this.clock.end(accessTokenExpiresAt), accessToken, refreshToken });
  }

  /** Sets the account and its tokens. */
  signedInAs(credentials: Credentials): void {
    const { account } = credentials;
    const isSame = this.signedIn && this.credentials?.account.id === account.id;
    this.#lifetime = Math.max(0, credentials.expiresAt - Date.now());
    this.#change(credentials, { status: 'signed-in', account }, isSame);
  }

  signedOut(reason: SignedOutReason): void {
    this.#change(undefined, { status: 'signed-out', reason });
  }

  /** Returns to the state `restoring` because the cookies belong to another account. */
  reset(): void {
    this.#change(undefined, { status: 'restoring' });
  }

  /** Changes the state. Work of another account is aborted first. */
  #change(credentials: Credentials | undefined, state: SessionState, isSame = false): void {
    this.credentials = credentials;
    this.version += 1;
    if (!isSame) this.abortRefresh();
    if (!isSame && this.status !== 'restoring') this.end();
    this.state.set(state);
  }

  end(): void {
    const { life } = this;
    this.life = new AbortController();
    life.abort(signedOut());
  }

  abortRefresh(): void {
    this.refreshing.abort(signedOut());
    this.refreshing = new AbortController();
  }

  /** Aborts pending refreshes in all pages, since their answers would restore the old cookies. */
  announceSignIn(): void {
    this.abortRefresh();
    this.tabs.post(null);
  }

  /** Stores the state for the next load of the page, and notifies the other pages. */
  async persist(ending?: string): Promise<void> {
    const session = this.credentials;
    await this.stored.write(this.isCookie ? { ending } : { session, ending });
    this.tabs.post(session ? { session: { account: session.account, expiresAt: session.expiresAt } } : {});
  }

  #hear(message: Message): void {
    if (!message) this.abortRefresh();
    else if (this.isCookie) this.#follow(message);
    else void this.#find(message);
  }

  /** Follows another page only if this page finds the same tokens: `sessionStorage` is not shared, `localStorage` syncs with a delay. */
  async #find({ session }: StoredSession): Promise<void> {
    for (let ms = 10; ms < 3_000; ms *= 2) {
      const kept = await this.stored.read();
      if (kept.session?.expiresAt === session?.expiresAt) return this.#follow(kept);
      await pause(ms);
    }
  }

  /** Applies a sign-in or sign-out of another page. */
  #follow({ session }: StoredSession): void {
    if (!session) {
      if (this.status !== 'signed-out') this.signedOut('signed-out');
    } else if (this.isCookie || session.accessToken !== this.credentials?.accessToken) {
      // The new tokens make a pending refresh redundant.
      this.abortRefresh();
      this.signedInAs(session);
    }
  }
}
