// What lists of projects are ordered by and counted in, and what was said on each day: kept by PostgreSQL as the log goes on, so that no
// list reads all updates. The log's head is locked while it changes, as it is for the counters of the log: writers never wait for each
// other here alone.
import { Migration } from '@mikro-orm/migrations';

export class ProjectStatesMigration extends Migration {
  override name = '20261128000402-project-states';

  override up(): void {
    this.addSql(ALONE);
    this.addSql(TABLES);
    this.addSql(RULES);
    this.addSql(PRESENT);
  }
}

/** Nobody writes while the tables are filled. In the order of writers, who come to the log last. */
const ALONE = 'lock table project, project_update, comment, event in share row exclusive mode';

/** Without foreign keys, whose checks would wait for writers of the version before that wait for this migration. Projects are never removed. */
const TABLES = `
create table project_state (
  project_id uuid primary key,
  health_rank smallint not null default 0 check (health_rank between 0 and 3),
  latest_update_id uuid not null default '00000000-0000-0000-0000-000000000000'
);
create index project_state_health_idx on project_state (health_rank desc, latest_update_id desc, project_id desc);
create index project_state_latest_idx on project_state (latest_update_id desc, project_id desc);
create index project_name_idx on project (lower(name), id) where deleted_at is null;
create table project_activity (
  project_id uuid not null,
  day date not null,
  updates integer not null default 0,
  comments integer not null default 0,
  primary key (project_id, day)
);`;

/** Ranks: 3 is what needs attention most, 0 a project without an update. The day is that of the update or comment, in UTC. */
const RULES = `
create function health_rank(health text) returns smallint language sql immutable as
  $$ select case health when 'OFF_TRACK' then 3 when 'AT_RISK' then 2 when 'ON_TRACK' then 1 else 0 end::smallint $$;

create function project_begins_or_ends() returns trigger language plpgsql as $$
begin
  if new.deleted_at is null then
    insert into project_state (project_id) values (new.id) on conflict do nothing;
  else
    delete from project_state where project_id = new.id;
  end if;
  return null;
end $$;
create trigger project_begins after insert on project for each row execute function project_begins_or_ends();
create trigger project_ends after update of deleted_at on project
  for each row when (old.deleted_at is distinct from new.deleted_at) execute function project_begins_or_ends();

create function project_follows_event() returns trigger language plpgsql as $$
declare
  subject constant uuid := (new.facts ->> 'subjectId')::uuid;
begin
  if new.kind = 'COMMENT_POSTED' then
    insert into project_activity as known (project_id, day, comments)
      select project_id, (created_at at time zone 'UTC')::date, 1 from comment where id = subject
      on conflict (project_id, day) do update set comments = known.comments + 1;
    return null;
  end if;
  if new.kind = 'UPDATE_POSTED' then
    with posted as (
      select id, project_id, health, (created_at at time zone 'UTC')::date as day from project_update where id = subject
    ), counted as (
      insert into project_activity as known (project_id, day, updates) select project_id, day, 1 from posted
        on conflict (project_id, day) do update set updates = known.updates + 1
    )
    update project_state state set health_rank = health_rank(posted.health), latest_update_id = posted.id
      from posted where state.project_id = posted.project_id and state.latest_update_id < posted.id;
    return null;
  end if;
  update project_state state set health_rank = health_rank(latest.health), latest_update_id = coalesce(latest.id, '00000000-0000-0000-0000-000000000000')
    from (select 1) one left join lateral (
      select id, health from project_update where project_id = any(array[new.resource_id]) order by project_id, id desc limit 1) latest on true
   where state.project_id = new.resource_id;
  return null;
end $$;
create trigger project_follows_event after insert on event for each row
  when (new.kind in ('UPDATE_POSTED', 'UPDATE_EDITED', 'UPDATE_REMOVED', 'COMMENT_POSTED')) execute function project_follows_event();`;

const PRESENT = `
insert into project_state (project_id, health_rank, latest_update_id)
  select project.id, health_rank(latest.health), coalesce(latest.id, '00000000-0000-0000-0000-000000000000')
    from project left join lateral (
      select id, health from project_update where project_id = project.id order by id desc limit 1) latest on true
   where project.deleted_at is null
  on conflict do nothing;
insert into project_activity (project_id, day, updates, comments)
  select project_id, day, sum(updates), sum(comments) from (
    select project_id, (created_at at time zone 'UTC')::date as day, 1 as updates, 0 as comments from project_update
    union all
    select project_id, (created_at at time zone 'UTC')::date, 0, 1 from comment) as posted
   group by project_id, day;`;
