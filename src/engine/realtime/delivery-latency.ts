// How long it takes from a commit to the sockets: of what is given to those at the head of the log, not of what is caught up.
import { Injectable } from '@nestjs/common';
import { Histogram } from 'prom-client';
import type { LogEvent } from '../events/log-event.js';
import { Metrics } from '../operations/metrics.js';

const NAME = 'tidings_commit_to_delivery_seconds';
/** Upper bounds, ms. */
const BUCKETS_MS = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/** How many took at most `upToMs`; without a bound, all. */
export interface LatencyCount {
  readonly upToMs: number | null;
  readonly count: number;
}

@Injectable()
export class DeliveryLatency {
  private readonly histogram: Histogram;

  constructor({ registry }: Metrics) {
    this.histogram = new Histogram({
      name: NAME,
      help:
        'Seconds from the last statement of a commit, on the clock of PostgreSQL, until its event was written to the last live ' +
        'subscriber of a group and permission class, on the clock of this node: clocks that differ show here.',
      buckets: BUCKETS_MS.map((ms) => ms / 1_000),
      registers: [registry],
    });
  }

  /** The event has just been written to all of a class. Two clocks: one that is ahead must not take anything away. */
  written({ at }: LogEvent): void {
    this.histogram.observe(Math.max(0, Date.now() - at) / 1_000);
  }

  /** Cumulative, smallest bound first. */
  async counts(): Promise<LatencyCount[]> {
    const { values } = await this.histogram.get();
    return values
      .filter(({ metricName }) => metricName === `${NAME}_bucket`)
      .map(({ labels, value }) => ({
        upToMs: labels.le === '+Inf' ? null : Math.round(Number(labels.le) * 1_000),
        count: value,
      }));
  }
}
