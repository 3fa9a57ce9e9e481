import { Global, Module } from '@nestjs/common';
import { AccountBudget } from './account-budget.js';
import { Limits } from './limits.js';

@Global()
@Module({ providers: [AccountBudget, Limits], exports: [AccountBudget, Limits] })
export class LimitsModule {}
