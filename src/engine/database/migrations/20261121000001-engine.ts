// The engine's tables: accounts, sessions, the log with its head, the audit trail.
import { Migration } from '@mikro-orm/migrations';

/** The actor of what the command line and the installation itself do. It can never sign in. */
export const SYSTEM_ACCOUNT_ID = '00000000-0000-4000-8000-000000000001';

export class EngineMigration extends Migration {
  override name = '20261121000001-engine';

  override up(): void {
    this.addSql(ACCOUNTS);
    this.addSql(SESSIONS);
    this.addSql(LOG);
    this.addSql(LOG_RULES);
    this.addSql(AUDIT);
  }
}

const ACCOUNTS = `
create table account (
  id uuid primary key,
  email text check (char_length(email) between 3 and 254),
  name text not null check (char_length(name) between 1 and 100),
  role text not null check (role in ('USER', 'EDITOR', 'ADMIN')),
  password_hash text,
  is_system boolean not null default false,
  disabled_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  constraint account_can_sign_in check (is_system = (email is null) and is_system = (password_hash is null))
);
create unique index account_email_key on account (lower(email));
insert into account (id, name, role, is_system) values ('${SYSTEM_ACCOUNT_ID}', 'Tidings', 'USER', true);`;

const SESSIONS = `
create table session (
  id uuid primary key,
  account_id uuid not null references account (id) on delete cascade,
  seed bytea not null check (octet_length(seed) = 32),
  generation integer not null default 1 check (generation > 0),
  rotated_at timestamptz(3),
  transport text not null check (transport in ('BODY', 'COOKIE')),
  address text not null,
  user_agent text check (char_length(user_agent) <= 512),
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3) not null default now(),
  idle_expires_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  ended_at timestamptz(3),
  end_reason text,
  check ((ended_at is null) = (end_reason is null))
);
create index session_account_idx on session (account_id, created_at);`;

const LOG = `
create table log_head (
  partition smallint primary key,
  pos bigint not null check (pos >= 0),
  nonce bytea not null,
  genesis bytea not null
);
insert into log_head
  select 0, 0, nonce, nonce from (select substr(uuid_send(gen_random_uuid()), 1, 6) as nonce) as birth;
create table log_counter (
  resource_kind text not null,
  resource_id uuid not null,
  seq bigint not null check (seq > 0),
  primary key (resource_kind, resource_id)
);
create table event (
  partition smallint not null default 0 references log_head (partition),
  pos bigint not null check (pos > 0),
  resource_kind text not null,
  resource_id uuid not null,
  seq bigint not null check (seq > 0),
  kind text not null,
  actor_id uuid not null references account (id),
  session_id uuid,
  facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
  at timestamptz(3) not null,
  nonce bytea not null check (octet_length(nonce) = 6),
  primary key (partition, pos),
  unique (resource_kind, resource_id, seq)
);
create index event_resource_idx on event (resource_kind, resource_id, pos);
create index event_at_idx on event (at);`;

/**
 * Positions are given by the database, whoever inserts: the head row is locked until commit, so `pos` is gapless and
 * in commit order, and the counters, touched only under that lock, give a gapless `seq` and can never deadlock. The row of
 * the actor, which the foreign key locks as well, is waited for before the head: whoever has it may want the head next.
 */
const LOG_RULES = `
create function event_take_position() returns trigger language plpgsql as $$
begin
  perform from account where id = new.actor_id for key share;
  new.nonce := substr(uuid_send(gen_random_uuid()), 1, 6);
  update log_head set pos = pos + 1, nonce = new.nonce where partition = new.partition returning pos into strict new.pos;
  insert into log_counter as counter values (new.resource_kind, new.resource_id, 1)
    on conflict (resource_kind, resource_id) do update set seq = counter.seq + 1 returning seq into new.seq;
  new.at := clock_timestamp();
  return new;
end $$;
create trigger event_take_position before insert on event for each row execute function event_take_position();
create function event_is_immutable() returns trigger language plpgsql as $$
begin
  raise exception 'events of the log are never changed';
end $$;
create trigger event_is_immutable before update on event for each row execute function event_is_immutable();`;

const AUDIT = `
create table audit_entry (
  id uuid primary key,
  at timestamptz(3) not null default now(),
  action text not null,
  outcome text not null check (outcome in ('SUCCESS', 'REFUSED', 'FAILED')),
  actor_id uuid references account (id),
  subject_kind text,
  subject_id uuid,
  address text,
  details jsonb not null default '{}'
);
create index audit_entry_at_idx on audit_entry (at desc, id desc);
create index audit_entry_actor_idx on audit_entry (actor_id, at desc);`;
