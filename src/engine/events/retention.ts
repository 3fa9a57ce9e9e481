// Deletes events older than EVENT_RETENTION, in batches, at one instance at a time. The newest event always stays, since the log
// continues from it. Other data with a retention uses the same job.
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Metrics } from '../monitoring/metrics.js';

/** ms between two runs. */
const INTERVAL_MS = 60_000;
/** Events deleted in one transaction. */
const BATCH = 5_000;
/** Key of the advisory lock that the pruning instance holds during a transaction. */
const LOCK = 0x7469_6467;

/**
 * End of the oldest batch of expired events: before the first one to keep, so that pruning leaves no hole even if clocks went
 * back. Reads one batch at most, a single event if that has not expired: the cost is independent of the log's length.
 */
const OLD = `
with oldest as materialized (
       select event.pos, at < now() - ? * interval '1 ms' as old from event
        where event.pos < (select pos from log_head)
          and (select at < now() - ? * interval '1 ms' from event order by event.pos limit 1)
        order by event.pos limit ?)
select coalesce(min(pos) filter (where not old), max(pos) + 1)::float8 as before from oldest`;

/** With the position as a parameter known at planning, which ensures use of the index. */
const PRUNE = 'delete from event where pos < ? and (select pg_try_advisory_xact_lock(?)) returning 1';

/** Deletes at most `limit` expired rows in the transaction of `em`, and returns their number. */
export type Pruning = (em: EntityManager, limit: number) => Promise<number>;

@Injectable()
export class EventRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(EventRetention.name);
  private timer: NodeJS.Timeout | undefined;
  private readonly others: Pruning[] = [];
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly removed: Counter<'rows'>;

  constructor(
    private readonly orm: MikroORM,
    @Inject(CONFIG) private readonly config: Config,
    metrics: Metrics,
  ) {
    this.removed = metrics.counter(
      'retention_removed_total',
      'Expired rows that were deleted: events, and others.',
      'rows',
    );
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweep().catch((error: unknown) =>
        this.logger.debug(`Expired rows could not be deleted: ${String(error)}`),
      );
    }, INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** Registers further `pruning`. */
  add(pruning: Pruning): void {
    this.others.push(pruning);
  }

  /** Deletes everything that has expired. */
  async sweep(): Promise<void> {
    await this.prune();
    for (const pruning of this.others) await this.inBatches('others', () => this.alone(pruning));
  }

  /** Deletes all expired events, and returns their number; nothing if another instance is doing so. */
  prune(): Promise<number> {
    return this.inBatches('events', () => this.pruneBatch());
  }

  private async inBatches(rows: string, pruneBatch: () => Promise<number>): Promise<number> {
    let total = 0;
    while (!this.stopped) {
      const count = await pruneBatch();
      total += count;
      this.removed.inc({ rows }, count);
      if (count < BATCH) break;
    }
    return total;
  }

  private alone(pruning: Pruning): Promise<number> {
    return this.orm.em.fork().transactional(async (em) => {
      const [lock] = await em.execute<{ mine: boolean }[]>('select pg_try_advisory_xact_lock(?) as mine', [LOCK]);
      return lock?.mine ? pruning(em, BATCH) : 0;
    });
  }

  private async pruneBatch(): Promise<number> {
    const em = this.orm.em.fork();
    const { eventRetention } = this.config;
    const [old] = await em.execute<{ before: number | null }[]>(OLD, [eventRetention, eventRetention, BATCH]);
    if (old?.before == null) return 0;
    return (await em.execute<unknown[]>(PRUNE, [old.before, LOCK])).length;
  }
}
