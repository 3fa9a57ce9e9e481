// What every instance holds open just now, known to all: open sockets, viewers. An instance announces its entries in PostgreSQL,
// many in one statement a moment later, so that nobody waits for it; with each beat it says that it lives, and what it held goes
// when it does not. Redis has no part in it: that it is away makes nobody look gone.
import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { answered, UnansweredError } from '../database/answered.js';

/** Something that is open: since when, and what there is to say of it. */
export interface NodeEntry {
  readonly since: Date;
  readonly facts: Readonly<Record<string, unknown>>;
}

interface OwnEntry extends NodeEntry {
  /** Its name among all that this instance has ever announced. */
  readonly number: number;
  readonly topic: string;
  readonly key: string;
  /** Whether PostgreSQL may hold it: an announcement of which nothing was heard may have arrived. */
  said: boolean;
}

/** Told, once others can see it, under which keys of which topic this instance has opened or closed entries. */
export type OnAnnounced = (topic: string, keys: ReadonlySet<string>) => void;

interface EntryRow extends NodeEntry {
  readonly key: string;
}

/** ms between two signs of life of an instance that holds something. */
export const BEAT_MS = 5_000;
/** ms without one after which it counts as dead: two were missed. */
export const DEAD_AFTER_MS = 12_000;
/** ms after which an announcement is given up: what a beat has not said is said anew before this instance counts as dead. */
const ANNOUNCE_TIMEOUT_MS = 4_000;
/** ms in which announcements are gathered. */
const GATHER_MS = 200;

/** Clocks of instances may differ, so ages are sent. A row that others hold is left to the next beat. */
const WRITE = `
with me as (insert into node (id, seen_at) values (?, clock_timestamp())
            on conflict (id) do update set seen_at = clock_timestamp() returning id, xmax = 0 as born),
     closed as (delete from node_entry where node_id = ? and number in (select value::bigint from json_array_elements_text(?::json))),
     opened as (insert into node_entry (node_id, number, topic, key, since, facts)
                select me.id, number, topic, key, clock_timestamp() - ago * interval '1 ms', facts
                  from me, json_to_recordset(?::json) as entry(number bigint, topic text, key text, ago float8, facts jsonb)
                on conflict do nothing)
select born, (extract(epoch from clock_timestamp()) * 1000)::float8 as now from me`;

const BURY = `
delete from node where id in (
  select id from node where id <> ? and seen_at < clock_timestamp() - ? * interval '1 ms' for update skip locked)`;

const ELSEWHERE = `
select entry.key, entry.since, entry.facts
  from node_entry entry join node on node.id = entry.node_id
 where entry.topic = ? and entry.key = any(array(select json_array_elements_text(?::json))) and node.id <> ?
   and node.seen_at > clock_timestamp() - ? * interval '1 ms'`;

@Injectable()
export class NodeRegistry implements OnModuleInit, OnApplicationShutdown {
  /** This instance, for as long as its process lives. */
  readonly id = randomUUID();
  private readonly logger = new Logger(NodeRegistry.name);
  private readonly own = new Map<number, OwnEntry>();
  private readonly byKey = new Map<string, Set<OwnEntry>>();
  private opened = new Map<number, OwnEntry>();
  private closed = new Map<number, OwnEntry>();
  private readonly listeners = new Set<OnAnnounced>();
  private count = 0;
  private gathering: NodeJS.Timeout | undefined;
  private beat: NodeJS.Timeout | undefined;
  private writing: Promise<boolean> | undefined;
  /** Whether others have been told of anything yet. */
  private told = false;
  private stopped = false;
  /** ms by which the database's clock is ahead of this instance's, as of the last announcement. */
  private ahead = 0;

  constructor(private readonly orm: MikroORM) {}

  onModuleInit(): void {
    this.beat = setInterval(() => void this.live(), BEAT_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.beat);
    clearTimeout(this.gathering);
    await this.writing;
    if (this.count === 0) return;
    await this.execute('delete from node where id = ?', [this.id]).catch(() => undefined);
  }

  /** Announces an entry until the returned function is called; others see it within a second. Waits for nothing. */
  open(topic: string, key: string, facts: NodeEntry['facts']): () => void {
    const entry: OwnEntry = { number: (this.count += 1), topic, key, since: new Date(), facts, said: false };
    const siblings = this.byKey.get(nameOf(topic, key)) ?? new Set();
    this.byKey.set(nameOf(topic, key), siblings.add(entry));
    this.own.set(entry.number, entry);
    this.opened.set(entry.number, entry);
    this.gather();
    return () => this.close(entry, siblings);
  }

  /** What this very instance holds under `topic`, by key. */
  *here(topic: string): Iterable<string> {
    for (const entry of this.own.values()) if (entry.topic === topic) yield entry.key;
  }

