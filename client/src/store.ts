// An observable value.
import { safely } from './safely.js';

export interface Readable<T> {
  /** Returns the current value, the same object until it changes. */
  readonly get: () => T;
  /** Calls `listener` after each change. Returns the function to unsubscribe. */
  readonly subscribe: (listener: (value: T) => void) => () => void;
}

export interface Store<T> extends Readable<T> {
  readonly set: (value: T) => void;
}

export function store<T>(value: T): Store<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => value,
    subscribe(listener) {
      const own = (next: T): void => listener(next);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    set(next) {
      value = next;
      const told = [...listeners];
      // An earlier listener may have removed this one.
      for (const listener of told) if (listeners.has(listener)) safely(() => listener(next));
    },
  };
}
