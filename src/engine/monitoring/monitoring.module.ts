// Health, metrics, and the watch on the database.
import { Global, Module } from '@nestjs/common';
import { DatabaseMonitor } from './database-monitor.js';
import { DatabaseWrites } from './database-writes.js';
import { HealthChecks, HealthController } from './health-checks.js';
import { Metrics, MetricsController } from './metrics.js';
import { PubSubMetrics } from './pubsub-metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [DatabaseMonitor, DatabaseWrites, HealthChecks, Metrics, PubSubMetrics],
  exports: [DatabaseWrites, HealthChecks, Metrics],
})
export class MonitoringModule {}