  /** The entries of all living instances under each of `keys`, the first opened first. One statement. */
  async entriesOf(em: EntityManager, topic: string, keys: readonly string[]): Promise<NodeEntry[][]> {
    const elsewhere = await this.entriesElsewhere(em, topic, keys);
    return keys.map((key, at) =>
      [
        ...[...(this.byKey.get(nameOf(topic, key)) ?? [])].map((own) => ({ ...own, since: this.asShared(own.since) })),
        ...elsewhere[at]!,
      ]
        .map(({ since, facts }) => ({ since, facts }))
        .toSorted((one, other) => one.since.getTime() - other.since.getTime()),
    );
  }

  /** The same without those of this instance. */
  async entriesElsewhere(em: EntityManager, topic: string, keys: readonly string[]): Promise<NodeEntry[][]> {
    const rows = await em.execute<EntryRow[]>(ELSEWHERE, [topic, JSON.stringify(keys), this.id, DEAD_AFTER_MS]);
    const byKey = Map.groupBy(rows, ({ key }) => key);
    return keys.map((key) => (byKey.get(key) ?? []).map(({ since, facts }) => ({ since: new Date(since), facts })));
  }

  /** A time of this instance's clock on the database's, which is that of all entries of others. */
  asShared(time: Date): Date {
    return new Date(time.getTime() + this.ahead);
  }

  /** Returns the way to stop. */
  onAnnounced(listener: OnAnnounced): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A beat: says that this instance lives, and buries those that have not said so for too long. Never rejects. */
  async live(): Promise<void> {
    // Whoever holds nothing is nobody's business.
    if (this.own.size + this.closed.size === 0 || !(await this.write())) return;
    await this.execute(BURY, [this.id, DEAD_AFTER_MS]).catch(() => undefined);
  }

  private close(entry: OwnEntry, siblings: Set<OwnEntry>): void {
    if (!this.own.delete(entry.number)) return;
    siblings.delete(entry);
    if (siblings.size === 0) this.byKey.delete(nameOf(entry.topic, entry.key));
    // Nobody can have been told of it: there is nothing to take back.
    if (this.opened.delete(entry.number) && !entry.said) return;
    this.closed.set(entry.number, entry);
    this.gather();
  }

  private gather(): void {
    if (this.stopped) return;
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      void this.write();
    }, GATHER_MS);
  }

  /** Whether everything is said that was there to say; what failed is said with the next beat, or at once if nothing was heard of it. */
  private write(): Promise<boolean> {
    return (this.writing ??= this.tell().finally(() => {
      this.writing = undefined;
    }));
  }

  private async tell(): Promise<boolean> {
    let { opened, closed } = this;
    [this.opened, this.closed] = [new Map(), new Map()];
    try {
      const born = await this.announce(opened, closed);
      if (born && this.told) {
        // Counted as dead meanwhile, or PostgreSQL has lost it: all of it is told again.
        [opened, closed] = [new Map(this.own), new Map()];
        this.opened = new Map();
        await this.announce(opened, closed);
      }
      this.told = true;
      this.tellListeners([...opened.values(), ...closed.values()]);
      if (this.opened.size + this.closed.size > 0) this.gather();
      return true;
    } catch (error) {
      for (const [number, entry] of opened) if (this.own.has(number)) this.opened.set(number, entry);
      for (const [number, entry] of closed) this.closed.set(number, entry);
      this.logger.debug(`What is open here could not be announced: ${String(error)}`);
      if (error instanceof UnansweredError) this.gather();
      return false;
    }
  }

  private tellListeners(changed: readonly OwnEntry[]): void {
    for (const [topic, entries] of Map.groupBy(changed, (entry) => entry.topic)) {
      const keys = new Set(entries.map(({ key }) => key));
      for (const listener of this.listeners) listener(topic, keys);
    }
  }

  /** Whether this instance was not there before. */
  private async announce(
    opened: ReadonlyMap<number, OwnEntry>,
    closed: ReadonlyMap<number, OwnEntry>,
  ): Promise<boolean> {
    const now = Date.now();
    const entries: object[] = [];
    for (const entry of opened.values()) {
      const { number, topic, key, facts, since } = entry;
      entry.said = true;
      entries.push({ number, topic, key, facts, ago: now - since.getTime() });
    }
    const said = [this.id, this.id, JSON.stringify([...closed.keys()]), JSON.stringify(entries)];
    const [row] = await this.execute<{ born: boolean; now: number }>(WRITE, said);
    if (row) this.ahead = row.now - Date.now();
    return row?.born === true;
  }

  private execute<R>(sql: string, parameters: readonly unknown[]): Promise<R[]> {
    return answered(ANNOUNCE_TIMEOUT_MS, () => this.orm.em.fork().execute<R[]>(sql, [...parameters]));
  }
}

function nameOf(topic: string, key: string): string {
  return `${topic} ${key}`;
}
