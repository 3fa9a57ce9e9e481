// Posting an update or a comment is one statement: it locks the project, checks the author's role under the lock, inserts, and appends to the
// log, so that the head of the log is not locked while a client is awaited. TypeScript validates what is passed, and decides which roles
// suffice. Versions in names: see the migration before.
import { Migration } from '@mikro-orm/migrations';

/** SQLSTATE of a refusal: an object that does not exist; the detail is its type. */
export const NOT_FOUND_STATE = 'TD002';
/** SQLSTATE of a refusal: the role does not suffice; the detail is the account's role and its role in the project, see ROLE. */
export const ROLE_STATE = 'TD003';

export class PostsMigration extends Migration {
  override name = '20261129000004-posts';

  override up(): void {
    for (const sql of [ROLE, HOLD, MENTIONED, APPEND, SUBJECT, POST_UPDATE, POST_COMMENT]) this.addSql(sql);
  }
}

/**
 * Requires that the transaction has locked the project. `in_roles`: which pairs suffice, such as `EDITOR:OWNER,ADMIN:` (the account's role, and its
 * role in the project, if any). The role of the account stays until the transaction ends: a change of it waits for this lock. Returns the time.
 */
const ROLE = `
create function assert_project_role_v1(in_project uuid, in_account uuid, in_roles text) returns timestamptz language plpgsql as $$
declare
  held text;
begin
  select account.role || ':' || coalesce(member.role, '') into held
    from account left join project_member member on member.account_id = account.id and member.project_id = in_project
   where account.id = in_account and account.disabled_at is null for key share of account;
  if held is null or held <> all (string_to_array(in_roles, ',')) then
    raise exception 'this role does not suffice' using errcode = '${ROLE_STATE}', detail = coalesce(held, 'USER:');
  end if;
  return clock_timestamp();
end $$;`;

/**
 * Blocks deletion and membership changes of the project until the transaction ends. Row locks are not fair: a waiting exclusive lock
 * can starve while shared ones keep coming. Advisory locks queue, so later writers wait behind a removal.
 */
const HOLD = `
create function hold_project_v1(in_project uuid, in_account uuid, in_roles text) returns timestamptz language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) from project
    where id = in_project and deleted_at is null for share;
  if not found then
    raise exception 'there is no such project' using errcode = '${NOT_FOUND_STATE}', detail = 'Project';
  end if;
  return assert_project_role_v1(in_project, in_account, in_roles);
end $$;`;

/** Mentions are found before the project is locked. If one of them has left since, the whole is to be repeated. */
const MENTIONED = `
create function assert_members_v1(in_project uuid, in_accounts uuid[]) returns void language plpgsql as $$
begin
  if in_accounts <> '{}' and exists (
    select from unnest(in_accounts) as list(account_id)
     where not exists (
       select from project_member member where member.project_id = in_project and member.account_id = list.account_id)) then
    raise exception 'a mentioned member has left' using errcode = '40001';
  end if;
end $$;`;

/**
 * Appends `drafts`. One with `stored` announces a notification, which is stored first: ids of notifications are in log order, independent of
 * the clocks of instances, so `upTo` marks a well-defined set. Each takes one position, so those of the next transaction come later:
 * 32 bits for a position within a ms.
 */
const APPEND = `
create function append_notifying_v1(drafts jsonb) returns setof json language plpgsql as $$
declare
  begun record;
begin
  if drafts @? '$[*].stored' then
    select * into strict begun from log_next_v1(drafts);
    with given as materialized (
      select draft, place, draft -> 'stored' as stored,
             time_ordered_id_v1(begun.ms, (begun.pos + count(draft -> 'stored') over (order by place) - 1) % 4294967296) as id
        from jsonb_array_elements(drafts) with ordinality as list(draft, place)
    ), inserted as (
      insert into notification (id, account_id, kind, actor_id, project_id, subject_kind, subject_id, role, created_at)
      select id, (draft ->> 'resourceId')::uuid, stored ->> 'kind', (draft ->> 'actorId')::uuid, (stored ->> 'projectId')::uuid,
             stored ->> 'subjectKind', (stored ->> 'subjectId')::uuid, stored ->> 'role', to_timestamp(begun.ms / 1000.0)
        from given where stored is not null
    )
    select jsonb_agg(case when stored is null then draft
                          else draft || jsonb_build_object('facts', jsonb_build_object('notificationId', id)) end order by place)
      into drafts from given;
  end if;
  return query select * from log_append_v1(drafts);
end $$;`;

/** `drafts` about an object that has just got its id: it is the subject of their facts, or of their notifications. */
const SUBJECT = `
create function drafts_about_v1(drafts jsonb, subject uuid) returns jsonb language plpgsql as $$
begin
  for place in 0 .. jsonb_array_length(drafts) - 1 loop
    drafts := jsonb_set(drafts,
      array[place::text, case when drafts -> place ? 'stored' then 'stored' else 'facts' end, 'subjectId'], to_jsonb(subject));
  end loop;
  return drafts;
end $$;`;

/** Declarations of both: who posts where, and an id of the time at which the project was locked. */
const POST = `
  project constant uuid := drafts -> 0 ->> 'resourceId';
  author constant uuid := drafts -> 0 ->> 'actorId';
  us constant bigint := extract(epoch from hold_project_v1(project, author, in_roles)) * 1000000;
  ms constant bigint := us / 1000;
  new_id constant uuid := time_ordered_id_v1(ms, (us % 1000) * 4294967296 / 1000);
begin
  perform assert_members_v1(project, in_mentioned);`;

/** The first of `drafts` says who posts where. Returns nothing if the author has used the key in this project before. */
const POST_UPDATE = `
create function post_update_v1(
  drafts jsonb, in_roles text, in_title text, in_body text, in_health text, in_note text, in_mentioned uuid[], in_key text, in_hash bytea
) returns setof json language plpgsql as $$
declare${POST}
  insert into project_update (id, project_id, author_id, title, body, health, internal_note, mentioned, idempotency_key, input_hash, created_at)
  values (new_id, project, author, in_title, in_body, in_health, in_note, in_mentioned, in_key, in_hash, to_timestamp(ms / 1000.0))
  on conflict on constraint project_update_idempotency do nothing;
  if found then
    return query select * from append_notifying_v1(drafts_about_v1(drafts, new_id));
  end if;
end $$;`;

/** The same for a comment; that on an update blocks its removal. */
const POST_COMMENT = `
create function post_comment_v1(
  drafts jsonb, in_roles text, in_update uuid, in_body text, in_mentioned uuid[], in_key text, in_hash bytea
) returns setof json language plpgsql as $$
declare${POST}
  if in_update is not null then
    perform from project_update where id = in_update and project_id = project for key share;
    if not found then
      raise exception 'there is no such update' using errcode = '${NOT_FOUND_STATE}', detail = 'Update';
    end if;
  end if;
  insert into comment (id, project_id, update_id, author_id, body, mentioned, idempotency_key, input_hash, created_at)
  values (new_id, project, in_update, author, in_body, in_mentioned, in_key, in_hash, to_timestamp(ms / 1000.0))
  on conflict on constraint comment_idempotency do nothing;
  if found then
    return query select * from append_notifying_v1(drafts_about_v1(drafts, new_id));
  end if;
end $$;`;
