// Loads the open sessions of many accounts in one statement.
import { byId, Loader } from '../database/loaders.js';
import { fromRow, type Row } from '../database/rows.js';
import { type Session, SessionEntity } from './session.entity.js';

export const sessionById = byId(SessionEntity);

/** Sessions read per account. */
export const MOST_SESSIONS = 100;

/** The limit applies to each account separately. */
const OPEN = `
select open.*
  from unnest(string_to_array(?, ',')::uuid[]) as asked (id)
 cross join lateral (select * from session
                      where account_id = asked.id and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)
                      order by last_used_at desc, id desc limit ?) as open
 order by open.last_used_at desc, open.id desc`;

/** Live sessions of an account, the latest used first. */
export const openSessionsOf = new Loader<string, Session[]>(async (em, accountIds) => {
  const rows = await em.execute<Row[]>(OPEN, [accountIds.join(','), MOST_SESSIONS]);
  const byAccount = new Map<string, Session[]>(accountIds.map((id) => [id, []]));
  for (const row of rows) {
    const session = fromRow(em, SessionEntity, row);
    byAccount.get(session.accountId)?.push(session);
  }
  return accountIds.map((id) => byAccount.get(id) ?? []);
});
