// `auditLog`, and the account behind an entry.
import { Args, Context, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../access/operation-context.js';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { ForwardArgs } from '../graphql/connection.js';
import { Input } from '../graphql/field-rules.js';
import type { AuditEntry as AuditRow } from '../audit/audit.entity.js';
import { accountById } from './account.loader.js';
import { User } from './account.type.js';
import { auditArgs, type AuditFilterInput } from './audit.input.js';
import { AuditService } from './audit.service.js';
import { AuditConnection, AuditEntry, AuditFilter } from './audit.type.js';

@Resolver(() => AuditEntry)
export class AuditResolver {
  constructor(private readonly audit: AuditService) {}

  @HasRole(Role.ADMIN)
  @Input(auditArgs)
  @Query(() => AuditConnection, { description: 'Who did what, when, from where, newest first.' })
  auditLog(
    @Context() { em }: OperationContext,
    @Args() page: ForwardArgs,
    @Args('filter', { type: () => AuditFilter, nullable: true, description: 'Which entries.' })
    filter?: AuditFilterInput,
  ) {
    return this.audit.list(em, page, filter);
  }

  @ResolveField(() => User, { nullable: true })
  actor(@Parent() { actorId }: AuditRow, @Context() context: OperationContext) {
    return actorId ? context.load(accountById, actorId) : null;
  }
}
