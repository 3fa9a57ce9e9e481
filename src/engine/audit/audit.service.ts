// Reads the audit trail: newest first, in pages, in time independent of its length, for every filter.
import { Injectable } from '@nestjs/common';
import type { Reader } from '../database/reads.js';
import { allOf, type Condition, type RowOf, shown } from '../database/shown.js';
import {
  type Connection,
  connectionFrom,
  connectionOf,
  firstOf,
  type ForwardArgs,
  keyPage,
} from '../graphql/pagination/connection.js';
import { AuditEntryEntity } from './audit.entity.js';
import type { AuditFilterInput } from './audit.input.js';

/** ms by which the time in an id may differ from that of its entry, in entries of early versions. */
const CLOCKS_DIFFER_MS = 600_000;

/** All actions that have entries, found by skipping through the index. */
const ACTIONS = `
with recursive present (action) as (
  (select action from audit_entry order by action limit 1)
  union all
  select (select action from audit_entry where audit_entry.action > present.action order by action limit 1)
    from present where present.action is not null)
select action from present where action is not null`;

const OUTCOMES = `select unnest(array['SUCCESS', 'REFUSED', 'FAILED'])`;

/** Written so that the index of times is not used: the ids bound the range, and are sorted. */
const AT = `(entry.at + interval '0')`;

const shownEntry = shown(
  AuditEntryEntity,
  'id',
  'at',
  'action',
  'outcome',
  'actorId',
  'subjectKind',
  'subjectId',
  'address',
  'details',
  'count',
  'lastAt',
);
export type EntryRow = RowOf<typeof shownEntry>;

@Injectable()
export class AuditService {
  /** The entries that match `filter`. Throws BAD_USER_INPUT. */
  async list(
    reader: Reader,
    args: ForwardArgs,
    { actions, actorId, outcome, since, until }: Partial<AuditFilterInput> = {},
  ): Promise<Connection<EntryRow>> {
    const page = keyPage(args);
    const { size, from } = page;
    if (actions?.length === 0) return connectionOf<EntryRow>([], false, from !== undefined);
    const times: readonly Condition[] = [
      ...(since ? ([[`${AT} >= ?`, since]] as const) : []),
      ...(until ? ([[`${AT} < ?`, until]] as const) : []),
    ];
    const ids = [
      ...(from ? [['<', from] as const] : []),
      ...(since ? [['>=', idAt(since.getTime() - CLOCKS_DIFFER_MS)] as const] : []),
      ...(until ? [['<', idAt(until.getTime() + CLOCKS_DIFFER_MS)] as const] : []),
    ];
    const [sql, ...parameters] =
      actions || actorId || outcome
        ? filtered({ actions, actorId, outcome }, ids, times, size + 1)
        : newest(ids, times, size + 1);
    return connectionFrom(await reader.rows<EntryRow>(sql, parameters), page);
  }
}

type Ids = readonly (readonly [operator: string, id: string])[];

function newest(ids: Ids, times: readonly Condition[], limit: number): Condition {
  const where = [...ids.map(([operator, id]): Condition => [`entry.id ${operator} ?::uuid`, id]), ...times];
  const [sql, ...parameters] = allOf(where);
  return [
    firstOf(`select ${shownEntry.of('entry')} from audit_entry entry where ${sql} order by entry.id desc`),
    ...parameters,
    limit,
  ];
}

/**
 * The newest of each selected action and outcome, of which there are few, and of those the newest. `uuid_send` matches an index on
 * action, outcome and actor before the id, and no other index. (`= any` keeps the actor in the order.) Otherwise PostgreSQL may choose the
 * index of ids, when it overestimates matching entries, and read everything newer than them.
 */
function filtered(
  { actions, actorId, outcome }: Pick<Partial<AuditFilterInput>, 'actions' | 'actorId' | 'outcome'>,
  ids: Ids,
  times: readonly Condition[],
  limit: number,
): Condition {
  const [wantedActions, ...names]: Condition = actions
    ? ["select unnest(string_to_array(?, ','))", actions.join(',')]
    : [ACTIONS];
  const [wantedOutcomes, ...ends]: Condition = outcome ? ['select ?::text', outcome] : [OUTCOMES];
  const [where, ...values] = allOf([
    ...(actorId ? [['entry.actor_id = any(array[?::uuid])', actorId] as const] : []),
    ...ids.map(([operator, id]): Condition => [`uuid_send(entry.id) ${operator} uuid_send(?::uuid)`, id]),
    ...times,
  ]);
  const newestOfEach = `
    select entry.* from audit_entry entry
     where entry.action = wanted_action.action and entry.outcome = wanted_outcome.outcome and ${where}
     order by ${actorId ? 'entry.actor_id, ' : ''}uuid_send(entry.id) desc`;
  const sql = `
select ${shownEntry.of('entry')} from (${wantedActions}) as wanted_action (action), (${wantedOutcomes}) as wanted_outcome (outcome),
       lateral (${firstOf(newestOfEach)}) as entry
 order by entry.id desc limit ?`;
  return [sql, ...names, ...ends, ...values, limit, limit];
}

/** The smallest id of this time, in ms since 1970. */
function idAt(ms: number): string {
  const hex = Math.max(0, Math.min(ms, 2 ** 48 - 1))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
