import { type DynamicModule, Global, Module } from '@nestjs/common';
import { addAuditActions } from './audit-actions.js';
import { AuditRepetitions } from './audit-repetitions.js';
import { AuditResolver } from './audit.resolver.js';
import { AuditRetention } from './audit.retention.js';
import { AuditService } from './audit.service.js';
import { AuditTrail } from './audit-trail.js';

@Global()
@Module({
  providers: [AuditRepetitions, AuditResolver, AuditRetention, AuditService, AuditTrail],
  exports: [AuditTrail],
})
export class AuditModule {
  /** `actions`: those of the domain, with their descriptions. */
  static forRoot(actions: Readonly<Record<string, string>>): DynamicModule {
    addAuditActions(actions);
    return { module: AuditModule };
  }
}
