// The domain's tables: projects with their members, updates and comments; notifications and announcements.
import { Migration } from '@mikro-orm/migrations';

export class DomainMigration extends Migration {
  override name = '20261121000002-domain';

  override up(): void {
    this.addSql(PROJECTS);
    this.addSql(UPDATES);
    this.addSql(NOTIFICATIONS);
  }
}

const PROJECTS = `
create table project (
  id uuid primary key,
  key text not null check (key ~ '^[A-Z][A-Z0-9-]{1,19}$'),
  name text not null check (char_length(name) between 1 and 120),
  description text not null default '' check (char_length(description) <= 4000),
  budget numeric(14, 2) check (budget >= 0),
  version integer not null default 1 check (version > 0),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  deleted_at timestamptz(3)
);
create unique index project_key_key on project (key) where deleted_at is null;
create table project_member (
  id uuid primary key,
  project_id uuid not null references project (id) on delete cascade,
  account_id uuid not null references account (id) on delete cascade,
  role text not null check (role in ('VIEWER', 'EDITOR', 'OWNER')),
  created_at timestamptz(3) not null default now(),
  constraint project_member_pair unique (project_id, account_id)
);
create index project_member_account_idx on project_member (account_id);
create index project_member_page_idx on project_member (project_id, id desc);`;

const UPDATES = `
create table project_update (
  id uuid primary key,
  project_id uuid not null references project (id) on delete cascade,
  author_id uuid not null references account (id),
  title text not null check (char_length(title) between 1 and 200),
  body text not null default '' check (char_length(body) <= 20000),
  health text not null check (health in ('ON_TRACK', 'AT_RISK', 'OFF_TRACK')),
  internal_note text check (char_length(internal_note) <= 4000),
  version integer not null default 1 check (version > 0),
  idempotency_key text,
  input_hash bytea,
  created_at timestamptz(3) not null default now(),
  edited_at timestamptz(3),
  unique (project_id, id),
  constraint project_update_idempotency unique (author_id, project_id, idempotency_key)
);
create index project_update_page_idx on project_update (project_id, id desc);
create table comment (
  id uuid primary key,
  project_id uuid not null references project (id) on delete cascade,
  update_id uuid,
  author_id uuid not null references account (id),
  body text not null check (char_length(body) between 1 and 4000),
  idempotency_key text,
  input_hash bytea,
  created_at timestamptz(3) not null default now(),
  foreign key (project_id, update_id) references project_update (project_id, id) on delete set null (update_id),
  constraint comment_idempotency unique (author_id, project_id, idempotency_key)
);
create index comment_page_idx on comment (project_id, id desc);
create index comment_update_idx on comment (update_id, id desc);`;

const NOTIFICATIONS = `
create table notification (
  id uuid primary key,
  account_id uuid not null references account (id) on delete cascade,
  kind text not null check (kind in ('MENTION', 'MEMBERSHIP', 'ROLE')),
  actor_id uuid not null references account (id),
  project_id uuid references project (id) on delete cascade,
  subject_kind text check (subject_kind in ('UPDATE', 'COMMENT')),
  subject_id uuid,
  role text,
  created_at timestamptz(3) not null default now(),
  read_at timestamptz(3),
  check ((kind = 'ROLE') = (project_id is null)),
  check ((kind = 'MENTION') = (subject_id is not null) and (subject_id is null) = (subject_kind is null))
);
create index notification_page_idx on notification (account_id, id desc);
create index notification_unread_idx on notification (account_id) where read_at is null;
create table announcement (
  id uuid primary key,
  message text not null check (char_length(message) between 1 and 1000),
  author_id uuid not null references account (id),
  created_at timestamptz(3) not null default now()
);`;
