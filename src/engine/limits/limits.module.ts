import { Global, Module } from '@nestjs/common';
import { AccountBudget } from './account-budget.js';
import { Connections } from './connections.js';
import { DelayedRefusals } from './delayed-refusals.js';
import { FamiliarNetworks } from './familiar-networks.js';
import { Gate } from './gate.js';
import { Limits } from './limits.js';

@Global()
@Module({
  providers: [AccountBudget, Connections, DelayedRefusals, FamiliarNetworks, Gate, Limits],
  exports: [AccountBudget, Connections, DelayedRefusals, FamiliarNetworks, Gate, Limits],
})
export class LimitsModule {}
