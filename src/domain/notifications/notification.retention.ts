// Deletes notifications some time after they were read, and unread ones after a longer time.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { EventRetention } from '../../engine/events/retention.js';

/** Days after which read and unread notifications are deleted. */
const READ_DAYS = 30;
const UNREAD_DAYS = 365;

// `now()`, not `clock_timestamp()`: indexes cannot serve comparisons with a volatile function.
const PRUNE = `
with doomed as (
  (select id from notification where read_at < now() - ? * interval '1 day' limit ?)
  union all
  (select id from notification where read_at is null and created_at < now() - ? * interval '1 day' limit ?)
  limit ?),
gone as (delete from notification using doomed where notification.id = doomed.id returning 1)
select count(*)::int as count from gone`;

@Injectable()
export class NotificationRetention implements OnModuleInit {
  constructor(private readonly retention: EventRetention) {}

  onModuleInit(): void {
    this.retention.add(prune);
  }
}

async function prune(em: EntityManager, limit: number): Promise<number> {
  const parameters = [READ_DAYS, limit, UNREAD_DAYS, limit, limit];
  const [row] = await em.execute<{ count: number }[]>(PRUNE, parameters);
  return row?.count ?? 0;
}
