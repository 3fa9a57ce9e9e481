// Reads the log, always on the primary. Contains the SQL, knows no listeners.
import { Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { type Reader, Reads } from '../database/reads.js';
import { withTimeout } from '../database/with-timeout.js';
import { FOLLOWING } from '../database/orm-options.js';
import { CursorExpiredError } from '../errors/service-error.js';
import type { Position } from './cursor.js';
import { ALL_OF_KIND, type LogEvent } from './log-event.js';

/** A row of `event` in wire types: numbers as numbers, time as ms, nonce as hex. */
interface EventRow {
  readonly pos: number;
  readonly seq: number;
  readonly resource_kind: string;
  readonly resource_id: string;
  readonly kind: string;
  readonly actor_id: string;
  readonly session_id: string | null;
  readonly facts: Record<string, unknown> | string;
  readonly at: number;
  readonly nonce: string;
}

const COLUMNS = `pos::float8 as pos, seq::float8 as seq, resource_kind, resource_id, kind, actor_id, session_id, facts,
  (extract(epoch from at) * 1000)::float8 as at, encode(nonce, 'hex') as nonce`;

function toLogEvent(row: EventRow): LogEvent {
  return {
    pos: row.pos,
    seq: row.seq,
    resource: { kind: row.resource_kind, id: row.resource_id },
    kind: row.kind,
    actorId: row.actor_id,
    sessionId: row.session_id,
    facts: typeof row.facts === 'string' ? (JSON.parse(row.facts) as Record<string, unknown>) : row.facts,
    at: row.at,
    nonce: row.nonce,
  };
}

/** Filter by resource: events of one resource, and behind a position those of all of its kind. */
export interface EventFilter {
  readonly resourceKind: string;
  readonly resourceId: string;
}

/** One direction from a position: later events, or `backwards` earlier ones. */
export interface LogSide {
  readonly pos: number;
  readonly backwards: boolean;
}

/** Another log answers than the followed one: a backup was restored, or a lagging standby promoted. */
export class LogBrokenError extends Error {
  constructor({ pos }: Position) {
    super(`The log no longer contains the followed position ${pos}. Restart this instance if this persists.`);
  }
}

/** Whether the log holds a position, given as pos, nonce, pos, nonce. The head keeps its nonce when its event is pruned. */
const HOLDS = `(
  exists (select 1 from event as known where known.pos = ? and known.nonce = decode(?, 'hex'))
  or exists (select 1 from log_head where pos = ? and nonce = decode(?, 'hex')))`;

/** Time-outs in ms of a page for subscribers that are behind: in PostgreSQL, and on this side. */
const PAGE_TIMEOUT_MS = 5_000;
const SILENCE_MS = 1_000;

@Injectable()
export class LogReader {
  /** ms for a page. */
  pageTimeout = PAGE_TIMEOUT_MS;

  private readonly follower: Reads;

  constructor(private readonly orm: MikroORM) {
    this.follower = new Reads(orm, FOLLOWING);
  }

  /** The newest position, with its nonce. Position 0 is the start of the log. */
  async head(em: EntityManager = this.orm.em.fork()): Promise<Position> {
    const sql = `select pos::float8 as pos, encode(nonce, 'hex') as nonce from log_head`;
    const [head] = await em.execute<Position[]>(sql);
    if (!head) throw new Error('log_head is empty: the migrations have not been applied');
    return head;
  }

  /** Identity of this log: the nonce of its creation. */
  async identity(): Promise<string> {
    const sql = `select encode(genesis, 'hex') as genesis from log_head`;
    const [row] = await this.orm.em.fork().execute<{ genesis: string }[]>(sql);
    if (!row) throw new Error('log_head is empty: the migrations have not been applied');
    return row.genesis;
  }

  /** Up to `limit` events after `pos`, in order; with a filter only those. */
  async after(
    pos: number,
    limit: number,
    filter?: EventFilter,
    em: EntityManager = this.orm.em.fork(),
  ): Promise<LogEvent[]> {
    const [from, parameters] = rangeOf(pos, limit, filter);
    return (await em.execute<EventRow[]>(`select ${COLUMNS} ${from}`, parameters)).map(toLogEvent);
  }

  /** Up to `limit` events of a resource next to a position, in order, and whether there are any on the other side or at it. */
  async beside(
    { pos, backwards }: LogSide,
    limit: number,
    { resourceKind, resourceId }: EventFilter,
    reader: Reader,
  ): Promise<{ readonly events: LogEvent[]; readonly hasOther: boolean }> {
    const [own, other] = backwards ? [BEFORE, FROM] : [BEHIND, UP_TO];
    const sql = `select ${COLUMNS} from (${own} union all ${other}) as event order by event.pos`;
    const parameters = [limit, 1].flatMap((most) => ofResource(resourceKind, resourceId, pos, most));
    const all = (await reader.rows<EventRow>(sql, parameters)).map(toLogEvent);
    const events = all.filter((event) => (backwards ? event.pos < pos : event.pos > pos));
    return { events, hasOther: events.length < all.length };
  }

  /**
   * The same of the log that holds `known`, in bounded time: a slower statement is cancelled and reported as unavailability.
   * Throws {@link CursorExpiredError} if further ones may have been pruned, and {@link LogBrokenError} if
   * another log answers, or one that has pruned `known`.
   */
  afterWithoutHole(pos: number, limit: number, known: Position, filter?: EventFilter): Promise<LogEvent[]> {
    return withTimeout(2 * this.pageTimeout + SILENCE_MS, () =>
      this.orm.em.fork().transactional(async (em) => {
        await em.execute(`set local statement_timeout = ${this.pageTimeout}`);
        const position = [known.pos, known.nonce, known.pos, known.nonce];
        const [from, parameters] = rangeOf(pos, limit, filter);
        const sql = `select ${COLUMNS}, ${HOLDS} as holds ${from}`;
        const rows = await em.execute<(EventRow & { holds: boolean })[]>(sql, [...position, ...parameters]);
        if (rows[0]?.holds === false) throw new LogBrokenError(known);
        const events = rows.map(toLogEvent);
        // Pruning removes the beginning of the log: nothing is missing while the next event exists.
        if (events[0]?.pos === pos + 1) return events;
        const look = `select exists (select 1 from event where pos = ?) as next, ${HOLDS} as holds`;
        const [log] = await em.execute<{ next: boolean; holds: boolean }[]>(look, [pos + 1, ...position]);
        if (!log?.holds) throw new LogBrokenError(known);
        if (!log.next) throw new CursorExpiredError();
        return events;
      }),
    );
  }

  /** Up to `limit` events right after `position`, without a gap. Throws {@link LogBrokenError} if it cannot continue. */
  async following(position: Position, limit: number): Promise<LogEvent[]> {
    const sql = `
      select log.holds, next.* from (select ${CONTINUES} as holds) log
        left join lateral (select ${COLUMNS} from event where event.pos > ? order by event.pos limit ${limit}) next on true
       order by next.pos`;
    const rows = await this.follower.rows<Row>(sql, [...parametersOf(position), position.pos]);
    const events = rows.flatMap((row) => (row.pos === null ? [] : toLogEvent(row)));
    if (!rows[0]?.holds || events.some((event, index) => event.pos !== position.pos + 1 + index))
      throw new LogBrokenError(position);
    return events;
  }

  /** Whether this history contains `position` and all later events. */
  async holds(position: Position): Promise<boolean> {
    const [row] = await new Reads(this.orm).rows<{ holds: boolean }>(
      `select ${CONTINUES} as holds`,
      parametersOf(position),
    );
    return row!.holds;
  }
}

/**
 * Whether the log continues after a position. The head keeps its nonce, so the newest position is known even when its event is pruned; the
 * beginning is known while the first event exists.
 */
const CONTINUES = `(
  exists (select 1 from event where pos = ? and nonce = decode(?, 'hex'))
  or exists (select 1 from log_head where pos = ? and nonce = decode(?, 'hex'))
  or exists (select 1 from log_head where genesis = decode(?, 'hex') and ?::bigint = 0)
     and exists (select 1 from event where event.pos = 1))`;

const parametersOf = ({ pos, nonce }: Position) => [pos, nonce, pos, nonce, nonce, pos];

/** `pos` is null where nothing follows. */
type Row = (EventRow | { readonly pos: null }) & { readonly holds: boolean };

/**
 * Up to `limit` events of one resource on one side of a position: a range of `event_resource_idx`. Written with `=`, PostgreSQL might go
 * through the events of all resources in the order of `pos` instead, if this one had many before. For two resources in one condition it
 * would sort all events of both.
 */
const after = (start: '>' | '>=') => `(
  select * from event where (resource_kind, resource_id, pos) ${start} (?, ?, ?) and (resource_kind, resource_id) <= (?, ?)
   order by resource_kind, resource_id, pos limit ?)`;
const before = (start: '<' | '<=') => `(
  select * from event where (resource_kind, resource_id, pos) ${start} (?, ?, ?) and (resource_kind, resource_id) >= (?, ?)
   order by resource_kind desc, resource_id desc, pos desc limit ?)`;
const [BEHIND, FROM, BEFORE, UP_TO] = [after('>'), after('>='), before('<'), before('<=')];

/** The parameters of such a range. */
const ofResource = (kind: string, id: string, pos: number, limit: number) => [kind, id, pos, kind, id, limit];

/** The `from` clause for up to `limit` events after `pos`, with its parameters. */
function rangeOf(pos: number, limit: number, filter?: EventFilter): [sql: string, parameters: unknown[]] {
  // By column, `event.pos`: the bare name would be that of the output, which no index is in the order of.
  if (!filter) return ['from event where event.pos > ? order by event.pos limit ?', [pos, limit]];
  const parameters = [filter.resourceId, ALL_OF_KIND].flatMap((id) => ofResource(filter.resourceKind, id, pos, limit));
  return [`from (${BEHIND} union all ${BEHIND}) as event order by event.pos limit ?`, [...parameters, limit]];
}
