// What an operator looks at: health, metrics, the audit trail. And the mail.
import { Global, Module } from '@nestjs/common';
import { AuditTrail } from './audit.js';
import { Health, HealthController } from './health.js';
import { Mailer } from './mailer.js';
import { Metrics, MetricsController } from './metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [AuditTrail, Health, Mailer, Metrics],
  exports: [AuditTrail, Health, Mailer, Metrics],
})
export class OperationsModule {}
