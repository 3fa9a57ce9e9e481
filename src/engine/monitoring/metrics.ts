// The Prometheus registry, to which parts of the service add metrics: each name begins with the prefix of the service.
import { Controller, Get, Inject, Injectable, Res } from '@nestjs/common';
import type { Response } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';

/** Values of the one label of a metric, with their numbers. */
type Labelled = Iterable<readonly [value: string, count: number]>;

/** ms between two samples of the lag of the event loop. Every 10 ms, the default, an idle instance would use half of its CPU for them. */
const LAG_SAMPLE_MS = 100;

@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  private readonly prefix: string;

  constructor(@Inject(CONFIG) { service }: Pick<Config, 'service'>) {
    this.prefix = `${service.prefix}_`;
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  }

  /** A counter that the caller increments. */
  counter<L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name: this.prefix + name, help, labelNames, registers: this.registers });
  }

  /** A histogram that the caller observes. `buckets`: upper bounds. */
  histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: this.prefix + name, help, buckets, registers: this.registers });
  }

  /** A counter that is read when it is scraped. */
  total(name: string, help: string, read: () => number): void {
    const counter = this.counter(name, help);
    Object.assign(counter, {
      collect() {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** A counter with one label, read when it is scraped. */
  totals(label: string, name: string, help: string, read: () => Labelled): void {
    const counter = this.counter(name, help, label);
    Object.assign(counter, {
      collect() {
        counter.reset();
        for (const [value, count] of read()) counter.inc({ [label]: value }, count);
      },
    });
  }

  /** A gauge that is read when it is scraped. */
  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge = new Gauge({ name: this.prefix + name, help, registers: this.registers });
    Object.assign(gauge, { collect: async () => gauge.set(await read()) });
  }

  /** A gauge with one label, read when it is scraped. */
  gauges(label: string, name: string, help: string, read: () => Labelled): void {
    const gauge = new Gauge({ name: this.prefix + name, help, labelNames: [label], registers: this.registers });
    Object.assign(gauge, {
      collect() {
        for (const [value, count] of read()) gauge.set({ [label]: value }, count);
      },
    });
  }
}

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  async scrape(@Res() response: Response) {
    response.type(this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }
}
