// Reset links in the database: up to five per account are valid, each for half an hour of database time. Using one, or any change of
// the password, deletes the account's row of `password_reset`, and all links with it.
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';

/** Valid links per account: further requests do not invalidate those of the owner. */
export const MAX_LINKS = 5;

const COUNT = `
select (select count(*) from password_reset where account_id = ?::uuid and expires_at > clock_timestamp())::int
     + (select count(*) from password_reset_earlier where account_id = ?::uuid and expires_at > clock_timestamp())::int as count`;

const FORGET_EXPIRED = 'delete from password_reset_earlier where account_id = ? and expires_at <= clock_timestamp()';

const KEEP_NEWEST = `
insert into password_reset_earlier (token_hash, account_id, expires_at)
select token_hash, account_id, expires_at from password_reset where account_id = ? and expires_at > clock_timestamp()`;

const PUT_NEWEST = `
insert into password_reset (account_id, token_hash, requested_at, expires_at)
values (?, ?, clock_timestamp(), clock_timestamp() + interval '30 minutes')
on conflict (account_id) do update
   set token_hash = excluded.token_hash, requested_at = excluded.requested_at, expires_at = excluded.expires_at`;

const FIND = `
select account_id from password_reset where token_hash = ? and expires_at > clock_timestamp()
union all
select account_id from password_reset_earlier where token_hash = ? and expires_at > clock_timestamp()`;

/** Valid links of the account; 0 without an account, by the same statement. */
export async function countLinks(em: EntityManager, accountId: string | undefined): Promise<number> {
  const [row] = await em.execute<{ count: number }[]>(COUNT, [accountId ?? null, accountId ?? null]);
  return row!.count;
}

/** Creates a link and returns its token; undefined at the maximum. The account's row must be locked. */
export async function makeLink(em: EntityManager, accountId: string): Promise<string | undefined> {
  if ((await countLinks(em, accountId)) >= MAX_LINKS) return undefined;
  const token = randomBytes(32).toString('base64url');
  await em.execute(FORGET_EXPIRED, [accountId]);
  await em.execute(KEEP_NEWEST, [accountId]);
  await em.execute(PUT_NEWEST, [accountId, hashOf(token)]);
  return token;
}

/** The account of a valid link. Reliable only while the account's row is locked. */
export async function accountOfLink(em: EntityManager, token: string): Promise<string | undefined> {
  const tokenHash = hashOf(token);
  const [row] = await em.execute<{ account_id: string }[]>(FIND, [tokenHash, tokenHash]);
  return row?.account_id;
}

/** Hash that identifies a token; the database never holds the token itself. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
