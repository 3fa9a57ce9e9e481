// Two of the first migrations were edited after databases had been made with them. This one brings such a database to the schema that
// all others have. It leaves the others as they are, without a lock on any table.
import { Migration } from '@mikro-orm/migrations';

export class EarlyInstallationsMigration extends Migration {
  override name = '20261128000001-early-installations';

  override up(): void {
    this.addSql(LOG_RULE);
    this.addSql(NOTIFICATIONS);
  }
}

/** 20261121000001-engine: the row of the actor is waited for before the head of the log. */
const LOG_RULE = `
create or replace function event_take_position() returns trigger language plpgsql as $$
begin
  perform from account where id = new.actor_id for key share;
  new.nonce := substr(uuid_send(gen_random_uuid()), 1, 6);
  update log_head set pos = pos + 1, nonce = new.nonce where partition = new.partition returning pos into strict new.pos;
  insert into log_counter as counter values (new.resource_kind, new.resource_id, 1)
    on conflict (resource_kind, resource_id) do update set seq = counter.seq + 1 returning seq into new.seq;
  new.at := clock_timestamp();
  return new;
end $$;`;

/**
 * 20261121000002-domain: what a notification is about, and the role that it tells of. Notifications of before that name an update or a
 * comment are completed; those that name nothing they should are removed, since nobody could be shown what they are about.
 */
const NOTIFICATIONS = `
do $$
begin
  if exists (select from information_schema.columns
              where table_schema = current_schema() and table_name = 'notification' and column_name = 'subject_kind') then
    return;
  end if;
  alter table notification
    add column subject_kind text check (subject_kind in ('UPDATE', 'COMMENT')),
    add column role text;
  delete from notification where kind = 'MENTION' and subject_id is null or kind <> 'ROLE' and project_id is null;
  update notification set project_id = null where kind = 'ROLE' and project_id is not null;
  update notification set subject_id = null where kind <> 'MENTION' and subject_id is not null;
  update notification
     set subject_kind = case when exists (select from project_update where project_update.id = subject_id) then 'UPDATE' else 'COMMENT' end
   where kind = 'MENTION';
  alter table notification
    add check ((kind = 'ROLE') = (project_id is null)),
    add check ((kind = 'MENTION') = (subject_id is not null) and (subject_id is null) = (subject_kind is null));
end $$;`;
