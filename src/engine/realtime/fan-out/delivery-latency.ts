// The time from a commit to the write to sockets, for live delivery; replay is not measured.
import { Injectable } from '@nestjs/common';
import type { Histogram } from 'prom-client';
import type { LogEvent } from '../../events/log-event.js';
import { Metrics } from '../../monitoring/metrics.js';

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

  constructor(metrics: Metrics) {
    this.histogram = metrics.histogram(
      'commit_to_delivery_seconds',
      'Seconds from the last statement of a commit, on the clock of PostgreSQL, until its event was written to the last live ' +
        'subscriber of a group and permission class, on the clock of this instance: clocks that differ show here.',
      BUCKETS_MS.map((ms) => ms / 1_000),
    );
  }

  /** The event has just been written to all of a class. Two clocks: one that is ahead must not take anything away. */
  written({ at }: LogEvent): void {
    this.histogram.observe(Math.max(0, Date.now() - at) / 1_000);
  }

  /** Cumulative, smallest bound first. */
  async counts(): Promise<LatencyCount[]> {
    const { values } = await this.histogram.get();
    return values
      .filter(({ metricName }) => metricName?.endsWith('_bucket'))
      .map(({ labels, value }) => ({
        upToMs: labels.le === '+Inf' ? null : Math.round(Number(labels.le) * 1_000),
        count: value,
      }));
  }
}
