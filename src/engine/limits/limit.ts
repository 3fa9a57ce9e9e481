// A rate limit. Windows are fixed: a window starts with the first attempt, and refusals end with it.

/** `points` attempts in `seconds`. Limits of the same name share counters. */
export interface Limit {
  /** Also a metric label, so the set of names must be small. */
  readonly name: string;
  readonly points: number;
  readonly seconds: number;
}

/** A limit of a field, per account: of all attempts, or of failed ones. */
export interface AccountLimit extends Limit {
  readonly counts: 'attempts' | 'failures';
}

export const MINUTE = 60;
export const QUARTER = 15 * MINUTE;
export const HOUR = 60 * MINUTE;
