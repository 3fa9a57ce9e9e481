// When clients should reconnect after this instance has closed their sockets, or failed: spread, so that they do not all connect at once.

/** Seconds, from and to: a client waits for a random time between them. */
export interface RetryAdvice {
  readonly min: number;
  readonly max: number;
}

/** For clients that are refused because a backend is unavailable or a limit is reached: an earlier attempt would fail too. */
export const LATER: RetryAdvice = { min: 5, max: 15 };
/** Connections that an instance takes in a second, beside all else that it does. */
const PER_SECOND = 100;
/** Seconds over which the clients of a small instance are spread. */
const SHORTEST = 2;

/** For all clients of an instance with so many sockets, when it stops or cannot be reached. */
export function retryAdvice(sockets: number): RetryAdvice {
  const max = Math.min(LATER.max, SHORTEST + Math.ceil(sockets / PER_SECOND));
  return { min: Math.floor(max / 3), max };
}

/** The reason of a close, with the advice as clients read it. */
export function withAdvice(reason: string, { min, max }: RetryAdvice): string {
  return `${reason}; retry=${min}-${max}`;
}
