// An event of a session that has ended is refused under the lock of the log's head, where sessions end too: whatever an instance knew of
// the session when it began the transaction, nothing is written behind the end.
import { Migration } from '@mikro-orm/migrations';

/** SQLSTATE of that refusal. */
export const SESSION_ENDED_STATE = 'TD001';

export class EndedSessionsMigration extends Migration {
  override name = '20261128000004-ended-sessions';

  override up(): void {
    // The session that this very transaction ends may be the one that does so.
    this.addSql(`
create or replace function event_take_position() returns trigger language plpgsql as $$
begin
  perform from account where id = new.actor_id for key share;
  new.nonce := substr(uuid_send(gen_random_uuid()), 1, 6);
  update log_head set pos = pos + 1, nonce = new.nonce where partition = new.partition returning pos into strict new.pos;
  if new.session_id is not null then
    perform from session where id = new.session_id and ended_at is not null and xmin <> pg_current_xact_id()::xid;
    if found then
      raise exception 'the session of this event has ended' using errcode = '${SESSION_ENDED_STATE}';
    end if;
  end if;
  insert into log_counter as counter values (new.resource_kind, new.resource_id, 1)
    on conflict (resource_kind, resource_id) do update set seq = counter.seq + 1 returning seq into new.seq;
  new.at := clock_timestamp();
  return new;
end $$;`);
  }
}
