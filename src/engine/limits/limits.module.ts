import { Global, Module } from '@nestjs/common';
import { AccountBudget } from './account-budget.js';
import { Connections } from './connections.js';
import { DelayedRefusals } from './delayed-refusals.js';
import { Gate } from './gate.js';
import { Limits } from './limits.js';

@Global()
@Module({
  providers: [AccountBudget, Connections, DelayedRefusals, Gate, Limits],
  exports: [AccountBudget, Connections, DelayedRefusals, Gate, Limits],
})
export class LimitsModule {}
