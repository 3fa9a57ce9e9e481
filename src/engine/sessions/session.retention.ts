// Deletes ended sessions, reset tokens and known networks that are no longer needed. Skips rows that are locked, and locks
// no account.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventRetention } from '../events/retention.js';
import { KNOWN_DAYS } from './known-addresses.js';

/**
 * Days for which an ended or expired session is kept. Its tokens are refused like those of a deleted session; the row lets users ask
 * why a session ended and where it was used, and protects sessions against a temporarily wrong clock.
 */
const OVER_DAYS = 30;
/** Days for which an unused reset token is kept; used and invalidated ones are deleted at once. */
const EXPIRED_RESET_DAYS = 1;

// `now()`, not `clock_timestamp()`: indexes cannot serve comparisons with a volatile function.
const OVER_SESSIONS = `
with doomed as (
  select id from session where least(ended_at, idle_expires_at, expires_at) <= now() - ? * interval '1 day'
   order by least(ended_at, idle_expires_at, expires_at) limit ? for update skip locked),
gone as (delete from session using doomed where session.id = doomed.id returning 1)
select count(*)::int as count from gone`;

const EXPIRED_RESETS = `
with doomed as (
  select account_id from password_reset where expires_at <= now() - ? * interval '1 day'
   order by expires_at limit ? for update skip locked),
gone as (delete from password_reset reset using doomed where reset.account_id = doomed.account_id returning 1)
select count(*)::int as count from gone`;

const FORGOTTEN_ADDRESSES = `
with doomed as (
  select account_id, network from known_address where last_at <= now() - ? * interval '1 day'
   order by last_at limit ? for update skip locked),
gone as (delete from known_address known using doomed
          where known.account_id = doomed.account_id and known.network = doomed.network returning 1)
select count(*)::int as count from gone`;

const PRUNINGS = [
  [OVER_SESSIONS, OVER_DAYS],
  [EXPIRED_RESETS, EXPIRED_RESET_DAYS],
  [FORGOTTEN_ADDRESSES, KNOWN_DAYS],
] as const;

@Injectable()
export class SessionRetention implements OnModuleInit {
  constructor(private readonly retention: EventRetention) {}

  onModuleInit(): void {
    for (const [sql, days] of PRUNINGS) {
      this.retention.add(async (em, limit) => {
        const [row] = await em.execute<{ count: number }[]>(sql, [days, limit]);
        return row?.count ?? 0;
      });
    }
  }
}
