// Drafts: stored per tab and account until they are posted. They survive reloads.
import { useCallback, useEffect, useRef, useState } from 'react';

function read<T>(name: string, otherwise: T): T {
  try {
    return (JSON.parse(sessionStorage.getItem(PREFIX + name) ?? 'null') as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(name: string, value: unknown): void {
  try {
    if (value === undefined) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // The storage is full or denied: the draft lasts as long as the page.
  }
}

const PREFIX = 'tidings kept ';

/** Removes the drafts of all accounts in this tab. */
export function clearStoredState(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // The storage is denied, so nothing was stored.
  }
}

/** State that is stored under `name` while it differs from `empty`. */
export function useStoredState<T>(
  name: string,
  empty: T,
  isEmpty: (value: T) => boolean,
): [T, (next: (before: T) => T) => void] {
  const [value, setValue] = useState(() => read(name, empty));
  const latest = useRef(value);
  const set = useCallback(
    (next: (before: T) => T) => {
      latest.current = next(latest.current);
      setValue(latest.current);
      write(name, isEmpty(latest.current) ? undefined : latest.current);
    },
    [name, isEmpty],
  );
  useEffect(() => {
    latest.current = value;
  }, [value]);
  return [value, set];
}
