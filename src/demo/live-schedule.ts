// When the live demo acts next, and how chance is drawn: irregular, as people are, and never faster than the bound.

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

/** ms that lie between two acts at least, whatever was asked for. */
export const MIN_PAUSE_MS = 500;
/** Longest wait before a failed request is tried again. */
const MAX_RETRY_MS = 15_000;

/** ms until the next act: exponential around `mean`, as independent people make it, but at most four times as long. */
export function nextPause(mean: number, random: Random): number {
  const drawn = -Math.log(1 - random()) * mean;
  return Math.round(Math.max(MIN_PAUSE_MS, Math.min(drawn, mean * 4)));
}

/** ms before try number `attempt` (from 1) of a request that failed: doubling from half a second, with jitter. */
export function retryPause(attempt: number, random: Random): number {
  const longest = Math.min(MAX_RETRY_MS, 500 * 2 ** Math.min(attempt - 1, 10));
  return Math.round(longest * (0.5 + random() / 2));
}

/** One of `choices`. Throws if there is none. */
export function pick<T>(choices: readonly T[], random: Random): T {
  if (choices.length === 0) throw new RangeError('Nothing to choose from');
  return choices[Math.floor(random() * choices.length)] as T;
}

/** One of the keys of `weights`, as often as their weights say. */
export function pickWeighted<T extends string>(weights: Readonly<Record<T, number>>, random: Random): T {
  const entries = Object.entries<number>(weights) as [T, number][];
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  const found = entries.find(([, weight]) => (left -= weight) < 0) ?? entries.at(-1);
  if (!found) throw new RangeError('Nothing to choose from');
  return found[0];
}
