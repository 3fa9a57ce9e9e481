// Time of the service, since local clocks may be wrong, and its formats. Ages are strings, so components render only if the text changes.
import type { Tidings } from '@tidings/client';
import { useCallback, useSyncExternalStore } from 'react';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Difference between the service clock and the local clock in ms. */
let offset = 0;

/** Current time of the service, ms since 1970. */
export const serviceNow = (): number => Date.now() + offset;

/** Converts a local time to the clock of the service. */
export const asServiceTime = (ms: number): number => ms + offset;

/** Reads the time of the service. Rejects like `request`. */
export async function readServiceClock(tidings: Tidings, signal: AbortSignal): Promise<void> {
  const asked = Date.now();
  const { session } = await tidings.request<{ session: { now: string } }>('{ session { now } }', {}, { signal });
  offset = Date.parse(session.now) - (asked + Date.now()) / 2;
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls `listener` every 5 s. Returns the function to stop it. */
export function everyFewSeconds(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => listeners.forEach((tell) => tell()), 5 * SECOND);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

const shortDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const longDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const exactTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** "just now", "4 min", "3 h", "2 d", "12 Nov", "12 Nov 2025". */
export function ageText(at: string, now: number): string {
  const time = Date.parse(at);
  const age = now - time;
  if (age < MINUTE) return 'just now';
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  if (age < 14 * DAY) return `${Math.floor(age / DAY)} d ago`;
  return new Date(time).getFullYear() === new Date(now).getFullYear() ? shortDate.format(time) : longDate.format(time);
}

/** "14:03" in the local time zone; "27 Nov, 14:03" if on another day than `now`. */
export function timeText(ms: number, now = serviceNow()): string {
  const isToday = longDate.format(ms) === longDate.format(now);
  return isToday ? clockTime.format(ms) : `${shortDate.format(ms)}, ${clockTime.format(ms)}`;
}

/** Date and time with seconds, for tooltips. */
export const exactText = (at: string | number): string =>
  exactTime.format(typeof at === 'string' ? Date.parse(at) : at);

export function useAge(at: string): string {
  return useSyncExternalStore(
    everyFewSeconds,
    useCallback(() => ageText(at, serviceNow()), [at]),
  );
}

/** Current time, such as "14:03". */
export const useClockText = (): string => useSyncExternalStore(everyFewSeconds, () => timeText(serviceNow()));
