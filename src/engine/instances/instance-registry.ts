// Open sockets and viewers of all instances. An instance announces its entries in PostgreSQL, in batches shortly afterwards, so that
// nothing waits for it. Heartbeats keep them alive; entries of an instance without heartbeats expire. Independent of Redis, so its
// outages make nobody disappear.
import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Reader } from '../database/reads.js';
import { withTimeout, DatabaseTimeoutError } from '../database/with-timeout.js';

/** An entry: since when it is open, and its data. */
export interface RegistryEntry {
  readonly since: Date;
  readonly facts: Readonly<Record<string, unknown>>;
}

interface OwnEntry extends RegistryEntry {
  /** Its id among all entries that this instance has announced. */
  readonly number: number;
  readonly topic: string;
  readonly key: string;
  /** Whether PostgreSQL may contain it: an announcement without an answer may have succeeded. */
  announced: boolean;
}

/** Called after others can see it, with the keys of a topic under which this instance opened or closed entries. */
export type OnAnnounced = (topic: string, keys: ReadonlySet<string>) => void;

interface EntryRow extends RegistryEntry {
  readonly key: string;
}

/** ms between two heartbeats of an instance with entries. */
export const HEARTBEAT_MS = 5_000;
/** ms without a heartbeat after which an instance counts as dead: two were missed. */
export const DEAD_AFTER_MS = 12_000;
/** Time-out of an announcement in ms: a failed heartbeat is repeated before this instance counts as dead. */
const ANNOUNCE_TIMEOUT_MS = 4_000;
/** ms in which announcements are batched. */
const BATCH_MS = 200;

/** Sends ages, since clocks of instances may differ. Rows locked by others are left to the next heartbeat. */
const WRITE = `
with me as (insert into node (id, seen_at) values (?, clock_timestamp())
            on conflict (id) do update set seen_at = clock_timestamp() returning id, xmax = 0 as born),
     closed as (delete from node_entry where node_id = ? and number in (select value::bigint from json_array_elements_text(?::json))),
     opened as (insert into node_entry (node_id, number, topic, key, since, facts)
                select me.id, number, topic, key, clock_timestamp() - ago * interval '1 ms', facts
                  from me, json_to_recordset(?::json) as entry(number bigint, topic text, key text, ago float8, facts jsonb)
                on conflict do nothing)
select born, (extract(epoch from clock_timestamp()) * 1000)::float8 as now from me`;

const DELETE_EXPIRED = `
delete from node where id in (
  select id from node where id <> ? and seen_at < clock_timestamp() - ? * interval '1 ms' for update skip locked)`;

const ELSEWHERE = `
select entry.key, entry.since, entry.facts
  from node_entry entry join node on node.id = entry.node_id
 where entry.topic = ? and entry.key = any(array(select json_array_elements_text(?::json))) and node.id <> ?
   and node.seen_at > clock_timestamp() - ? * interval '1 ms'`;

@Injectable()
export class InstanceRegistry implements OnModuleInit, OnApplicationShutdown {
  /** This process. */
  readonly id = randomUUID();
  private readonly logger = new Logger(InstanceRegistry.name);
  private readonly own = new Map<number, OwnEntry>();
  private readonly byKey = new Map<string, Set<OwnEntry>>();
  private opened = new Map<number, OwnEntry>();
  private closed = new Map<number, OwnEntry>();
  private readonly listeners = new Set<OnAnnounced>();
  private count = 0;
  private gathering: NodeJS.Timeout | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private writing: Promise<boolean> | undefined;
  /** Whether anything was announced yet. */
  private announcedOnce = false;
  private stopped = false;
  /** ms by which the database's clock is ahead, as of the last announcement. */
  private clockOffset = 0;

  constructor(private readonly orm: MikroORM) {}

  onModuleInit(): void {
    this.heartbeat = setInterval(() => void this.live(), HEARTBEAT_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.gathering);
    await this.writing;
    if (this.count === 0) return;
    await this.execute('delete from node where id = ?', [this.id]).catch(() => undefined);
  }

  /** Announces an entry until the returned function is called; others see it within a second. Does not block. */
  open(topic: string, key: string, facts: RegistryEntry['facts']): () => void {
    const entry: OwnEntry = { number: (this.count += 1), topic, key, since: new Date(), facts, announced: false };
    const siblings = this.byKey.get(nameOf(topic, key)) ?? new Set();
    this.byKey.set(nameOf(topic, key), siblings.add(entry));
    this.own.set(entry.number, entry);
    this.opened.set(entry.number, entry);
    this.gather();
    return () => this.close(entry, siblings);
  }

  /** Keys of this instance's own entries under `topic`. */
  *here(topic: string): Iterable<string> {
    for (const entry of this.own.values()) if (entry.topic === topic) yield entry.key;
  }

