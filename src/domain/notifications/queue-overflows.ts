// For Prometheus: how often more waited for a subscriber than may.
import { Counter } from 'prom-client';

export const queueOverflows = new Counter({
  name: 'tidings_live_queue_overflows_total',
  help: 'Notifications and announcements for which a subscriber had too many waiting; the former end its subscription.',
  labelNames: ['stream'],
  registers: [],
});
for (const stream of ['notifications', 'announcements']) queueOverflows.inc({ stream }, 0);
