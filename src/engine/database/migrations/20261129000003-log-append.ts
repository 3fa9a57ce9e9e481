// Appending as a function, for transactions of this service and for functions of the domain: nothing else inserts events, except instances
// of the version before. Every name carries a version: two releases run side by side during an upgrade. As the caller's own
// statements, functions find tables by the search path of the session. They return JSON: the row type of a table would change with it, and
// plans that connections keep would not.
import { Migration } from '@mikro-orm/migrations';

/** ms for which PostgreSQL keeps a silent transaction that holds the head: bounds the effect of a lost commit on others. */
export const HEAD_HELD_MS = 2_000;

/** Key of the advisory lock: the two-part keys are a space of their own. "tid" in ASCII. */
const HEAD_LOCK = '7629156, 1';

export class LogAppendMigration extends Migration {
  override name = '20261129000003-log-append';

  override up(): void {
    this.addSql(ID);
    this.addSql(LOCK);
    this.addSql(APPEND);
    this.addSql(NEXT);
  }
}

/** The same as `idAt` in time-ordered-id.ts. `seq`: 32 bits behind the ms. */
const ID = `
create function time_ordered_id_v1(ms bigint, seq bigint) returns uuid language plpgsql as $$
begin
  return encode(int8send((ms << 16) | (7 << 12) | (seq >> 20))
    || substr(int8send((-9223372036854775808) | ((seq & 1048575) << 42)), 1, 3)
    || substr(uuid_send(gen_random_uuid()), 12), 'hex')::uuid;
end $$;`;

/**
 * Locks the head of the log until the transaction ends. Writers queue for an advisory lock: each would otherwise sleep and wake up twice for the
 * row, and repeat its update. Instances of the version before lock the row alone, so the row decides. The rows of actors, and of accounts
 * that events are about, come first: foreign keys of events and of what is stored with them lock these, and a locked account must not stop
 * the log.
 */
const LOCK = `
create function log_lock_v1(drafts jsonb) returns void language plpgsql as $$
declare
  involved uuid;
begin
  for involved in
    select distinct named.id::uuid as id
      from jsonb_array_elements(drafts) draft, unnest(array[
        draft ->> 'actorId', case draft ->> 'resourceKind' when 'account' then draft ->> 'resourceId' end]) as named(id)
     where named.id is not null order by id
  loop
    perform from account where id = involved for key share;
  end loop;
  -- For this transaction only: the connection's setting stays for others.
  perform set_config('idle_in_transaction_session_timeout', '${HEAD_HELD_MS}', true), pg_advisory_xact_lock(${HEAD_LOCK});
end $$;`;

/**
 * Appends `drafts`, an array of objects {resourceKind, resourceId, kind, actorId, sessionId, facts}, in order, and returns
 * its events as `LogEvent`s. The trigger of the table assigns positions. Call it last, with the commit in the same flush: the head is locked.
 */
const APPEND = `
create function log_append_v1(drafts jsonb) returns setof json language plpgsql as $$
begin
  perform log_lock_v1(drafts);
  return query
    insert into event (resource_kind, resource_id, kind, actor_id, session_id, facts)
    select draft ->> 'resourceKind', (draft ->> 'resourceId')::uuid, draft ->> 'kind', (draft ->> 'actorId')::uuid,
           (draft ->> 'sessionId')::uuid, draft -> 'facts'
      from jsonb_array_elements(drafts) with ordinality as list(draft, place) order by place
    returning json_build_object(
      'pos', pos, 'seq', seq, 'resource', json_build_object('kind', resource_kind, 'id', resource_id), 'kind', kind, 'actorId', actor_id,
      'sessionId', session_id, 'facts', facts, 'at', (extract(epoch from at) * 1000)::float8, 'nonce', encode(nonce, 'hex'));
end $$;`;

/** Locks the head for `drafts`: the first of them will get `pos`. `ms`: the time since 1970. */
const NEXT = `
create function log_next_v1(drafts jsonb, out pos bigint, out ms bigint) language plpgsql as $$
begin
  perform log_lock_v1(drafts);
  select head.pos + 1 into strict pos from log_head head for update;
  ms := floor(extract(epoch from clock_timestamp()) * 1000);
end $$;`;
