// Loads the open sessions of many accounts in one statement.
import { byId, Loader } from '../database/loaders.js';
import { type RowOf, shown } from '../database/shown.js';
import { SessionEntity } from './session.entity.js';

/** Sessions as they are shown: nothing that a token could be made from. */
const shownSession = shown(
  SessionEntity,
  'id',
  'accountId',
  'transport',
  'address',
  'userAgent',
  'createdAt',
  'lastUsedAt',
  'expiresAt',
);
export type SessionRow = RowOf<typeof shownSession>;

export const sessionById = byId(shownSession);

/** Sessions read per account. */
export const MOST_SESSIONS = 100;

/** The limit applies to each account separately. */
const OPEN = `
select ${shownSession.of('open')}
  from unnest(string_to_array(?, ',')::uuid[]) as asked (id)
 cross join lateral (select * from session
                      where account_id = asked.id and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)
                      order by last_used_at desc, id desc limit ?) as open
 order by open.last_used_at desc, open.id desc`;

/** Live sessions of an account, the latest used first. */
export const openSessionsOf = new Loader<string, SessionRow[]>(async (reader, accountIds) => {
  const rows = await reader.rows<SessionRow>(OPEN, [accountIds.join(','), MOST_SESSIONS]);
  const byAccount = new Map<string, SessionRow[]>(accountIds.map((id) => [id, []]));
  for (const session of rows) byAccount.get(session.accountId)?.push(session);
  return accountIds.map((id) => byAccount.get(id) ?? []);
});
