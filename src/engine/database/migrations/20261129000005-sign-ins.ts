// A sign-in, a refresh, and an audit entry are one statement each, whose parts PostgreSQL plans once for each connection. Every opening
// and rotation of a session locks the account's row first. Versions in names: see 20261129000003-log-append.ts.
import { Migration } from '@mikro-orm/migrations';

export class SignInsMigration extends Migration {
  override name = '20261129000005-sign-ins';

  override up(): void {
    for (const sql of [AUDIT, OPEN, SIGN_IN, ROTATE]) this.addSql(sql);
  }
}

/** The trail is sorted by id, which starts with the same ms, and goes on with the fraction. */
const AUDIT = `
create function audit_v1(entry jsonb, in_count integer) returns uuid language plpgsql as $$
declare
  us constant bigint := extract(epoch from clock_timestamp()) * 1000000;
  ms constant bigint := us / 1000;
  new_id constant uuid := time_ordered_id_v1(ms, (us % 1000) * 4294967296 / 1000);
begin
  insert into audit_entry (id, at, action, outcome, actor_id, subject_kind, subject_id, address, details, count)
  values (new_id, to_timestamp(ms / 1000.0), entry ->> 'action', entry ->> 'outcome', (entry ->> 'actorId')::uuid,
          entry -> 'subject' ->> 'kind', (entry -> 'subject' ->> 'id')::uuid, entry ->> 'address', coalesce(entry -> 'details', '{}'), in_count);
  return new_id;
end $$;`;

const SESSION = `to_jsonb(session) || jsonb_build_object('seed', encode(session.seed, 'hex'))`;

/** Requires that the account's row is locked, and enabled. `in_idle`, `in_age`: ms. Returns the row, its seed in hex. */
const OPEN = `
create function open_session_v1(
  in_id uuid, in_account uuid, in_seed bytea, in_transport text, in_address text, in_agent text, in_idle float8, in_age float8
) returns jsonb language plpgsql as $$
declare
  opened jsonb;
begin
  insert into session (id, account_id, seed, transport, address, user_agent, idle_expires_at, expires_at)
  values (in_id, in_account, in_seed, in_transport, in_address, in_agent,
          now() + least(in_idle, in_age) * interval '1 ms', now() + in_age * interval '1 ms')
  returning ${SESSION} into opened;
  return opened;
end $$;`;

/**
 * Opens a session of an account whose password hash `in_verified` was verified, replaces that by `in_renewed` unless null, audits, and notes the
 * network. Nothing, without a change, if the hash was replaced or the account disabled meanwhile.
 */
const SIGN_IN = `
create function sign_in_v1(
  in_verified text, in_renewed text, in_network text, in_audit jsonb,
  in_id uuid, in_account uuid, in_seed bytea, in_transport text, in_address text, in_agent text, in_idle float8, in_age float8
) returns table (opened jsonb, owner json) language plpgsql as $$
declare
  locked account;
begin
  select * into locked from account where id = in_account and not is_system for no key update;
  if not found or locked.disabled_at is not null or locked.password_hash <> in_verified then
    return;
  end if;
  if in_renewed is not null then
    update account set password_hash = in_renewed where id = in_account returning * into locked;
  end if;
  perform audit_v1(in_audit, 1);
  insert into known_address (account_id, network, last_at) values (in_account, in_network, now())
    on conflict (account_id, network) do update set last_at = now();
  return query
    select open_session_v1(in_id, in_account, in_seed, in_transport, in_address, in_agent, in_idle, in_age), to_json(locked);
end $$;`;

/**
 * Advances the generation. Nothing, without a change, unless `in_generation` is the current one of a live session of an enabled account.
 * `in_idle`: the new idle lifetime in ms.
 */
const ROTATE = `
create function rotate_session_v1(in_account uuid, in_session uuid, in_generation integer, in_address text, in_idle float8)
returns table (rotated jsonb, owner json) language plpgsql as $$
declare
  locked account;
begin
  select * into locked from account where id = in_account and not is_system for no key update;
  if not found or locked.disabled_at is not null then
    return;
  end if;
  return query
    update session set generation = generation + 1, rotated_at = clock_timestamp(), last_used_at = clock_timestamp(), address = in_address,
           idle_expires_at = least(clock_timestamp() + in_idle * interval '1 ms', expires_at)
     where id = in_session and generation = in_generation and account_id = in_account
       and ended_at is null and clock_timestamp() < least(idle_expires_at, expires_at)
    returning ${SESSION}, to_json(locked);
end $$;`;
