// What a rate limit is. Every window is fixed: it begins with the first attempt, and what is refused in it is allowed again when it
// ends. So a refusal lasts at most as long as the window.

/** `points` attempts in `seconds`. Counters of the same name are one. */
export interface Limit {
  /** Also the label of the metric, so not one of many. */
  readonly name: string;
  readonly points: number;
  readonly seconds: number;
}

/** A limit of a field, per account: of every attempt, or of those alone that fail. */
export interface AccountLimit extends Limit {
  readonly counts: 'attempts' | 'failures';
}

export const MINUTE = 60;
export const QUARTER = 15 * MINUTE;
export const HOUR = 60 * MINUTE;
