// A cache that the log keeps true: a value is read once, with the position of that very snapshot, and from then on
// changed by events alone. In the steady state it costs no statement, and it is never older than the log followed.
import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { setTimeout as pause } from 'node:timers/promises';
import { ServiceUnavailableError } from '../errors/service-error.js';
import type { LogEvent } from './log-event.js';
import type { LogFollower } from './log-follower.js';

/** Most keys that are read in one statement. */
const MAX_BATCH = 500;
/** How often a snapshot is read that is older than the events in memory, and ms before the second read; each pause doubles. */
const MAX_READS = 4;
const PAUSE_MS = 50;

/** A value, and the head's position in the snapshot that it is of. `undefined`: there is no such key. */
export interface Snapshot<V> {
  readonly pos: number;
  readonly value: V | undefined;
}

export interface LogViewOptions<V extends object> {
  /** Most values kept; the least used go first and are read again when needed. */
  readonly max: number;
  /** Reads a value and the head's position in the same statement. */
  readonly load: (key: string) => Promise<Snapshot<V>>;
  /** Which keys an event changes; `'*'` for whatever is held. */
  readonly affects: (event: LogEvent) => readonly string[] | '*';
  /** Changes `value` as the event says. Must be idempotent: events that the snapshot knew may come again. */
  readonly apply: (value: V, event: LogEvent, key: string) => void;
}

/** Loads single keys by what loads many: those that are asked for in one turn of the event loop are read in one statement. */
export function gathered<V>(
  loadAll: (keys: readonly string[]) => Promise<{ readonly pos: number; readonly values: ReadonlyMap<string, V> }>,
): (key: string) => Promise<Snapshot<V>> {
  const loader = new DataLoader<string, Snapshot<V>>(
    async (keys) => {
      const { pos, values } = await loadAll(keys);
      return keys.map((key) => ({ pos, value: values.get(key) }));
    },
    { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: (dispatch) => void setImmediate(dispatch) },
  );
  return (key) => loader.load(key);
}

export class LogView<V extends object> {
  private readonly values: LRUCache<string, V>;
  /** Values that someone may still hold: they stay true, and serve again instead of a second copy. */
  private readonly evicted = new Map<string, WeakRef<V>>();
  private readonly forgotten = new FinalizationRegistry<string>((key) => {
    if (!this.evicted.get(key)?.deref()) this.evicted.delete(key);
  });
  private readonly loading = new Map<string, Promise<V | undefined>>();

  constructor(
    private readonly follower: LogFollower,
    private readonly options: LogViewOptions<V>,
  ) {
    this.values = new LRUCache({
      // Counted by size: for `max` the room for all of them would be laid out at once.
      maxSize: options.max,
      sizeCalculation: () => 1,
      dispose: (value, key, reason) => {
        if (reason !== 'evict') return;
        this.evicted.set(key, new WeakRef(value));
        this.forgotten.register(value, key);
      },
    });
    follower.on('rights', (event) => this.changed(event));
  }

  /** The value at the position that this node has applied, without a statement if it is held. */
  get(key: string): V | undefined | Promise<V | undefined> {
    return this.held(key) ?? this.loading.get(key) ?? this.load(key);
  }

  private held(key: string): V | undefined {
    const value = this.values.get(key);
    if (value || !this.evicted.has(key)) return value;
    const stillUsed = this.evicted.get(key)?.deref();
    this.evicted.delete(key);
    if (stillUsed) this.values.set(key, stillUsed);
    return stillUsed;
  }

  private load(key: string): Promise<V | undefined> {
    const loading = this.read(key).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private async read(key: string): Promise<V | undefined> {
    for (let reads = 1; ; reads += 1) {
      const { pos, value } = await this.options.load(key);
      // Between the snapshot and now the log may have gone on: apply what the snapshot cannot know.
      const missed = this.follower.recentAfter(pos);
      if (!missed) {
        // Thousands of events were committed during the read, or the log was replaced by a backup and stays older than this instance.
        if (reads === MAX_READS) throw new ServiceUnavailableError();
        await pause(PAUSE_MS * 2 ** (reads - 1));
        continue;
      }
      if (!value) return undefined;
      for (const event of missed) this.applyTo(value, event, key);
      this.values.set(key, value);
      return value;
    }
  }

  private changed(event: LogEvent): void {
    const affected = this.options.affects(event);
    for (const key of affected === '*' ? [...this.values.keys(), ...this.evicted.keys()] : affected) {
      const value = this.values.peek(key) ?? this.evicted.get(key)?.deref();
      if (value) this.options.apply(value, event, key);
      else this.evicted.delete(key);
    }
  }

  private applyTo(value: V, event: LogEvent, key: string): void {
    const affected = this.options.affects(event);
    if (affected === '*' || affected.includes(key)) this.options.apply(value, event, key);
  }
}
