// Detects that PostgreSQL refuses writes, such as on a full disk or a standby, while reads still work. Logs it once, and makes the
// instance not ready until a write succeeds.
import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Counter } from 'prom-client';
import { withTimeout } from '../database/with-timeout.js';
import { isDatabaseUnavailable, sqlState } from '../database/unit-of-work.js';
import { HealthChecks } from './health-checks.js';
import { Metrics } from './metrics.js';

/** SQLSTATEs of a server that cannot write: resources (53), files (58), no transaction ids (54000), read-only. */
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

/** ms between two test writes while the database refuses them. */
const RETRY_MS = 2_000;
/** Time-out of a test write in ms. */
const PROBE_TIMEOUT_MS = 5_000;
/** Bytes of a test write, more than is usually free in a table's file, so that it needs disk space. */
const PROBE_BYTES = 48 * 1024;

/** Rolled back. */
const PROBE = `insert into audit_entry (id, action, outcome, details) values (?, 'WRITE_PROBE', 'SUCCESS', ?)`;

@Injectable()
export class DatabaseWrites implements OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly errors: Counter<'code'>;
  private probing = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** Why the last write failed; undefined: writes succeed, as far as known. */
  private problem: string | undefined;

  constructor(
    private readonly orm: MikroORM,
    health: HealthChecks,
    metrics: Metrics,
  ) {
    health.register('writes', () => this.problem ?? true);
    this.errors = metrics.counter(
      'database_errors_total',
      'Operations that failed because PostgreSQL could not do its work, by SQLSTATE or network error.',
      'code',
    );
    const help = '1; 0 while PostgreSQL takes no writes: its disk is full, it is read-only.';
    metrics.gauge('database_writable', help, () => (this.problem === undefined ? 1 : 0));
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Whether `error` means that the database is unavailable; starts a test write if writes may be impossible. */
  isUnavailable(error: unknown): boolean {
    if (!isDatabaseUnavailable(error)) return false;
    const code = sqlState(error);
    this.errors.inc({ code: code ?? 'none' });
    if (code !== undefined && SUSPECT.test(code)) this.suspect();
    return true;
  }

  /** Tests whether writes are possible. Never throws. */
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
    // Unavailability is reported elsewhere: retry without a result.
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

  /** The error of a test write; undefined: it succeeded. */
  private async write(): Promise<unknown> {
    const em = this.orm.em.fork();
    const filler = JSON.stringify({ filler: randomBytes(PROBE_BYTES).toString('base64') });
    try {
      await withTimeout(PROBE_TIMEOUT_MS, async () => {
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
