// Whether the data of a page is current. Connected and complete are separate facts; the page claims only what both allow.
import type { Connection } from '@tidings/client';
import { useConnection } from '@tidings/client/react';
import { useEffect, useRef, useState } from 'react';
import { asServiceTime } from './clock.js';

export type FreshnessState = 'connecting' | 'live' | 'catching-up' | 'reconnecting' | 'offline';

export interface Freshness {
  readonly state: FreshnessState;
  /** Time of the service up to which the data is complete, ms since 1970; undefined if it never was. */
  readonly asOf: number | undefined;
  /** Whether the data has not been live for longer than `RECONNECT_MS`, so that the page must say so. */
  readonly isStale: boolean;
}

/** ms that a reconnection may take before the page shows it. */
const RECONNECT_MS = 3_000;
/** ms without progress after which an open connection counts as dead. Progress is reported every 5 s. */
const SILENT_MS = 13_000;
const CHECK_MS = 1_000;

/** Elapsed ms by two clocks, the larger value: the monotonic clock stops during sleep, and the wall clock may be adjusted. */
class Stopwatch {
  #date = Date.now();
  #tick = performance.now();

  restart(): void {
    this.#date = Date.now();
    this.#tick = performance.now();
  }

  get elapsed(): number {
    return Math.max(Date.now() - this.#date, performance.now() - this.#tick);
  }
}

export function stateOf({ socket, behind, complete }: Connection, isOnline: boolean): FreshnessState {
  if (socket === 'open') return behind === 0 ? 'live' : complete ? 'catching-up' : 'connecting';
  if (!isOnline) return 'offline';
  return complete ? 'reconnecting' : 'connecting';
}

/** `loadedAt`: local time of the last read, ms since 1970, used if the connection has never been complete. */
export function useFreshness(loadedAt?: number): Freshness {
  const connection = useConnection();
  const { complete } = connection;
  const [isOnline, setOnline] = useState(navigator.onLine);
  const claimed = stateOf(connection, isOnline);
  const progress = useRef<Stopwatch>(null);
  const trouble = useRef<Stopwatch>(null);
  const [verdict, setVerdict] = useState({ isSilent: false, isLong: false });

  useEffect(() => {
    progress.current ??= new Stopwatch();
    progress.current.restart();
  }, [complete]);

  useEffect(() => {
    const look = (): void => {
      setOnline(navigator.onLine);
      const isSilent = progress.current!.elapsed > SILENT_MS;
      if (claimed === 'live' && !isSilent) trouble.current = null;
      else trouble.current ??= new Stopwatch();
      const isLong = isSilent || (trouble.current?.elapsed ?? 0) > RECONNECT_MS;
      setVerdict((known) => (known.isSilent === isSilent && known.isLong === isLong ? known : { isSilent, isLong }));
    };
    look();
    const timer = setInterval(look, CHECK_MS);
    const events = ['online', 'offline', 'pageshow', 'focus'] as const;
    for (const name of events) window.addEventListener(name, look);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      for (const name of events) window.removeEventListener(name, look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [claimed, complete]);

  const isDoubtful = claimed === 'live' && verdict.isSilent;
  const state = isDoubtful ? (isOnline ? 'reconnecting' : 'offline') : claimed;
  const at = complete?.at ?? loadedAt;
  const asOf = at === undefined ? undefined : asServiceTime(at);
  return { state, asOf, isStale: asOf !== undefined && (state !== 'live' || isDoubtful) && verdict.isLong };
}
