// How often what may be tried: the whole policy, in one table. Every window is fixed: it begins with the first try, and what
// is refused in it is allowed again when it ends. So a block lasts at most as long as a window, 15 minutes.

/** `points` tries in `seconds`. */
export interface Limit {
  readonly points: number;
  readonly seconds: number;
}

const QUARTER = 15 * 60;

export const LIMITS = {
  /** Failed sign-ins from one address, whatever the account. */
  'login: address': { points: 100, seconds: QUARTER },
  /** Failed sign-ins with one e-mail, from all addresses that are strange to it together. */
  'login: e-mail': { points: 10, seconds: QUARTER },
  /** Failed sign-ins with one e-mail from one address that has signed in to the account within 30 days. */
  'login: known address': { points: 10, seconds: QUARTER },
  /** Accounts made, or tried to make, from one address. */
  'register: address': { points: 30, seconds: QUARTER },
  /** Refreshes of one session from one address: tabs that race, clients that retry. */
  'refresh: session': { points: 60, seconds: 60 },
  /** Refreshes from one address: an office behind one of them. */
  'refresh: address': { points: 1_200, seconds: 60 },
  'requestPasswordReset: address': { points: 30, seconds: QUARTER },
  'requestPasswordReset: e-mail': { points: 5, seconds: QUARTER },
  'requestPasswordReset: known address': { points: 5, seconds: QUARTER },
  'resetPassword: address': { points: 30, seconds: QUARTER },
  /** Failed changes, which tell whether a password is right. */
  'changePassword: account': { points: 10, seconds: QUARTER },
  /** Names that turned out to be taken, which tells that there is something of that name. */
  'takeName: account': { points: 60, seconds: QUARTER },
} as const satisfies Readonly<Record<string, Limit>>;

export type BucketName = keyof typeof LIMITS;

/** Operations of one account on one instance, over HTTP and all of its sockets: 200 a second, in bursts of up to 2,000. */
export const OPERATIONS: Limit = { points: 2_000, seconds: 10 };
