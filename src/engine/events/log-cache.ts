// A cache updated by the log: a value is read once, with the log position of its snapshot, and then changed by events only. In steady
// state it needs no statement, and it is never older than the followed log.
import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { setTimeout as pause } from 'node:timers/promises';
import { ServiceUnavailableError } from '../errors/service-error.js';
import type { LogEvent } from './log-event.js';
import type { LogFollower } from './log-follower.js';

/** Upper limit of keys read in one statement. */
const MAX_BATCH = 500;
/** Retries when a snapshot is older than the events in memory, and ms before the first retry; delays double. */
const MAX_READS = 4;
const PAUSE_MS = 50;

/** A value, and the head's position in its snapshot. `undefined`: there is no such key. */
export interface Snapshot<V> {
  readonly pos: number;
  readonly value: V | undefined;
}

export interface LogCacheOptions<V extends object> {
  /** Upper limit of cached values; the least recently used are evicted. */
  readonly max: number;
  /** Reads a value and the head's position in the same statement. */
  readonly load: (key: string) => Promise<Snapshot<V>>;
  /** The keys that an event changes; `'*'` for all cached ones. */
  readonly affects: (event: LogEvent) => readonly string[] | '*';
  /** Applies the event to `value`. Must be idempotent: events included in the snapshot may come again. */
  readonly apply: (value: V, event: LogEvent, key: string) => void;
}

/** Batches single keys: those requested in one turn of the event loop are read in one statement. */
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

export class LogCache<V extends object> {
  private readonly values: LRUCache<string, V>;
  /** Evicted values that are still referenced: they stay current and are reused. */
  private readonly evicted = new Map<string, WeakRef<V>>();
  private readonly forgotten = new FinalizationRegistry<string>((key) => {
    if (!this.evicted.get(key)?.deref()) this.evicted.delete(key);
  });
  private readonly loading = new Map<string, Promise<V | undefined>>();

  constructor(
    private readonly follower: LogFollower,
    private readonly options: LogCacheOptions<V>,
  ) {
    this.values = new LRUCache({
      // By size: with `max` the cache would allocate all entries at once.
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

  /** The value at this instance's applied position, without a statement if cached. */
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
      // The log may have advanced since the snapshot: apply the later events.
      const missed = this.follower.recentAfter(pos);
      if (!missed) {
        // Thousands of events were committed during the read, or the log was replaced by an older backup.
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
    try {
      this.applyToCached(event);
    } catch (error) {
      // Any value may have changed: all of them are read again.
      this.values.clear();
      this.evicted.clear();
      throw error;
    }
  }

  private applyToCached(event: LogEvent): void {
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
