import { Global, Module } from '@nestjs/common';
import { AccountResolver } from './account.resolver.js';
import { AccountService } from './account.service.js';
import { AdministrationResolver } from './administration.resolver.js';
import { Passwords } from './passwords.js';

@Global()
@Module({
  providers: [AccountResolver, AccountService, AdministrationResolver, Passwords],
  exports: [AccountService, Passwords],
})
export class AccountsModule {}
