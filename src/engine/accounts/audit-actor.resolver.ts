// Resolves the account of an audit entry, which stores ids only.
import { ResolveField, Resolver } from '@nestjs/graphql';
import type { OperationContext } from '../access/operation-context.js';
import type { AuditEntry as AuditRow } from '../audit/audit.entity.js';
import { AuditEntry } from '../audit/audit.type.js';
import { accountById } from './account.loader.js';
import { User } from './account.type.js';

@Resolver(() => AuditEntry)
export class AuditActorResolver {
  @ResolveField(() => User, { nullable: true, description: 'The acting account; null without a sign-in.' })
  actor({ actorId }: AuditRow, _args: unknown, context: OperationContext) {
    return actorId ? context.load(accountById, actorId) : null;
  }
}
