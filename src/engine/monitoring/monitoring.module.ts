// Health, metrics, and the watch on the database.
import { Global, Module } from '@nestjs/common';
import { DatabaseWatch } from './database-watch.js';
import { DatabaseWrites } from './database-writes.js';
import { Health, HealthController } from './health.js';
import { Metrics, MetricsController } from './metrics.js';
import { PubSubMetrics } from './pubsub-metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [DatabaseWatch, DatabaseWrites, Health, Metrics, PubSubMetrics],
  exports: [DatabaseWrites, Health, Metrics],
})
export class MonitoringModule {}
