// Types of a session on the client, and the operations that create, renew and end one.
export type Transport = 'cookie' | 'body' | 'token';

/** The account that is signed in. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: 'USER' | 'EDITOR' | 'ADMIN';
}

/**
 * Why nobody is signed in. `absent`: there was no session; `signed-out`: `signOut()` here or in another tab; `ended`: the service ended
 * the session; `theft`: a refresh token was reused.
 */
export type SignedOutReason = 'absent' | 'signed-out' | 'ended' | 'theft';

export type SessionState =
  /** Unknown yet. `error` is the error of the last failed attempt; the client tries again. */
  | { readonly status: 'restoring'; readonly error?: Error }
  | { readonly status: 'signed-in'; readonly account: Account }
  | { readonly status: 'signed-out'; readonly reason: SignedOutReason };

/** Token storage: `localStorage` for all tabs, `sessionStorage` for one, or any object with these methods, synchronous or not. */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
}

export interface Credentials {
  readonly account: Account;
  /** Expiry of the access token on the local clock, ms since 1970; 0 if unknown. */
  readonly expiresAt: number;
  readonly accessToken?: string | undefined;
  readonly refreshToken?: string | undefined;
}

/** Stored state: the session, or a session whose sign-out is pending. */
export interface StoredSession {
  readonly session?: Credentials | undefined;
  /** Pending sign-out at the service: the refresh token, or with cookies the account id. */
  readonly ending?: string | undefined;
}

const ACCOUNT = 'user { id name email role }';
const PAYLOAD = `{ accessToken accessTokenExpiresAt refreshToken ${ACCOUNT} } }`;
export const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) ${PAYLOAD}`;
export const REFRESH = `mutation ($token: String) { refresh(refreshToken: $token) ${PAYLOAD}`;
export const LOGOUT = 'mutation ($token: String) { logout(refreshToken: $token) }';
export const SESSION = `{ session { accessTokenExpiresAt now ${ACCOUNT} } }`;
