// Limits of sign-in and related operations, in one table. Network: an IPv4 address or an IPv6 /64. Site: an IPv4 /24 or an
// IPv6 /48.
import { HOUR, type Limit, MINUTE, QUARTER } from '../limits/limit.js';

const TABLE = {
  /** Failed sign-ins from one network, for any account. */
  'login: network': { points: 100, seconds: QUARTER },
  'login: site': { points: 400, seconds: QUARTER },
  /** Failed sign-ins with one e-mail, from all networks that the account does not know. */
  'login: e-mail': { points: 10, seconds: QUARTER },
  /** Failed sign-ins with one e-mail from one network where the account signed in within 30 days. */
  'login: known network': { points: 10, seconds: QUARTER },
  /** Successful sign-ins with one e-mail: each opens a session. */
  'login: sessions': { points: 300, seconds: QUARTER },
  /** Registration attempts. The total limit is REGISTRATIONS_PER_HOUR. */
  'register: network': { points: 30, seconds: QUARTER },
  'register: site': { points: 120, seconds: QUARTER },
  /** Refreshes of one session from one network: racing tabs, retrying clients. */
  'refresh: session': { points: 60, seconds: MINUTE },
  /** Invalid refresh tokens from one network. */
  'refresh: network': { points: 1_200, seconds: MINUTE },
  'requestPasswordReset: network': { points: 30, seconds: QUARTER },
  'requestPasswordReset: site': { points: 120, seconds: QUARTER },
  /** Invalid reset tokens from one network. */
  'resetPassword: network': { points: 30, seconds: QUARTER },
  /** Failed changes by one session, which could be used to guess the password. */
  'changePassword: session': { points: 10, seconds: QUARTER },
} as const satisfies Readonly<Record<string, Omit<Limit, 'name'>>>;

type Name = keyof typeof TABLE;

export const SIGN_IN_LIMITS = Object.fromEntries(
  Object.entries(TABLE).map(([name, limit]) => [name, { name, ...limit }]),
) as unknown as Readonly<Record<Name, Limit>>;

/** Registration attempts in total. */
export const registrations = (points: number): Limit => ({ name: 'register: total', points, seconds: HOUR });
