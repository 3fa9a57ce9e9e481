// Deletes audit entries older than AUDIT_RETENTION.
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { EventRetention } from '../events/retention.js';

// `now()`, not `clock_timestamp()`: indexes cannot serve comparisons with a volatile function.
const PRUNE = `
with doomed as (
  select id from audit_entry where at <= now() - ? * interval '1 ms' order by at limit ? for update skip locked),
gone as (delete from audit_entry entry using doomed where entry.id = doomed.id returning 1)
select count(*)::int as count from gone`;

@Injectable()
export class AuditRetention implements OnModuleInit {
  constructor(
    private readonly retention: EventRetention,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.retention.add(async (em, limit) => {
      const [row] = await em.execute<{ count: number }[]>(PRUNE, [this.config.auditRetention, limit]);
      return row?.count ?? 0;
    });
  }
}
