// Fills a database with a large installation by INSERT … SELECT, within seconds: rows as the service would have written
// them over some months, most of them related to one account. Timestamps end at the present; ids are UUIDv7 in time
// order, like the service's.

import { ALL_OF_KIND } from '../../src/engine/events/log-event.js';

export type RunSql = (sql: string) => Promise<unknown>;

/** Number of rows of each kind. */
export interface Extent {
  readonly accounts: number;
  readonly projects: number;
  readonly updates: number;
  readonly comments: number;
  readonly events: number;
  readonly auditEntries: number;
  readonly notifications: number;
  readonly sessions: number;
}

/** The installation used for measurements. */
export const LARGE: Extent = {
  accounts: 100_000,
  projects: 200,
  updates: 100_000,
  comments: 300_000,
  events: 1_000_000,
  auditEntries: 1_000_000,
  notifications: 300_000,
  sessions: 100_000,
};

/**
 * Made within seconds, yet large enough to tell a plan that scans a table from one that uses an index. It has few
 * projects with many rows each, so the planner is tempted to scan the rows of all projects.
 */
export const SMALL: Extent = {
  accounts: 1_000,
  projects: 5,
  updates: 10_000,
  comments: 20_000,
  events: 40_000,
  auditEntries: 30_000,
  notifications: 20_000,
  sessions: 20_000,
};

/**
 * Fills a migrated database. `heroId`: an existing account, which owns every project and receives most notifications.
 */
export async function fillInstallation(run: RunSql, extent: Extent, heroId: string): Promise<void> {
  // Skips triggers and foreign keys; the statements write what the triggers would have written.
  await run(`set session_replication_role = replica`);
  for (const sql of statements(extent, heroId)) await run(sql);
  await run(`set session_replication_role = origin`);
  // Moves the pending lists of the GIN indexes, which searches would scan otherwise, into the index, and updates the
  // statistics.
  await run('vacuum analyze');
}

/** SQL for a UUIDv7 made of `kind` and `number`, with the timestamp `at`. */
const id = (kind: number, number: string, at: string) =>
  `(lpad(to_hex(floor(extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(${kind}), 3, '0') || '8' ||
    lpad(to_hex((${number})::bigint), 15, '0'))::uuid`;
/** SQL for the timestamp of row `number` of `count`, spread over `days`; the last row is at now(). */
const time = (number: string, count: number, days: number) =>
  `date_trunc('milliseconds', now() - (${count} - ${number}) * interval '1 day' * ${days} / ${count})`;
const START = `timestamptz '2026-01-01 00:00Z'`;
const accountId = (number: string) => id(1, number, START);
const projectId = (number: string) => id(2, number, START);
const series = (count: number) => `generate_series(1, ${count}) as i`;

