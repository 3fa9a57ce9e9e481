// `auditLog`. The account behind an entry is resolved by accounts/audit-actor.resolver.ts.
import { Args, Context, Query, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../access/operation-context.js';
import { HasRole } from '../access/policies.js';
import { Role } from '../access/role.js';
import { ForwardArgs } from '../graphql/pagination/connection.js';
import { Input } from '../graphql/schema/field-rules.js';
import { auditArgs, type AuditFilterInput } from './audit.input.js';
import { AuditService } from './audit.service.js';
import { AuditConnection, AuditEntry, AuditFilter } from './audit.type.js';

@Resolver(() => AuditEntry)
export class AuditResolver {
  constructor(private readonly audit: AuditService) {}

  @HasRole(Role.ADMIN)
  @Input(auditArgs)
  @Query(() => AuditConnection, { description: 'The audit trail, newest first.' })
  auditLog(
    @Context() context: OperationContext,
    @Args() page: ForwardArgs,
    @Args('filter', { type: () => AuditFilter, nullable: true, description: 'Conditions that entries must meet.' })
    filter?: AuditFilterInput,
  ) {
    return this.audit.list(context, page, filter);
  }
}
