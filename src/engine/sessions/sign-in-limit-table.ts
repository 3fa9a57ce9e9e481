// How often signing in and what belongs to it may be attempted: the whole policy, in one table. Per network means: an IPv4 address
// or an IPv6 /64. Per site: an IPv4 /24 or an IPv6 /48.
import { HOUR, type Limit, MINUTE, QUARTER } from '../limits/limit.js';

const TABLE = {
  /** Failed sign-ins from one network, whatever the account. */
  'login: network': { points: 100, seconds: QUARTER },
  'login: site': { points: 400, seconds: QUARTER },
  /** Failed sign-ins with one e-mail, from all networks that are strange to it together. */
  'login: e-mail': { points: 10, seconds: QUARTER },
  /** Failed sign-ins with one e-mail from one network that has signed in to the account within 30 days. */
  'login: known network': { points: 10, seconds: QUARTER },
  /** Sign-ins with one e-mail that succeed: each is a session. */
  'login: sessions': { points: 300, seconds: QUARTER },
  /** Accounts made, or tried to make. The limit in total is REGISTRATIONS_PER_HOUR. */
  'register: network': { points: 30, seconds: QUARTER },
  'register: site': { points: 120, seconds: QUARTER },
  /** Refreshes of one session from one network: tabs that race, clients that retry. */
  'refresh: session': { points: 60, seconds: MINUTE },
  /** Refresh tokens from one network that are not valid. */
  'refresh: network': { points: 1_200, seconds: MINUTE },
  'requestPasswordReset: network': { points: 30, seconds: QUARTER },
  'requestPasswordReset: site': { points: 120, seconds: QUARTER },
  /** Reset tokens from one network that are not valid. */
  'resetPassword: network': { points: 30, seconds: QUARTER },
  /** Failed changes by one session, which tell whether a password is right. */
  'changePassword: session': { points: 10, seconds: QUARTER },
} as const satisfies Readonly<Record<string, Omit<Limit, 'name'>>>;

type Name = keyof typeof TABLE;

export const SIGN_IN_LIMITS = Object.fromEntries(
  Object.entries(TABLE).map(([name, limit]) => [name, { name, ...limit }]),
) as unknown as Readonly<Record<Name, Limit>>;

/** Accounts made, or tried to make, in total. */
export const registrations = (points: number): Limit => ({ name: 'register: total', points, seconds: HOUR });
