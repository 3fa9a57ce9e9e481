// A value that can be looked at and listened to.
import { safely } from './safely.js';

export interface Readable<T> {
  /** The present value; the same object until it changes. */
  readonly get: () => T;
  /** Calls `listener` after each change, and returns how to stop that. */
  readonly subscribe: (listener: (value: T) => void) => () => void;
}

export interface Store<T> extends Readable<T> {
  readonly set: (value: T) => void;
}

export function store<T>(value: T): Store<T> {
  const listeners = listening<T>();
  return {
    get: () => value,
    subscribe: listeners.add,
    set(next) {
      value = next;
      listeners.tell(next);
    },
  };
}

/** Who wants to hear of something. `add` returns how to stop that. */
export function listening<T>() {
  const listeners = new Set<(value: T) => void>();
  return {
    get size(): number {
      return listeners.size;
    },
    add: (listener: (value: T) => void): (() => void) => {
      const own = (value: T) => listener(value);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    /** Whom an earlier one has taken out is not told. */
    tell(value: T): void {
      const told = [...listeners];
      for (const listener of told) if (listeners.has(listener)) safely(() => listener(value));
    },
  };
}
