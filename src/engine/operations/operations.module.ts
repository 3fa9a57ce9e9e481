// What an operator looks at: health, metrics. And the mail.
import { Global, Module } from '@nestjs/common';
import { Health, HealthController } from './health.js';
import { Mailer } from './mailer.js';
import { Metrics, MetricsController } from './metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [Health, Mailer, Metrics],
  exports: [Health, Mailer, Metrics],
})
export class OperationsModule {}
