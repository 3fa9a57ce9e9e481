// For Prometheus: subscribers whose queue was full.
import { Counter } from 'prom-client';

export const queueOverflows = new Counter({
  name: 'tidings_live_queue_overflows_total',
  help: 'Overflows of a subscriber queue. For notifications they end the subscription, for announcements the oldest are dropped.',
  labelNames: ['stream'],
  registers: [],
});
for (const stream of ['notifications', 'announcements']) queueOverflows.inc({ stream }, 0);
