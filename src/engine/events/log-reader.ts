// Reads of the log, always on the primary. Knows SQL and nothing of who listens.
import { Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { answered } from '../database/answered.js';
import { FOLLOWING } from '../database/orm-options.js';
import { CursorExpiredError } from '../errors/service-error.js';
import type { Position } from './cursor.js';
import type { LogEvent } from './log-event.js';

/** A row of `event` in the types of the wire: numbers as numbers, time as ms, nonce as hex. */
export interface EventRow {
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

export function toLogEvent(row: EventRow): LogEvent {
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

/** Which events of the log a reader wants: those of one resource. */
export interface EventFilter {
  readonly resourceKind: string;
  readonly resourceId: string;
}

/** Events behind one place and before another. */
export interface LogRange {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly backwards: boolean;
}

/** The log that answers is not the one that was followed: a backup was restored, or a standby that lacked the newest promoted. */
export class LogBrokenError extends Error {
  constructor({ pos }: Position) {
    super(`This log does not hold position ${pos} any more, as it was followed. If it stays so, restart this node.`);
  }
}

/** Whether the log holds a position, given as pos, nonce, pos, nonce. The head knows its own nonce when its event has been pruned. */
const HOLDS = `(
  exists (select 1 from event as known where known.partition = 0 and known.pos = ? and known.nonce = decode(?, 'hex'))
  or exists (select 1 from log_head where partition = 0 and pos = ? and nonce = decode(?, 'hex')))`;

/** ms that PostgreSQL may take for a page of those who are behind; and those that it is waited for, should it not answer at all. */
const PAGE_TIMEOUT_MS = 5_000;
const SILENCE_MS = 1_000;

@Injectable()
export class LogReader {
  private readonly pageTimeout = PAGE_TIMEOUT_MS;

  constructor(private readonly orm: MikroORM) {}

  /** The newest position, with its nonce. Position 0 is the birth of the log. */
  async head(em: EntityManager = this.orm.em.fork()): Promise<Position> {
    const sql = `select pos::float8 as pos, encode(nonce, 'hex') as nonce from log_head where partition = 0`;
    const [head] = await em.execute<Position[]>(sql);
    if (!head) throw new Error('log_head is empty: the migrations have not been applied');
    return head;
  }

  /** What tells this log from any other: the nonce of its birth. */
  async identity(): Promise<string> {
    const sql = `select encode(genesis, 'hex') as genesis from log_head where partition = 0`;
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

  /** Up to `limit` events of a resource between two places, in order: those next to `after`, or `backwards` those next to `before`. */
  async between(
    { after = 0, before = Number.MAX_SAFE_INTEGER, backwards }: LogRange,
    limit: number,
    { resourceKind, resourceId }: EventFilter,
    em: EntityManager,
  ): Promise<LogEvent[]> {
    const sql = `select ${COLUMNS} from event where resource_kind = ? and resource_id = ? and event.pos > ? and event.pos < ?
      order by event.pos ${backwards ? 'desc' : 'asc'} limit ?`;
    const rows = await em.execute<EventRow[]>(sql, [resourceKind, resourceId, after, before, limit]);
    const events = rows.map(toLogEvent);
    return backwards ? events.toReversed() : events;
  }

  /**
   * The same of the log that holds `known`, and in bounded time: a statement that takes longer is cancelled, and the database counts as
   * away. Throws {@link CursorExpiredError} if there may have been others, which have been pruned, and {@link LogBrokenError} if
   * another log answers, or one that has pruned `known`.
   */
  afterWithoutHole(pos: number, limit: number, known: Position, filter?: EventFilter): Promise<LogEvent[]> {
    return answered(2 * this.pageTimeout + SILENCE_MS, () =>
      this.orm.em.fork().transactional(async (em) => {
        await em.execute(`set local statement_timeout = ${this.pageTimeout}`);
        const position = [known.pos, known.nonce, known.pos, known.nonce];
        const [from, parameters] = rangeOf(pos, limit, filter);
        const sql = `select ${COLUMNS}, ${HOLDS} as holds ${from}`;
        const rows = await em.execute<(EventRow & { holds: boolean })[]>(sql, [...position, ...parameters]);
        if (rows[0]?.holds === false) throw new LogBrokenError(known);
        const events = rows.map(toLogEvent);
        // What is pruned is the beginning of the log: nothing is missing while the very next event is there.
        if (events[0]?.pos === pos + 1) return events;
        const look = `select exists (select 1 from event where partition = 0 and pos = ?) as next, ${HOLDS} as holds`;
        const [log] = await em.execute<{ next: boolean; holds: boolean }[]>(look, [pos + 1, ...position]);
        if (!log?.holds) throw new LogBrokenError(known);
        if (!log.next) throw new CursorExpiredError();
        return events;
      }),
    );
  }

  /** Up to `limit` events right after `position`, without a gap. Throws {@link LogBrokenError} if there is no going on from it. */
  async following(position: Position, limit: number): Promise<LogEvent[]> {
    const sql = `select ${COLUMNS} from event where partition = 0 and event.pos >= ? order by event.pos limit ?`;
    // The event at `position` is read once more: it tells whether this is still the same history.
    const rows = await this.orm.em.fork().execute<EventRow[]>(sql, [position.pos, limit + 1], FOLLOWING);
    const known = rows[0]?.pos === position.pos ? rows.shift() : undefined;
    const held = known ? known.nonce === position.nonce : await this.holds(position, FOLLOWING);
    const events = rows.slice(0, limit).map(toLogEvent);
    if (!held || events.some((event, index) => event.pos !== position.pos + 1 + index))
      throw new LogBrokenError(position);
    return events;
  }

  /**
   * Whether this very history holds `position`, and everything after it is still there. The head knows its own nonce, so
   * that the newest position is held even when its event has been pruned.
   */
  async holds({ pos, nonce }: Position, read: Partial<typeof FOLLOWING> = {}): Promise<boolean> {
    const em = this.orm.em.fork();
    const sql = `
      select 1 from event where partition = 0 and pos = ? and nonce = decode(?, 'hex')
      union all
      select 1 from log_head where partition = 0 and pos = ? and nonce = decode(?, 'hex')
      union all
      select 1 from log_head where partition = 0 and genesis = decode(?, 'hex') and ? = 0
        and exists (select 1 from event where partition = 0 and event.pos = 1)`;
    return (await em.execute<unknown[]>(sql, [pos, nonce, pos, nonce, nonce, pos], read)).length > 0;
  }
}

/** From which rows up to `limit` events after `pos` are selected, and the parameters of that. */
function rangeOf(pos: number, limit: number, filter?: EventFilter): [sql: string, parameters: unknown[]] {
  // By column, `event.pos`: the bare name would be that of the output, which no index is in the order of. Each form names the
  // columns of one index alone: with `partition` in it, all other resources' events could be read for those of one.
  const where = filter ? 'resource_kind = ? and resource_id = ?' : 'partition = 0';
  const parameters = filter ? [filter.resourceKind, filter.resourceId] : [];
  return [`from event where ${where} and event.pos > ? order by event.pos limit ?`, [...parameters, pos, limit]];
}
