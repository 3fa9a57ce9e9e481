// A queue in which the group comes first on which the least was spent, and in it the key: who sends more waits longer, and nobody
// else does. Those on which the same was spent take turns.
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

  /** The next entry. `spent`: what was spent on a group or a key lately. */
  shift(spent: (name: string) => number = () => 0): T | undefined {
    const group = least(this.groups, spent);
    if (!group) return undefined;
    const [groupName, keys] = group;
    const [key, entries] = least(keys, spent)!;
    const entry = entries.shift();
    // Maps keep the order of insertion: set again, they stand last.
    this.groups.delete(groupName);
    keys.delete(key);
    if (entries.length > 0) keys.set(key, entries);
    if (keys.size > 0) this.groups.set(groupName, keys);
    this.length -= 1;
    this.held -= entry?.bytes ?? 0;
    return entry?.value;
  }
}

/** The entry on whose name the least was spent, the first one of several. */
function least<V>(entries: ReadonlyMap<string, V>, spent: (name: string) => number): [string, V] | undefined {
  let found: [string, V] | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const points = spent(entry[0]);
    if (points < fewest) [found, fewest] = [entry, points];
    if (points === 0) break;
  }
  return found;
}
