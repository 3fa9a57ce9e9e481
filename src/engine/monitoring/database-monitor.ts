// Polls PostgreSQL every few seconds: whether it is read-only, and its clock.
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { Reads } from '../database/reads.js';
import { withTimeout } from '../database/with-timeout.js';
import { FOLLOWING } from '../database/orm-options.js';
import { HealthChecks } from './health-checks.js';
import { Metrics } from './metrics.js';
import { DatabaseWrites } from './database-writes.js';

const INTERVAL_MS = 5_000;
const ANSWER_TIMEOUT_MS = 2_000;
/** ms of clock difference, and of its change, that are reported. */
export const TOLERATED_OFFSET_MS = 2_000;

const LOOK = `
select current_setting('transaction_read_only') = 'on' as "readOnly",
       (extract(epoch from clock_timestamp()) * 1000)::float8 as "time"`;

@Injectable()
export class DatabaseMonitor implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Clock');
  private timer: NodeJS.Timeout | undefined;
  /** ms that this clock is ahead of PostgreSQL's, at the last poll; NaN before the first. */
  private offset = Number.NaN;
  /** The last reported difference; 0: none. */
  private told = 0;
  private readonly reads: Reads;

  constructor(
    orm: MikroORM,
    private readonly writes: DatabaseWrites,
    health: HealthChecks,
    metrics: Metrics,
  ) {
    this.reads = new Reads(orm, FOLLOWING);
    health.registerNote('clock', () => (this.told === 0 ? undefined : `This clock is ${this.difference()}`));
    const help = "Seconds that this instance's clock is ahead of PostgreSQL's; negative: behind it.";
    metrics.gauge('clock_offset_seconds', help, () => this.offset / 1_000);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.look();
    this.timer = setInterval(() => void this.look(), INTERVAL_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Never throws: a failed poll has no result. */
  private async look(): Promise<void> {
    const [askedAt, began] = [Date.now(), performance.now()];
    const row = await this.ask();
    if (!row) return;
    if (row.readOnly) this.writes.suspect();
    const roundTrip = performance.now() - began;
    // PostgreSQL read its clock during the round trip: the error of its middle is at most half of it.
    this.judge(askedAt + roundTrip / 2 - row.time, roundTrip / 2);
  }

  private async ask(): Promise<{ readonly readOnly: boolean; readonly time: number } | undefined> {
    type Row = { readonly readOnly: boolean; readonly time: number };
    try {
      // Over reserved connections: waiting for the pool would count as round trip.
      const [row] = await withTimeout(ANSWER_TIMEOUT_MS, () => this.reads.rows<Row>(LOOK, []));
      return row;
    } catch {
      return undefined;
    }
  }

  private judge(offset: number, error: number): void {
    this.offset = offset;
    if (Math.abs(offset) + error < TOLERATED_OFFSET_MS && this.told !== 0) {
      this.told = 0;
      this.logger.log("This clock agrees with PostgreSQL's again");
      return;
    }
    if (Math.abs(offset) - error < TOLERATED_OFFSET_MS || Math.abs(offset - this.told) - error < TOLERATED_OFFSET_MS)
      return;
    this.told = offset;
    this.logger.warn(
      `This clock is ${this.difference()}: set it by NTP; lifetimes of tokens and sessions depend on it`,
    );
  }

  private difference(): string {
    return `${(Math.abs(this.told) / 1_000).toFixed(1)} s ${this.told > 0 ? 'ahead of' : 'behind'} PostgreSQL's`;
  }
}
