// `setUserRole`, `setUserDisabled`.
import { Args, Context, ID, Mutation, Resolver } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../access/operation-context.js';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { Input } from '../graphql/schema/field-rules.js';
import { id } from '../graphql/schema/input-text.js';
import { type Administrator, AdministrationService } from './administration.service.js';
import { User } from './account.type.js';

@Resolver()
export class AdministrationResolver {
  constructor(private readonly administration: AdministrationService) {}

  @HasRole(Role.ADMIN)
  @Input(z.looseObject({ userId: id }))
  @Mutation(() => User, {
    description:
      'Changes the role of an account, effective immediately. `CONFLICT` (`LAST_ADMIN`) if no enabled ADMIN would remain.',
  })
  setUserRole(
    @Context() context: OperationContext,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
    @Args('role', { type: () => Role, description: 'The new role.' }) role: Role,
  ) {
    return this.administration.setRole(administrator(context), userId, role);
  }

  @HasRole(Role.ADMIN)
  @Input(z.looseObject({ userId: id }))
  @Mutation(() => User, {
    description:
      'Disables an account and ends its sessions, or enables it again. ' +
      '`CONFLICT` (`LAST_ADMIN`) if no enabled ADMIN would remain.',
  })
  setUserDisabled(
    @Context() context: OperationContext,
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) userId: string,
    @Args('disabled', { type: () => Boolean, description: 'Whether to disable it.' }) disabled: boolean,
  ) {
    return this.administration.setDisabled(administrator(context), userId, disabled);
  }
}

function administrator({ viewer, client }: OperationContext): Administrator {
  return { accountId: viewer.accountId, sessionId: viewer.sessionId, address: client.address };
}
