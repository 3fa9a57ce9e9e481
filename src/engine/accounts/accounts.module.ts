import { Global, Module } from '@nestjs/common';
import { AccountResolver } from './account.resolver.js';
import { AccountService } from './account.service.js';
import { AdministrationService } from './administration.service.js';
import { AdministrationResolver } from './administration.resolver.js';
import { AuditResolver } from './audit.resolver.js';
import { AuditRetention } from './audit.retention.js';
import { AuditService } from './audit.service.js';
import { PasswordQueue } from './password-queue.js';
import { Passwords } from './passwords.js';

@Global()
@Module({
  providers: [
    AccountResolver,
    AccountService,
    AdministrationResolver,
    AdministrationService,
    AuditResolver,
    AuditRetention,
    AuditService,
    PasswordQueue,
    Passwords,
  ],
  exports: [AccountService, AdministrationService, Passwords],
})
export class AccountsModule {}
