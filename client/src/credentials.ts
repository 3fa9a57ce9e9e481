// What a session consists of on this side, and how it travels.
import type { Clock } from './clock.js';
import type { Json } from './document.js';

export type Transport = 'cookie' | 'body' | 'token';

/** Who is signed in. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: 'USER' | 'EDITOR' | 'ADMIN';
}

/** Why nobody is signed in: nobody was, somebody signed out, the session ended elsewhere, its tokens were used twice. */
export type SignedOutReason = 'absent' | 'signed-out' | 'ended' | 'theft';

export type SessionState =
  | { readonly status: 'restoring' }
  | { readonly status: 'signed-in'; readonly account: Account }
  | { readonly status: 'signed-out'; readonly reason: SignedOutReason };

/** Where tokens are kept: `localStorage` for all tabs, `sessionStorage` for one, or anything with these two, promises or not. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
}

export interface Credentials {
  readonly account: Account;
  /** On the clock of this machine, ms since 1970; 0: not known. */
  readonly expiresAt: number;
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** What is kept: the session, or one that is still to be ended. */
export interface Kept {
  readonly session?: Credentials | undefined;
  /** Signed out while the service could not be reached: the refresh token, or the account of the cookies. */
  readonly ending?: string | undefined;
}

const ACCOUNT = 'user { id name email role }';
const PAYLOAD = `{ accessToken accessTokenExpiresAt refreshToken ${ACCOUNT} } }`;
export const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) ${PAYLOAD}`;
export const REFRESH = `mutation ($token: String) { refresh(refreshToken: $token) ${PAYLOAD}`;
export const LOGOUT = 'mutation ($token: String) { logout(refreshToken: $token) }';
export const SESSION = `{ session { accessTokenExpiresAt now ${ACCOUNT} } }`;

/** Of a payload of `login`, `register`, `refresh` or `changePassword`, or of `session`. */
export function credentialsOf(payload: Json, clock: Clock): Credentials {
  const { user: account, accessToken, refreshToken } = payload;
  clock.set(payload.now);
  return { account, expiresAt: clock.end(payload.accessTokenExpiresAt), accessToken, refreshToken };
}
