// A queue in which groups take turns, and in each group its keys: who sends more waits longer, and nobody else does.
import type { Owner } from './client-network.js';

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
}

export class FairQueue<T> {
  private readonly groups = new Map<string, Map<string, Entry<T>[]>>();
  private length = 0;
  private held = 0;

  /** Entries that wait. */
  get size(): number {
    return this.length;
  }

  /** Bytes of all entries that wait. */
  get bytes(): number {
    return this.held;
  }

  /** Entries of one key, and of its whole group, that wait; bytes of the key's. */
  waitingOf({ group, key }: Owner): { readonly key: number; readonly group: number; readonly bytes: number } {
    const keys = this.groups.get(group);
    const own = keys?.get(key) ?? [];
    let all = 0;
    for (const entries of keys?.values() ?? []) all += entries.length;
    return { key: own.length, group: all, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  push({ group, key }: Owner, value: T, bytes = 0): void {
    const keys = this.groups.get(group) ?? new Map<string, Entry<T>[]>();
    const entries = keys.get(key) ?? [];
    entries.push({ value, bytes });
    keys.set(key, entries);
    this.groups.set(group, keys);
    this.length += 1;
    this.held += bytes;
  }

  /** The next entry: that of the group, and in it of the key, whose last one lies furthest back. */
  shift(): T | undefined {
    for (const [group, keys] of this.groups) {
      // Maps keep the order of insertion: set again, they stand last.
      this.groups.delete(group);
      for (const [key, entries] of keys) {
        keys.delete(key);
        const entry = entries.shift();
        if (entries.length > 0) keys.set(key, entries);
        if (keys.size > 0) this.groups.set(group, keys);
        this.length -= 1;
        this.held -= entry?.bytes ?? 0;
        return entry?.value;
      }
    }
    return undefined;
  }
}
