// A fair queue of groups, and of keys within a group: the next one is that whose last turn is longest ago. Recent cost delays a group
// or key in proportion, and by no more, so any number of newer groups cannot overtake it repeatedly.
import type { Owner } from './client-network.js';

/** ms of delay per point of recent cost. */
const MS_PER_POINT = 10;

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
}

/** Entries of a name, and the time of its last turn, or of its arrival. */
interface Waiting<T> {
  readonly since: number;
  readonly what: T;
}

export class FairQueue<T> {
  private readonly groups = new Map<string, Waiting<Map<string, Waiting<Entry<T>[]>>>>();
  private length = 0;
  private totalBytes = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Number of waiting entries. */
  get size(): number {
    return this.length;
  }

  /** Bytes of all waiting entries. */
  get bytes(): number {
    return this.totalBytes;
  }

  /** Waiting entries of one key and of its group; waiting bytes of the key. */
  waitingOf({ group, key }: Owner): { readonly key: number; readonly group: number; readonly bytes: number } {
    const keys = this.groups.get(group)?.what;
    const own = keys?.get(key)?.what ?? [];
    let all = 0;
    for (const { what } of keys?.values() ?? []) all += what.length;
    return { key: own.length, group: all, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  push({ group, key }: Owner, value: T, bytes = 0): void {
    const since = this.now();
    const keys = waitingIn(this.groups, group, () => ({ since, what: new Map<string, Waiting<Entry<T>[]>>() }));
    waitingIn(keys, key, () => ({ since, what: [] })).push({ value, bytes });
    this.length += 1;
    this.totalBytes += bytes;
  }

  /** The next entry. `spent`: recent cost of a group or key. */
  shift(spent: (name: string) => number = () => 0): T | undefined {
    const group = first(this.groups, spent);
    if (!group) return undefined;
    const [groupName, keys] = group;
    const [key, entries] = first(keys, spent)!;
    const entry = entries.shift();
    // Maps keep insertion order: re-insertion moves an entry to the end.
    const since = this.now();
    this.groups.delete(groupName);
    keys.delete(key);
    if (entries.length > 0) keys.set(key, { since, what: entries });
    if (keys.size > 0) this.groups.set(groupName, { since, what: keys });
    this.length -= 1;
    this.totalBytes -= entry?.bytes ?? 0;
    return entry?.value;
  }
}

function waitingIn<T>(all: Map<string, Waiting<T>>, name: string, make: () => Waiting<T>): T {
  const waiting = all.get(name) ?? make();
  all.set(name, waiting);
  return waiting.what;
}

/** The next one. Entries are in the order in which they started to wait. */
function first<T>(all: ReadonlyMap<string, Waiting<T>>, spent: (name: string) => number): [string, T] | undefined {
  let found: [string, T] | undefined;
  let earliest = Number.POSITIVE_INFINITY;
  for (const [name, { since, what }] of all) {
    if (since >= earliest) break;
    const due = since + spent(name) * MS_PER_POINT;
    if (due < earliest) [found, earliest] = [[name, what], due];
  }
  return found;
}
