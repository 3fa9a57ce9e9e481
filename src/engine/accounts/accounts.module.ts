import { Global, Module } from '@nestjs/common';
import { AccountResolver } from './account.resolver.js';
import { AccountService } from './account.service.js';
import { AdministrationResolver } from './administration.resolver.js';
import { AdministrationService } from './administration.service.js';
import { AuditActorResolver } from './audit-actor.resolver.js';

@Global()
@Module({
  providers: [AccountResolver, AccountService, AdministrationResolver, AdministrationService, AuditActorResolver],
  exports: [AccountService, AdministrationService],
})
export class AccountsModule {}