  /** The entries of all live instances under each of `keys`, the oldest first. One statement. */
  async entriesOf(reader: Reader, topic: string, keys: readonly string[]): Promise<RegistryEntry[][]> {
    const elsewhere = await this.entriesElsewhere(reader, topic, keys);
    return keys.map((key, at) =>
      [
        ...[...(this.byKey.get(nameOf(topic, key)) ?? [])].map((own) => ({
          ...own,
          since: this.toSharedTime(own.since),
        })),
        ...elsewhere[at]!,
      ]
        .map(({ since, facts }) => ({ since, facts }))
        .toSorted((one, other) => one.since.getTime() - other.since.getTime()),
    );
  }

  /** The same without those of this instance. */
  async entriesElsewhere(reader: Reader, topic: string, keys: readonly string[]): Promise<RegistryEntry[][]> {
    const rows = await reader.rows<EntryRow>(ELSEWHERE, [topic, JSON.stringify(keys), this.id, DEAD_AFTER_MS]);
    const byKey = Map.groupBy(rows, ({ key }) => key);
    return keys.map((key) => (byKey.get(key) ?? []).map(({ since, facts }) => ({ since: new Date(since), facts })));
  }

  /** Converts a time of this instance's clock to the database's, which entries of others use. */
  toSharedTime(time: Date): Date {
    return new Date(time.getTime() + this.clockOffset);
  }

  /** Returns an unsubscribe function. */
  onAnnounced(listener: OnAnnounced): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A heartbeat: keeps this instance alive, and deletes expired ones. Never rejects. */
  async live(): Promise<void> {
    // An instance without entries needs no heartbeat.
    if (this.own.size + this.closed.size === 0 || !(await this.write())) return;
    await this.execute(DELETE_EXPIRED, [this.id, DEAD_AFTER_MS]).catch(() => undefined);
  }

  private close(entry: OwnEntry, siblings: Set<OwnEntry>): void {
    if (!this.own.delete(entry.number)) return;
    siblings.delete(entry);
    if (siblings.size === 0) this.byKey.delete(nameOf(entry.topic, entry.key));
    // It was never announced: there is nothing to remove.
    if (this.opened.delete(entry.number) && !entry.announced) return;
    this.closed.set(entry.number, entry);
    this.gather();
  }

  private gather(): void {
    if (this.stopped) return;
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      void this.write();
    }, BATCH_MS);
  }

  /** Whether all changes were announced; failed ones are repeated with the next heartbeat, unanswered ones at once. */
  private write(): Promise<boolean> {
    return (this.writing ??= this.notifyInstances().finally(() => {
      this.writing = undefined;
    }));
  }

  private async notifyInstances(): Promise<boolean> {
    let { opened, closed } = this;
    [this.opened, this.closed] = [new Map(), new Map()];
    try {
      const born = await this.announce(opened, closed);
      if (born && this.announcedOnce) {
        // It was considered dead, or PostgreSQL lost its rows: everything is announced again.
        [opened, closed] = [new Map(this.own), new Map()];
        this.opened = new Map();
        await this.announce(opened, closed);
      }
      this.announcedOnce = true;
      this.notifyListeners([...opened.values(), ...closed.values()]);
      if (this.opened.size + this.closed.size > 0) this.gather();
      return true;
    } catch (error) {
      for (const [number, entry] of opened) if (this.own.has(number)) this.opened.set(number, entry);
      for (const [number, entry] of closed) this.closed.set(number, entry);
      this.logger.debug(`Open sockets and viewers could not be announced: ${String(error)}`);
      if (error instanceof DatabaseTimeoutError) this.gather();
      return false;
    }
  }

  private notifyListeners(changed: readonly OwnEntry[]): void {
    for (const [topic, entries] of Map.groupBy(changed, (entry) => entry.topic)) {
      const keys = new Set(entries.map(({ key }) => key));
      for (const listener of this.listeners) listener(topic, keys);
    }
  }

  /** Whether this instance's row is new. */
  private async announce(
    opened: ReadonlyMap<number, OwnEntry>,
    closed: ReadonlyMap<number, OwnEntry>,
  ): Promise<boolean> {
    const now = Date.now();
    const entries: object[] = [];
    for (const entry of opened.values()) {
      const { number, topic, key, facts, since } = entry;
      entry.announced = true;
      entries.push({ number, topic, key, facts, ago: now - since.getTime() });
    }
    const said = [this.id, this.id, JSON.stringify([...closed.keys()]), JSON.stringify(entries)];
    const [row] = await this.execute<{ born: boolean; now: number }>(WRITE, said);
    if (row) this.clockOffset = row.now - Date.now();
    return row?.born === true;
  }

  private execute<R>(sql: string, parameters: readonly unknown[]): Promise<R[]> {
    return withTimeout(ANNOUNCE_TIMEOUT_MS, () => this.orm.em.fork().execute<R[]>(sql, [...parameters]));
  }
}

function nameOf(topic: string, key: string): string {
  return `${topic} ${key}`;
}
