// What an operator looks at: health, metrics. The mail, and which instances live.
import { Global, Module } from '@nestjs/common';
import { Health, HealthController } from './health.js';
import { Mailer } from './mailer.js';
import { Metrics, MetricsController } from './metrics.js';
import { NodeRegistry } from './node-registry.js';
import { PubSubMetrics } from './pubsub-metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [Health, Mailer, Metrics, NodeRegistry, PubSubMetrics],
  exports: [Health, Mailer, Metrics, NodeRegistry],
})
export class OperationsModule {}
