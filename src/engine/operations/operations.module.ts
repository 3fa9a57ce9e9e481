// What an operator looks at: health, metrics, the audit trail. The mail, and which instances live.
import { Global, Module } from '@nestjs/common';
import { AuditTrail } from './audit.js';
import { Health, HealthController } from './health.js';
import { Mailer } from './mailer.js';
import { Metrics, MetricsController } from './metrics.js';
import { NodeRegistry } from './node-registry.js';
import { PubSubMetrics } from './pubsub-metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [AuditTrail, Health, Mailer, Metrics, NodeRegistry, PubSubMetrics],
  exports: [AuditTrail, Health, Mailer, Metrics, NodeRegistry],
})
export class OperationsModule {}
