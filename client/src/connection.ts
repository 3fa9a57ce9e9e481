// State of the socket, and completeness of the data received over it. The two are separate.

export interface Connection {
  readonly socket: 'open' | 'connecting' | 'closed';
  /** Time of the last change of `socket`, ms since 1970. */
  readonly since: number;
  /** Why the socket is not open. */
  readonly reason: string | undefined;
  /** All events up to `cursor` had been received at the time `at` (ms since 1970). Kept while the socket is closed. */
  readonly complete: { readonly cursor: string; readonly at: number } | undefined;
  /** Minimum number of events not sent yet; undefined if unknown or without a socket. */
  readonly behind: number | undefined;
  /** Whether the last reconnection delivered all missed events; null if there was no reconnection. */
  readonly recovered: boolean | null;
  /** Build of the service. */
  readonly build: string | undefined;
}

export const UNCONNECTED = { socket: 'closed', since: Date.now(), recovered: null } as Connection;

/** Whether the data is live: the socket is open and no event is missing. */
export const isLive = ({ socket, behind }: Connection): boolean => socket === 'open' && behind === 0;

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Reconnection delay advised by `retry=5-15` in a close reason, in seconds; undefined if none. */
export function advice(reason: string): Range | undefined {
  const [, min, max] = /retry=(\d{1,6})-(\d{1,6})/.exec(reason) ?? [];
  return min ? { min: Number(min), max: Number(max) } : undefined;
}

/** A random number of ms within a range of seconds. */
export const within = ({ min, max }: Range): number => 1_000 * (min + Math.random() * Math.max(0, max - min));
