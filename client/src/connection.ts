// What is known of the socket, and of what came over it: two facts that are never merged.

export interface Connection {
  readonly socket: 'open' | 'connecting' | 'closed';
  /** Since when, ms since 1970. */
  readonly since: number;
  /** Why it is not open. */
  readonly reason: string | undefined;
  /** Everything up to this cursor has been seen, as of this time (ms since 1970); it stays while the socket is away. */
  readonly complete: { readonly cursor: string; readonly at: number } | undefined;
  /** Events that are still to be sent, at least; undefined: it is not known, or there is no socket. */
  readonly behind: number | undefined;
  /** Whether the last reconnection has brought all that was missed; null: there was none. */
  readonly recovered: boolean | null;
  /** Of the service that answers. */
  readonly build: string | undefined;
}

export const UNCONNECTED: Connection = {
  socket: 'closed',
  since: Date.now(),
  reason: undefined,
  complete: undefined,
  behind: undefined,
  recovered: null,
  build: undefined,
};

/** Whether what is shown is what is so: connected, and nothing missing. */
export const isLive = ({ socket, behind }: Connection): boolean => socket === 'open' && behind === 0;

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** `retry=5-15` in a close reason, seconds: then to come back; undefined: nothing is advised. */
export function advice(reason: string): Range | undefined {
  const [, min, max] = /retry=(\d{1,6})-(\d{1,6})/.exec(reason) ?? [];
  return min && max ? { min: Number(min), max: Number(max) } : undefined;
}

/** ms within a range of seconds. */
export const within = ({ min, max }: Range): number => 1_000 * (min + Math.random() * Math.max(0, max - min));
