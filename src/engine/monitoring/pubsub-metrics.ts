// Metrics of pub/sub between instances.
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { PUB_SUB, type PubSub, type PubSubStats } from '../pubsub/pubsub.port.js';
import { Metrics } from './metrics.js';

const COUNTERS: Readonly<Record<keyof PubSubStats, string>> = {
  dropped: 'Wake-ups not sent to other instances, because Redis was unavailable or slow.',
  malformed: 'Messages on the pub/sub channels that are not wake-ups.',
  reconnects: 'Connections to Redis made after the first one.',
};

@Injectable()
export class PubSubMetrics {
  constructor(@Inject(PUB_SUB) pubSub: PubSub, @Inject(CONFIG) { redisUrl }: Config, metrics: Metrics) {
    if (redisUrl === undefined) return;
    const help =
      '1 while wake-ups reach other instances over Redis; 0: they find events by their timers, within 500 ms.';
    metrics.gauge('redis_connected', help, () => (pubSub.healthy ? 1 : 0));
    for (const [name, meaning] of Object.entries(COUNTERS) as [keyof PubSubStats, string][]) {
      metrics.total(`pubsub_${name}_total`, meaning, () => pubSub.stats[name]);
    }
  }
}
