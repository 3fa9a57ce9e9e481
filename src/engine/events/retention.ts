// Removes events that are older than EVENT_RETENTION, a batch at a time, on one node at a time. The newest event always stays:
// it is the one that the log goes on from. What others keep for some time only goes by the same clock.
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Counter } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Metrics } from '../operations/metrics.js';

/** ms between two looks for what is too old. */
const INTERVAL_MS = 60_000;
/** Events that one transaction removes: few enough not to be noticed. */
const BATCH = 5_000;
/** Key of the advisory lock that the node which prunes holds for the length of a transaction. */
const LOCK = 0x7469_6467;

/**
 * Where the oldest batch of events ends that may go: before the first that is kept, so that no hole is ever made, should clocks have
 * gone back. It reads one batch at most, and a single event while that is young enough: however long the log is, the time is the same.
 */
const OLD = `
with oldest as materialized (
       select event.pos, at < now() - ? * interval '1 ms' as old from event
        where partition = 0 and event.pos < (select pos from log_head where partition = 0)
          and (select at < now() - ? * interval '1 ms' from event where partition = 0 order by event.pos limit 1)
        order by event.pos limit ?)
select coalesce(min(pos) filter (where not old), max(pos) + 1)::float8 as before from oldest`;

/** By a position that PostgreSQL knows when it plans: only then does it surely go by the index. */
const PRUNE = 'delete from event where partition = 0 and pos < ? and (select pg_try_advisory_xact_lock(?)) returning 1';

/** Removes at most `limit` rows that are too old, in the transaction of `em`, and returns how many there were. */
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
    { registry }: Metrics,
  ) {
    this.removed = new Counter({
      name: 'tidings_retention_removed_total',
      help: 'Rows that were too old and were removed: events, and all others.',
      labelNames: ['rows'],
      registers: [registry],
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweep().catch((error: unknown) =>
        this.logger.debug(`What is too old could not be removed: ${String(error)}`),
      );
    }, INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** From now on also removes what `pruning` does. */
  add(pruning: Pruning): void {
    this.others.push(pruning);
  }

  /** Removes everything that is too old. */
  async sweep(): Promise<void> {
    await this.prune();
    for (const pruning of this.others) await this.inBatches('others', () => this.alone(pruning));
  }

  /** Removes all events that are too old, and returns how many that were. Another node that is at it leaves nothing to do. */
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
