// `me`, `user`, `users`.
import { Args, Context, ID, Query, Resolver } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../access/operation-context.js';
import { HasRole, SignedIn } from '../access/policies.js';
import { Role } from '../access/role.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import { ForwardArgs } from '../graphql/pagination/connection.js';
import { Input } from '../graphql/schema/field-rules.js';
import { id, searchText } from '../graphql/schema/input-text.js';
import { accountById } from './account.loader.js';
import { AccountService } from './account.service.js';
import { User, UserConnection } from './account.type.js';

@Resolver(() => User)
export class AccountResolver {
  constructor(private readonly accounts: AccountService) {}

  @SignedIn()
  @Query(() => User, { description: 'The signed-in account.' })
  async me(@Context() context: OperationContext) {
    const account = await context.load(accountById, context.viewer.accountId);
    if (!account) throw new UnauthenticatedError();
    return account;
  }

  @SignedIn()
  @Input(z.object({ id }))
  @Query(() => User, {
    nullable: true,
    description: 'An account that shares a resource with the caller, any account for an ADMIN; null otherwise.',
  })
  user(
    @Context() context: OperationContext,
    @Args('id', { type: () => ID, description: 'Id of the account.' }) userId: string,
  ) {
    return this.accounts.visible(context, userId);
  }

  @HasRole(Role.ADMIN)
  @Input(z.looseObject({ search: searchText }))
  @Query(() => UserConnection, { description: 'All accounts, newest first.' })
  users(
    @Context() context: OperationContext,
    @Args() page: ForwardArgs,
    @Args('search', {
      type: () => String,
      nullable: true,
      description: 'Part of a name or an e-mail address, case-insensitive.',
    })
    search?: string | null,
  ) {
    return this.accounts.list(context, page, search ?? undefined);
  }
}