function statements(extent: Extent, heroId: string): string[] {
  const { accounts, projects, updates, comments, events, auditEntries, notifications, sessions } = extent;
  const author = accountId(`1 + i % ${accounts}`);
  const project = projectId(`1 + i % ${projects}`);
  const updateAt = (number: string) => time(number, updates, 60);
  const updateId = (number: string) => id(3, number, updateAt(number));
  const eventAt = time('i', events, 20);
  const auditAt = time('i', auditEntries, 200);
  const notifiedAt = time('i', notifications, 100);
  const sessionAt = time('i', sessions, 30);
  return [
    `insert into account (id, email, name, role, password_hash, created_at)
     select ${accountId('i')}, 'person' || i || '@example.org', 'Person ' || md5(i::text), case when i % 10 = 0 then 'EDITOR' else 'USER' end,
            'none', ${START} from ${series(accounts)}`,
    `insert into project (id, key, name, created_at, updated_at)
     select ${projectId('i')}, 'LARGE-' || i, 'Project ' || md5(i::text), ${START}, ${START} from ${series(projects)}`,
    `insert into project_member (id, project_id, account_id, role)
     select ${id(4, 'i', START)}, ${project}, ${author}, 'VIEWER' from ${series(accounts * 2)}
     on conflict on constraint project_member_pair do nothing`,
    `insert into project_member (id, project_id, account_id, role)
     select ${id(5, 'i', START)}, ${projectId('i')}, '${heroId}', 'OWNER' from ${series(projects)}`,
    `insert into project (id, key, name, created_at, updated_at, deleted_at)
     select ${id(11, 'i', START)}, 'GONE-' || i, 'Gone ' || i, ${START}, ${START}, now() from ${series(projects)}`,
    `insert into project_member (id, project_id, account_id, role)
     select ${id(12, 'i', START)}, ${id(11, 'i', START)}, '${heroId}', 'OWNER' from ${series(projects)}`,
    // One quiet project: its only update is the oldest of all.
    `insert into project_update (id, project_id, author_id, title, body, health, idempotency_key, input_hash, created_at)
     select ${updateId('i')}, case i when 1 then ${projectId(String(projects))} else ${projectId(`1 + i % ${projects - 1}`)} end, ${author},
            'Update ' || i, repeat('word ', 40), 'ON_TRACK', case when i % 3 = 0 then 'key-' || i end, null, ${updateAt('i')} from ${series(updates)}`,
    `insert into comment (id, project_id, update_id, author_id, body, idempotency_key, created_at)
     select ${id(6, 'i', time('i', comments, 60))}, project_id, update_id, ${author}, repeat('said ', 10), case when i % 3 = 0 then 'key-' || i end,
            ${time('i', comments, 60)}
       from (select i, coalesce(project_update.project_id, ${projectId(`1 + i % ${projects}`)}) as project_id, project_update.id as update_id
               from ${series(comments)} left join project_update on i % 2 = 0 and project_update.id = ${updateId(`1 + (i / 3) % ${updates}`)}) as said`,
    `insert into project_state
     select id, health_rank(health), latest from project
      cross join lateral (select id as latest, health from project_update where project_id = project.id order by id desc limit 1) as newest`,
    `insert into project_activity
     select project_id, (created_at at time zone 'UTC')::date, count(*), 0 from project_update group by 1, 2`,
    // The last project has only old events: reading them must not scan the newer events of the other projects.
    `insert into event (pos, resource_kind, resource_id, seq, kind, actor_id, facts, at, nonce)
     select i, resource_kind, resource_id, row_number() over (partition by resource_kind, resource_id order by i), kind, ${author}, facts, ${eventAt},
            decode(lpad(to_hex(i), 12, '0'), 'hex')
       from (select i, case when i % 5 = 0 then 'account' else 'project' end as resource_kind,
                    case when i % 50 = 0 then '${ALL_OF_KIND}' when i % 5 = 0 then ${author} when i <= 3 or (i <= ${events} / 2 and i % 2 = 0) then ${projectId(String(projects))} else ${projectId(`1 + i % ${projects - 1}`)} end as resource_id,
                    case when i % 50 = 0 then 'ACCESS_ENDED' when i % 5 = 0 then 'NOTIFIED' else 'UPDATE_POSTED' end as kind,
                    jsonb_build_object('subjectId', ${updateId(`1 + i % ${updates}`)}) as facts
               from ${series(events)}) as happened order by i`,
    `insert into log_counter select resource_kind, resource_id, max(seq) from event group by 1, 2`,
    `update log_head set pos = ${events}, nonce = (select nonce from event where pos = ${events})`,
    // A frequent action, a rare action, a rare outcome, and one account with many entries.
    `insert into audit_entry (id, at, action, outcome, actor_id, subject_kind, subject_id, address)
     select ${id(7, 'i', auditAt)}, ${auditAt}, case when i % (${auditEntries} / 5) = 1 then 'ANNOUNCED' when i % 3 = 0 then 'LOGOUT' else 'LOGIN' end,
            case when i % (${auditEntries} / 7) = 2 then 'FAILED' when i % 4 = 0 then 'REFUSED' else 'SUCCESS' end,
            case when i % 4 = 0 then null when i % 4 = 1 then '${heroId}'::uuid else ${author} end, 'account', ${author}, '192.0.2.1' from ${series(auditEntries)}`,
    `insert into notification (id, account_id, kind, actor_id, project_id, subject_kind, subject_id, created_at, read_at)
     select ${id(8, 'i', notifiedAt)}, case when i % 2 = 0 then '${heroId}'::uuid else ${author} end, 'MENTION', ${author}, ${project}, 'UPDATE',
            ${updateId(`1 + i % ${updates}`)}, ${notifiedAt}, case when i % 4 = 1 then now() - interval '1 day' end from ${series(notifications)}`,
    `insert into session (id, account_id, seed, transport, address, created_at, last_used_at, idle_expires_at, expires_at, ended_at, end_reason)
     select ${id(9, 'i', sessionAt)}, case when i % 4 = 0 then '${heroId}'::uuid else ${author} end, sha256(i::text::bytea), 'BODY', '192.0.2.1', ${sessionAt},
            ${sessionAt}, now() + interval '1 day', now() + interval '10 days', case when i % 1000 <> 0 then ${sessionAt} end,
            case when i % 1000 <> 0 then 'LOGOUT' end from ${series(sessions)}`,
    `insert into known_address select account_id, '192.0.2.' || i % 200, now() - interval '1 day' * (i % 29)
       from ${series(accounts)}, lateral (select ${accountId('i')} as account_id) as known`,
    `insert into password_reset (account_id, token_hash, requested_at, expires_at)
     select ${accountId('i')}, sha256(i::text::bytea), now(), now() + interval '1 hour' from ${series(Math.floor(accounts / 10))}`,
    `insert into announcement (id, message, author_id) select ${id(10, 'i', START)}, 'Hello', '${heroId}' from ${series(1_000)}`,
    `insert into node values (gen_random_uuid(), clock_timestamp())`,
    `insert into node_entry select (select id from node limit 1), i, 'session sockets', gen_random_uuid()::text, now(), '{}' from ${series(5_000)}`,
  ];
}
