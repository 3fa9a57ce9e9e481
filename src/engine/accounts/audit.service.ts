// The audit trail, read: newest first, page by page.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type Connection, type ForwardArgs, paginate } from '../graphql/connection.js';
import { type AuditEntry, AuditEntryEntity } from '../audit/audit.entity.js';
import type { AuditFilterInput } from './audit.input.js';

@Injectable()
export class AuditService {
  /** The entries for which all conditions of `filter` hold. */
  list(
    em: EntityManager,
    args: ForwardArgs,
    { actions, actorId, outcome, since, until }: Partial<AuditFilterInput> = {},
  ): Promise<Connection<AuditEntry>> {
    const at = { ...(since ? { $gte: since } : {}), ...(until ? { $lt: until } : {}) };
    const where = {
      ...(actions ? { action: { $in: actions } } : {}),
      ...(actorId ? { actorId } : {}),
      ...(outcome ? { outcome } : {}),
      ...(since || until ? { at } : {}),
    };
    return paginate(em, AuditEntryEntity, where, args);
  }
}
