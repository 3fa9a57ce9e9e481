// What an operator looks at: health, metrics.
import { Global, Module } from '@nestjs/common';
import { Health, HealthController } from './health.js';
import { Metrics, MetricsController } from './metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [Health, Metrics],
  exports: [Health, Metrics],
})
export class OperationsModule {}
