// One demo account as a client of the API, over HTTP alone: signs in, refreshes its tokens in time, and outlives a server
// that restarts. A request is repeated until it is answered, so whoever posts gives an idempotencyKey.
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, retryPause } from './live-schedule.js';

/** Renews a token that expires within so many ms: the clocks may differ a little. */
const EXPIRES_SOON_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** Times that a fresh token may be refused before it is an error. */
const MAX_REFUSALS = 3;
const PASSING: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED']);

const PAYLOAD = '{ accessToken refreshToken accessTokenExpiresAt }';
const LOGIN = `mutation Login($input: LoginInput!) { tokens: login(input: $input) ${PAYLOAD} }`;
const LOGOUT = 'mutation Leave($token: String!) { logout(refreshToken: $token) }';
const REFRESH = `mutation Refresh($token: String!) { tokens: refresh(refreshToken: $token) ${PAYLOAD} }`;

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly accessTokenExpiresAt: string;
}

/** The first error of a reply, one that will not pass by itself. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    message: string,
    /** `extensions.code`. */
    readonly code: string,
  ) {
    super(message);
  }
}

/** The account is not there, is disabled, or has another password. */
export class SignInRefusedError extends Error {
  override readonly name = 'SignInRefusedError';
}

/** The same request may be answered later, after `wait` ms at least. */
class PassingError extends Error {
  constructor(
    readonly reachable: boolean,
    readonly wait = 0,
  ) {
    super('Try again');
  }
}

interface Reply {
  readonly data?: unknown;
  readonly errors?: readonly { message: string; extensions?: { code?: string; retryAfter?: number } }[];
}

export interface ClientOptions {
  readonly url: string;
  readonly password: string;
  /** Ends every request and every wait, by rejecting. */
  readonly signal: AbortSignal;
  readonly random: Random;
  /** Told after every request whether the server has answered it. */
  readonly onConnection: (reachable: boolean) => void;
}

export class LiveClient {
  private tokens: Tokens | undefined;

  constructor(
    readonly email: string,
    private readonly options: ClientOptions,
  ) {}

  /**
   * The data of `query`. Waits while the server is away or busy. Throws {@link ApiError} for what will not pass,
   * {@link SignInRefusedError} if the account cannot sign in.
   */
  async request<T>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<T> {
    let refusals = 0;
    return this.patiently(async () => {
      const { accessToken } = await this.signedIn();
      try {
        return (await this.send(query, variables, accessToken)) as T;
      } catch (error) {
        // The token is no longer good, whatever its expiry says: the session has ended, or the server is another one.
        const refused = error instanceof ApiError && error.code === 'UNAUTHENTICATED';
        if (!refused || !this.tokens || (refusals += 1) > MAX_REFUSALS) throw error;
        this.tokens = { ...this.tokens, accessTokenExpiresAt: '' };
        throw new PassingError(true);
      }
    });
  }

  /** Ends the session, if the server is there to hear it. */
  async leave(): Promise<void> {
    const { tokens } = this;
    this.tokens = undefined;
    if (!tokens) return;
    // The access token may have expired: the refresh token ends the session all the same.
    const { accessToken, refreshToken: token } = tokens;
    await this.send(LOGOUT, { token }, accessToken, AbortSignal.timeout(1_000)).catch(() => {});
  }

  private async signedIn(): Promise<Tokens> {
    if (this.tokens && Date.parse(this.tokens.accessTokenExpiresAt) - Date.now() > EXPIRES_SOON_MS) return this.tokens;
    const refreshed = this.tokens && (await this.refresh(this.tokens.refreshToken));
    return (this.tokens = refreshed ?? (await this.login()));
  }

  private async login(): Promise<Tokens> {
    const input = { email: this.email, password: this.options.password };
    try {
      return ((await this.send(LOGIN, { input })) as { tokens: Tokens }).tokens;
    } catch (error) {
      const refused = error instanceof ApiError && error.code === 'INVALID_CREDENTIALS';
      throw refused ? new SignInRefusedError(this.email) : error;
    }
  }

  /** Undefined if the session is over. */
  private async refresh(token: string): Promise<Tokens | undefined> {
    try {
      return ((await this.send(REFRESH, { token })) as { tokens: Tokens }).tokens;
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  }

  /** What `work` gives in the end: tried again, with pauses, for as long as the server is away or busy. */
  private async patiently<T>(work: () => Promise<T>): Promise<T> {
    const { signal, random, onConnection } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        const result = await work();
        onConnection(true);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PassingError)) throw error;
        onConnection(error.reachable);
        await delay(Math.max(error.wait, retryPause(attempt, random)), undefined, { signal });
      }
    }
  }

  private async send(query: string, variables: object, token?: string, signal = this.options.signal): Promise<unknown> {
    const reply = await this.fetch(JSON.stringify({ query, variables }), token, signal);
    const [error] = reply.errors ?? [];
    if (!error) return reply.data;
    const { code = '', retryAfter = 0 } = error.extensions ?? {};
    throw PASSING.has(code) ? new PassingError(true, retryAfter * 1_000) : new ApiError(error.message, code);
  }

  private async fetch(body: string, token: string | undefined, signal: AbortSignal): Promise<Reply> {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    try {
      const response = await fetch(`${this.options.url}/graphql`, { method: 'POST', headers, body, signal: limit });
      return (await response.json()) as Reply;
    } catch {
      throw new PassingError(false);
    }
  }
}
