// Combines repeatable entries into rows with a count: the first one is written at once, repetitions within ten minutes are counted in
// memory and added every few seconds. The number of rows is bounded per origin and per instance; beyond that, a less specific row
// counts. A `kill -9` loses only the counts since the last write.
import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Counter } from 'prom-client';
import { siteOf } from '../limits/client-network.js';
import { Metrics } from '../monitoring/metrics.js';
import { type AuditRecord, insertEntry } from './audit-row.js';

/** ms in which repetitions count in one row. */
export const WINDOW_MS = 10 * 60_000;
const WRITE_EVERY_MS = 5_000;
/** Rows that one account, or one site (see client-network.ts) without a sign-in, starts in a window. */
export const MAX_PER_SOURCE = 50;
/** Rows that one instance starts in a window, and those of them without a sign-in; beyond that there is one per action. */
const MAX_ROWS = 1_000;
export const MAX_ANONYMOUS_ROWS = 700;

/** A row with a count. Times are ms of the clock below. */
interface Repeated {
  readonly key: string;
  readonly source: string;
  readonly entry: AuditRecord;
  readonly until: number;
  /** Undefined: it is not written yet. */
  id?: string;
  /** Resolves when an attempt to write it has ended. */
  inserting: Promise<void>;
  /** Occurrences not yet written. */
  pending: number;
  lastAt: number;
}

const ADD = `
update audit_entry entry
   set count = entry.count + more.times, last_at = greatest(entry.last_at, clock_timestamp() - more.ago * interval '1 ms')
  from json_to_recordset(?::json) as more(id uuid, times int, ago float8) where entry.id = more.id`;

@Injectable()
export class AuditRepetitions implements OnModuleInit, OnApplicationShutdown {
  /** In ms. Tests inject another one. */
  clock = (): number => performance.now();
  private readonly current = new Map<string, Repeated>();
  private readonly rowsOf = new Map<string, number>();
  /** Expired rows with occurrences that are not yet written. */
  private left: Repeated[] = [];
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly counted: Counter<'kept'>;

  constructor(
    private readonly orm: MikroORM,
    metrics: Metrics,
  ) {
    this.counted = metrics.counter(
      'audit_repeatable_total',
      'Repeatable audit records: written as a row, counted in a row, or counted in a less specific row.',
      'kept',
    );
    const help = 'Rows of the audit trail that currently count repetitions.';
    metrics.gauge('audit_rows_counting', help, () => this.current.size);
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.write();
  }

  /**
   * Records `entry`, as a new row or as a repetition. `distinct`: distinguishes entries by something that must not be stored.
   * Resolves when a new row is written; if that fails, it is written later.
   */
  async record(entry: AuditRecord, distinct = ''): Promise<void> {
    if (this.stopped) return void (await insertEntry(this.orm.em.fork(), entry, 1).catch(unwritten));
    const source = entry.actorId ?? siteOf(entry.address ?? '');
    if (this.repeats(keyOf([entry, distinct]))) return;
    this.forget();
    const full = this.current.size >= (entry.actorId ? MAX_ROWS : MAX_ANONYMOUS_ROWS);
    if (!full && (this.rowsOf.get(source) ?? 0) < MAX_PER_SOURCE) {
      return this.begin(keyOf([entry, distinct]), source, entry, 'row');
    }
    const { action, outcome } = entry;
    const less = full
      ? { action, outcome, details: { others: true } }
      : {
          action,
          outcome,
          actorId: entry.actorId,
          address: entry.actorId ? undefined : source,
          details: { others: true },
        };
    const key = keyOf([less]);
    if (!this.repeats(key, 'others')) await this.begin(key, source, less, 'others');
  }

  /** Writes the counts. Never rejects: what fails is written the next time. */
  write(): Promise<void> {
    this.writing = this.writing.then(() => this.writeAll());
    return this.writing;
  }

  /** Counts a repetition; false: there is no such row. */
  private repeats(key: string, kept = 'repetition'): boolean {
    const known = this.current.get(key);
    if (!known || this.clock() >= known.until) return false;
    known.pending += 1;
    known.lastAt = this.clock();
    this.counted.inc({ kept });
    return true;
  }

  private async begin(key: string, source: string, entry: AuditRecord, kept: string): Promise<void> {
    const now = this.clock();
    const repeated: Repeated = {
      key,
      source,
      entry,
      until: now + WINDOW_MS,
      inserting: Promise.resolve(),
      pending: 1,
      lastAt: now,
    };
    const before = this.current.get(key);
    if (before) this.drop(before);
    this.current.set(key, repeated);
    this.rowsOf.set(source, (this.rowsOf.get(source) ?? 0) + 1);
    this.counted.inc({ kept });
    repeated.inserting = this.insert(repeated).catch(unwritten);
    await repeated.inserting;
  }

  /** Rows whose window has ended no longer count; the oldest come first. */
  private forget(): void {
    const now = this.clock();
    for (const repeated of this.current.values()) {
      if (repeated.until > now) break;
      this.drop(repeated);
    }
  }

  private drop(repeated: Repeated): void {
    const { key, source } = repeated;
    this.current.delete(key);
    const rows = (this.rowsOf.get(source) ?? 1) - 1;
    if (rows > 0) this.rowsOf.set(source, rows);
    else this.rowsOf.delete(source);
    if (repeated.pending > 0) this.left.push(repeated);
  }

  private async insert(repeated: Repeated): Promise<void> {
    const times = repeated.pending;
    repeated.pending = 0;
    try {
      repeated.id = await insertEntry(this.orm.em.fork(), repeated.entry, times);
    } catch (error) {
      repeated.pending += times;
      throw error;
    }
  }

  private async writeAll(): Promise<void> {
    this.forget();
    const waiting = [...this.left, ...this.current.values()].filter(({ pending }) => pending > 0);
    this.left = [];
    try {
      for (const repeated of waiting) {
        await repeated.inserting;
        if (!repeated.id) await this.insert(repeated);
      }
      await this.add(waiting.filter(({ pending }) => pending > 0));
    } catch (error) {
      const forgotten = waiting.filter((one) => one.pending > 0 && this.current.get(one.key) !== one);
      // Some may exist: the answer to an earlier write was lost.
      this.left = [...new Set([...this.left, ...forgotten])];
      unwritten(error);
    }
  }

  private async add(repeated: readonly Repeated[]): Promise<void> {
    if (repeated.length === 0) return;
    const now = this.clock();
    const more = repeated.map(({ id, pending: times, lastAt }) => ({ id, times, ago: now - lastAt }));
    for (const one of repeated) one.pending = 0;
    try {
      await this.orm.em.fork().execute(ADD, [JSON.stringify(more)]);
    } catch (error) {
      for (const [at, one] of repeated.entries()) one.pending += more[at]!.times;
      throw error;
    }
  }
}

const logger = new Logger('Audit');

function unwritten(error: unknown): void {
  logger.debug(`Audit entries could not be written yet: ${String(error)}`);
}

/** A key of bounded length. */
function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
