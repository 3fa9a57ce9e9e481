import { Global, Module } from '@nestjs/common';
import { AuditRepetitions } from './audit-repetitions.js';
import { AuditTrail } from './audit-trail.js';

@Global()
@Module({ providers: [AuditRepetitions, AuditTrail], exports: [AuditTrail] })
export class AuditModule {}
