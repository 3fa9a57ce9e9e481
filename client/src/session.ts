// Who is signed in, in this page and in the others. Everything that belongs to one sign-in ends with its `life`.
import type { Credentials, Kept, SessionState, SignedOutReason, TokenStorage, Transport } from './credentials.js';
import { Clock } from './clock.js';
import { SignedOut } from './errors.js';
import { post, type PostOptions, type Result } from './post.js';
import { pause } from './safely.js';
import { store } from './store.js';
import { openTabs, type Tabs } from './tabs.js';
import { openVault, type Vault } from './vault.js';
import type { Variables } from './document.js';

export interface SessionOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly token?: string | undefined;
  readonly storage?: TokenStorage | undefined;
}

/** What pages tell each other: somebody is about to sign in, or what there is now. */
type Message = Kept | null;

export class Session {
  readonly state = store<SessionState>({ status: 'restoring' });
  readonly clock = new Clock();
  readonly isCookie: boolean;
  readonly tabs: Tabs | undefined;
  readonly vault: Vault;
  credentials: Credentials | undefined;
  /** Grows with each renewal of the tokens. */
  version = 0;
  /** Aborted when the account changes or signs out. */
  life = new AbortController();
  /** Aborted when a refresh under way must not have an effect any more. */
  refreshing = new AbortController();
  #lifetime = 0;

  constructor(readonly options: SessionOptions) {
    const { transport, storage, url } = options;
    this.isCookie = transport === 'cookie';
    const name = `tidings ${url}`;
    if (this.isCookie || storage) this.tabs = openTabs(name, (message: Message) => this.#hear(message));
    this.vault = openVault(this.isCookie, storage, name);
  }

  get status(): SessionState['status'] {
    return this.state.get().status;
  }

  get signedIn(): boolean {
    return this.status === 'signed-in';
  }

  /** What a request says of itself; `whose`: the account that the page shows, since cookies may be those of another one by now. */
  headers(whose = this.credentials?.account.id): Record<string, string> {
    const token = this.options.token ?? this.credentials?.accessToken;
    if (!this.isCookie) return token ? { authorization: `Bearer ${token}` } : {};
    return { 'x-tidings-csrf': '1', ...(whose ? { 'x-tidings-account': whose } : {}) };
  }

  post(query: string, variables?: Variables, options: PostOptions = {}): Promise<Result> {
    return post(
      this.options.url,
      { query, variables },
      { headers: this.headers(), ...options, isCookie: this.isCookie },
    );
  }

  /** Whether the access token is about to expire: in `lead` ms, or in the last third of its life. */
  due(lead = 10_000): boolean {
    const { expiresAt = 0 } = this.credentials ?? {};
    return expiresAt > 0 && Date.now() > expiresAt - Math.min(lead, this.#lifetime / 3);
  }

  /** The service has refused the access token. */
  expire(): void {
    if (this.credentials) this.credentials = { ...this.credentials, expiresAt: 1 };
  }

  /** Somebody is signed in, with these tokens from now on. */
  signedInAs(credentials: Credentials): void {
    const same = this.signedIn && this.credentials?.account.id === credentials.account.id;
    this.#lifetime = Math.max(0, credentials.expiresAt - Date.now());
    this.#change(credentials, same ? undefined : { status: 'signed-in', account: credentials.account });
  }

  signedOut(reason: SignedOutReason): void {
    this.#change(undefined, { status: 'signed-out', reason });
  }

  /** The cookies are those of somebody else. */
  unknown(): void {
    this.#change(undefined, { status: 'restoring' });
  }

  /** `state`: another one than before. What belongs to that ends first. */
  #change(credentials: Credentials | undefined, state: SessionState | undefined): void {
    this.credentials = credentials;
    this.version += 1;
    if (!state) return;
    this.end();
    this.state.set(state);
  }

  end(): void {
    const { life } = this;
    this.life = new AbortController();
    this.abortRefresh();
    life.abort(new SignedOut());
  }

  abortRefresh(): void {
    this.refreshing.abort(new SignedOut());
    this.refreshing = new AbortController();
  }

  /** Another page's refresh would put the old cookies back. */
  announceSignIn(): void {
    this.abortRefresh();
    this.tabs?.post(null);
  }

  /** Keeps it for the next load of the page, and tells the other pages. */
  async keep(kept: Kept): Promise<void> {
    const { session, ending } = kept;
    await this.vault.write(this.isCookie ? { ending } : kept);
    this.tabs?.post(session ? { session: { account: session.account, expiresAt: session.expiresAt } } : {});
  }

  #hear(message: Message): void {
    if (!message) this.abortRefresh();
    else if (this.isCookie) this.#follow(message);
    else void this.#find(message);
  }

  /** Only what this page finds itself counts: `sessionStorage` is not that of the others, and `localStorage` takes a moment to be. */
  async #find({ session }: Kept): Promise<void> {
    for (let ms = 10; ms < 3_000; ms *= 2) {
      const kept = await this.vault.read();
      if (kept.session?.expiresAt === session?.expiresAt) return this.#follow(kept);
      await pause(ms);
    }
  }

  /** Does what another page has done. */
  #follow({ session }: Kept): void {
    if (!session) {
      if (this.status !== 'signed-out') this.signedOut('signed-out');
    } else if (this.isCookie || session.accessToken !== this.credentials?.accessToken) {
      // Whoever waits for a refresh of this page need not any more.
      this.abortRefresh();
      this.signedInAs(session);
    }
  }
}
