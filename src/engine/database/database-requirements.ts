// Verifies that the database suits this service when it is opened. Errors say what is wrong and what to do.
import type { Client } from 'pg';
import { IDLE_IN_TRANSACTION_MS, STATEMENT_TIMEOUT_MS } from './startup-parameters.js';

/** The database at DATABASE_URL answers, but is unsuitable. */
export class UnsuitableDatabaseError extends Error {
  override readonly name = 'UnsuitableDatabaseError';
}

/** `server_version_num` of the oldest supported version: migrations name columns in `on delete set null`, which 14 does not know. */
export const OLDEST_VERSION = 150_000;

export interface DatabaseFacts {
  /** As in `server_version_num`. */
  readonly version: number;
  /** For display, such as `18.4`. */
  readonly release: string;
  readonly standby: boolean;
  readonly readOnly: boolean;
  readonly encoding: string;
  /** The schema in which tables are created; null: the search path names none that exists. */
  readonly schema: string | null;
  readonly user: string;
  readonly database: string;
  /** Process id of the session. */
  readonly backendPid: number;
  /** By name, in PostgreSQL's unit (ms); settings unknown to the server are absent. */
  readonly settings: Readonly<Record<string, string>>;
}

interface Requirement {
  readonly setting: string;
  /** For ALTER ROLE … SET. */
  readonly wanted: string;
  readonly holds: (value: string) => boolean;
}

const within = (ms: number) => (value: string) => Number(value) > 0 && Number(value) <= ms;

/** Set by the startup packet, or by the role where a pooler does not forward it. */
const SESSION: readonly Requirement[] = [
  { setting: 'statement_timeout', wanted: "'20s'", holds: within(STATEMENT_TIMEOUT_MS) },
  { setting: 'idle_in_transaction_session_timeout', wanted: "'10s'", holds: within(IDLE_IN_TRANSACTION_MS) },
  { setting: 'idle_session_timeout', wanted: '0', holds: (value) => value === '0' },
  { setting: 'lock_timeout', wanted: '0', holds: (value) => value === '0' },
  { setting: 'transaction_timeout', wanted: '0', holds: (value) => value === '0' },
  {
    setting: 'default_transaction_isolation',
    wanted: "'read committed'",
    holds: (value) => value === 'read committed',
  },
  { setting: 'extra_float_digits', wanted: '1', holds: (value) => Number(value) >= 0 },
  { setting: 'DateStyle', wanted: "'ISO, MDY'", holds: (value) => value.startsWith('ISO') },
  { setting: 'TimeZone', wanted: "'UTC'", holds: (value) => /^(Etc\/)?(UTC|UCT|GMT|Zulu|Universal)$/i.test(value) },
  { setting: 'standard_conforming_strings', wanted: 'on', holds: (value) => value === 'on' },
];

const SETTINGS = [...SESSION.map(({ setting }) => setting), 'client_encoding', 'session_replication_role'];

const FACTS = `
select current_setting('server_version_num')::int as version, current_setting('server_version') as release,
       pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as "readOnly",
       current_setting('server_encoding') as encoding, current_schema() as schema, session_user as user,
       current_database() as database, pg_backend_pid() as "backendPid", json_object_agg(name, setting) as settings
  from pg_settings where name = any($1::text[])`;

/** Queries an open connection. Throws {@link UnsuitableDatabaseError} before it uses features that older versions lack. */
export async function databaseFacts(client: Client): Promise<DatabaseFacts> {
  const { rows } = await client.query<DatabaseFacts>(FACTS, [SETTINGS]);
  return rows[0]!;
}

/** Throws {@link UnsuitableDatabaseError} with the first reason found. */
export function assertSuitable(facts: DatabaseFacts): void {
  const reason = REASONS.map((check) => check(facts)).find((text) => text !== undefined);
  if (reason !== undefined) throw new UnsuitableDatabaseError(reason);
}

const REASONS: readonly ((facts: DatabaseFacts) => string | undefined)[] = [
  ({ version, release }) =>
    version < OLDEST_VERSION
      ? `The database server of DATABASE_URL is PostgreSQL ${release}: ${OLDEST_VERSION / 10_000} or newer is needed.`
      : undefined,
  ({ encoding, database }) =>
    encoding === 'UTF8'
      ? undefined
      : `The database ${database} of DATABASE_URL has the encoding ${encoding}: create one with ENCODING 'UTF8' TEMPLATE template0.`,
  ({ settings }) =>
    settings['client_encoding'] === 'UTF8'
      ? undefined
      : 'The options of DATABASE_URL set client_encoding: leave it out, it is always UTF8.',
  ({ standby }) =>
    standby
      ? 'The database server of DATABASE_URL is a standby, which takes no writes: name the primary server.'
      : undefined,
  ({ readOnly, database }) =>
    readOnly
      ? `The database ${database} of DATABASE_URL is read-only (default_transaction_read_only is on): find out why, a full disk perhaps, and turn it off.`
      : undefined,
  ({ schema, user }) =>
    schema === null
      ? `The search_path of DATABASE_URL names no schema that exists: create it, or run ALTER ROLE ${quoted(user)} SET search_path = public.`
      : undefined,
  ({ settings }) =>
    settings['session_replication_role'] === 'origin'
      ? undefined
      : `The user of DATABASE_URL has session_replication_role = ${settings['session_replication_role']}, which turns off triggers and foreign keys: reset it.`,
  missingSettings,
];

function missingSettings({ settings, user, database }: DatabaseFacts): string | undefined {
  const missing = SESSION.filter(({ setting, holds }) => setting in settings && !holds(settings[setting]!));
  if (missing.length === 0) return undefined;
  const statements = missing.map(
    ({ setting, wanted }) => `ALTER ROLE ${quoted(user)} IN DATABASE ${quoted(database)} SET ${setting} = ${wanted};`,
  );
  const names = missing.map(({ setting }) => setting).join(', ');
  return `The connection pooler of DATABASE_URL does not pass on settings that are needed (${names}): run ${statements.join(' ')} and have the pooler reconnect.`;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
