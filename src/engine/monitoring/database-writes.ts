// Whether the database takes writes. Reads may go on for hours on a full disk or a standby while every mutation fails: that is found
// out, said once, and makes the instance not ready until a write succeeds again.
import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { Counter, Gauge } from 'prom-client';
import { answered } from '../database/answered.js';
import { isDatabaseAway, sqlState } from '../database/unit-of-work.js';
import { Health } from '../operations/health.js';
import { Metrics } from '../operations/metrics.js';

/** SQLSTATEs of a server that answers and may not write: resources (53), files (58), no transaction ids (54000), read-only. */
const SUSPECT = /^(53|58|54000$|25006$)/;
const REASONS: Readonly<Record<string, string>> = {
  '25006': 'it is read-only',
  '53100': 'its disk is full',
  '53200': 'it is out of memory',
  '53300': 'it has too many connections',
  '53400': 'a limit of its configuration is reached',
  '54000': 'it may be out of transaction ids',
  '58030': 'it cannot use its files',
};

/** ms between two attempts to write while the database takes none. */
const RETRY_MS = 2_000;
/** ms that an attempt may take. */
const PROBE_TIMEOUT_MS = 5_000;
/** Bytes that an attempt writes, more than is usually free in a table's file: they need the disk. */
const PROBE_BYTES = 48 * 1024;

/** Nothing of it stays. */
const PROBE = `insert into audit_entry (id, action, outcome, details) values (?, 'WRITE_PROBE', 'SUCCESS', ?)`;

@Injectable()
export class DatabaseWrites implements OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly errors: Counter<'code'>;
  private probing = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** Why the last attempt failed; undefined: writes succeed, or nothing was heard to the contrary. */
  private problem: string | undefined;

  constructor(
    private readonly orm: MikroORM,
    health: Health,
    { registry }: Metrics,
  ) {
    health.register('writes', () => this.problem ?? true);
    this.errors = new Counter({
      name: 'tidings_database_errors_total',
      help: 'Operations that failed because PostgreSQL could not do its work, by SQLSTATE or network error.',
      labelNames: ['code'],
      registers: [registry],
    });
    const writable = new Gauge({
      name: 'tidings_database_writable',
      help: '1; 0 while PostgreSQL takes no writes: its disk is full, it is read-only.',
      registers: [],
    });
    registry.registerMetric(writable);
    Object.assign(writable, { collect: () => writable.set(this.problem === undefined ? 1 : 0) });
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Whether `error` says that the database cannot be used just now; looks into it if writes may be impossible. */
  isUnavailable(error: unknown): boolean {
    if (!isDatabaseAway(error)) return false;
    const code = sqlState(error);
    this.errors.inc({ code: code ?? 'none' });
    if (code !== undefined && SUSPECT.test(code)) this.suspect();
    return true;
  }

  /** Finds out whether writes are possible. Never throws. */
  suspect(): void {
    if (this.probing || this.stopped || this.timer) return;
    this.probing = true;
    void this.probe();
  }

  private async probe(): Promise<void> {
    const failure = await this.write();
    this.probing = false;
    if (this.stopped) return;
    const code = sqlState(failure) ?? '';
    // Of a server that is away altogether others tell: it is asked again, and nothing is known.
    if (failure === undefined) this.recovered();
    else if (SUSPECT.test(code)) this.refused(code);
    if (this.problem === undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.suspect();
    }, RETRY_MS);
  }

  private refused(code: string): void {
    const problem = `PostgreSQL takes no writes: ${REASONS[code] ?? 'it lacks something'} (${code})`;
    if (this.problem === undefined) this.logger.error(`${problem}. Mutations fail until it does`);
    this.problem = problem;
  }

  private recovered(): void {
    if (this.problem !== undefined) this.logger.log('PostgreSQL takes writes again');
    this.problem = undefined;
  }

  /** What a write fails with; undefined: it was possible. */
  private async write(): Promise<unknown> {
    const em = this.orm.em.fork();
    const filler = JSON.stringify({ filler: randomBytes(PROBE_BYTES).toString('base64') });
    try {
      await answered(PROBE_TIMEOUT_MS, async () => {
        await em.begin();
        try {
          await em.execute(PROBE, [randomUUID(), filler]);
        } finally {
          await em.rollback();
        }
      });
      return undefined;
    } catch (error) {
      return error ?? new Error('unknown');
    }
  }
}
