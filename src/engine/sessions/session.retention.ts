// What is left of signing in goes when nobody can have any use for it: sessions that are over, reset tokens, addresses that are
// not known any more. Rows that others hold just now are left to the next time, and no account is locked: nobody waits for this.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventRetention } from '../events/retention.js';
import { KNOWN_DAYS } from './known-addresses.js';

/**
 * Days for which a session is kept after it has ended or expired. From that moment its tokens are refused just as those of a
 * session that never was. The row stays for people, who may ask for a month why it ended and where it was used, and so that a
 * clock that was wrong for a while costs nobody a session.
 */
const OVER_DAYS = 30;
/** Days for which a reset token is kept that nobody used; one that was used, or is void, is gone already. */
const EXPIRED_RESET_DAYS = 1;

// `now()`, not `clock_timestamp()`: no index serves a comparison with what may differ from row to row.
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
