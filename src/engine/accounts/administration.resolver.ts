// Administration of accounts, and the audit trail: in the schema already, not built yet, and saying so.
import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { notYet } from '../errors/not-yet.js';
import { ForwardArgs } from '../graphql/connection.js';
import { User } from './account.type.js';
import { AuditConnection, AuditFilter } from './audit.type.js';

@Resolver()
export class AdministrationResolver {
  @HasRole(Role.ADMIN)
  @Mutation(() => User, {
    description: 'Gives an account another role, felt at once everywhere. The last ADMIN stays.',
  })
  setUserRole(
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) _userId: string,
    @Args('role', { type: () => Role, description: 'The new role.' }) _role: Role,
  ): User {
    return notYet('Changing roles');
  }

  @HasRole(Role.ADMIN)
  @Mutation(() => User, { description: 'Disables an account, which ends its sessions, or enables it again.' })
  setUserDisabled(
    @Args('userId', { type: () => ID, description: 'Id of the account.' }) _userId: string,
    @Args('disabled', { type: () => Boolean, description: 'Whether it may not sign in.' }) _disabled: boolean,
  ): User {
    return notYet('Disabling accounts');
  }

  @HasRole(Role.ADMIN)
  @Query(() => AuditConnection, { description: 'Who did what, when, from where, newest first.' })
  auditLog(
    @Args() _page: ForwardArgs,
    @Args('filter', { type: () => AuditFilter, nullable: true, description: 'Which entries.' })
    _filter?: AuditFilter | null,
  ): AuditConnection {
    return notYet('The audit log');
  }
}
