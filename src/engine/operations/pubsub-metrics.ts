// What Prometheus is told of the connection between instances.
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { PUB_SUB, type PubSub, type PubSubStats } from '../pubsub/doorbell.port.js';
import { Metrics } from './metrics.js';

const COUNTERS: Readonly<Record<keyof PubSubStats, string>> = {
  published: 'Wake-ups published.',
  dropped: 'Wake-ups that were not sent to other instances: Redis was away or too slow.',
  received: 'Wake-ups from other instances.',
  malformed: 'Messages on our channels that are no wake-ups.',
  reconnects: 'Connections to Redis made after the first one.',
};

@Injectable()
export class PubSubMetrics {
  constructor(@Inject(PUB_SUB) pubSub: PubSub, @Inject(CONFIG) { redisUrl }: Config, { registry }: Metrics) {
    if (redisUrl === undefined) return;
    const connected = new Gauge({
      name: 'tidings_redis_connected',
      help: '1 while wake-ups reach other instances over Redis; 0: they find events by their timers, within 500 ms.',
      registers: [],
      collect() {
        this.set(pubSub.healthy ? 1 : 0);
      },
    });
    registry.registerMetric(connected);
    for (const [name, help] of Object.entries(COUNTERS) as [keyof PubSubStats, string][]) {
      const counter = new Counter({
        name: `tidings_pubsub_${name}_total`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(pubSub.stats[name]);
        },
      });
      registry.registerMetric(counter);
    }
  }
}
