// The log: append as a transaction's last statement, read from any position. PostgreSQL gives the positions
// (see the migration's trigger); the doorbell only tells others to look.
import { Inject, Injectable, Optional } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Counter } from 'prom-client';
import { SESSION_ENDED_STATE } from '../database/migrations/20261128000004-ended-sessions.js';
import { commitWith, inTransaction, sqlState } from '../database/unit-of-work.js';
import { CursorExpiredError, UnauthenticatedError } from '../errors/service-error.js';
import { Metrics } from '../operations/metrics.js';
import { PUB_SUB, type PubSub } from '../pubsub/doorbell.port.js';
import { decodeCursor } from './cursor.js';
import { EVENT_CONSEQUENCES, type EventConsequences, type NextPlace } from './event-consequences.port.js';
import { HeadTurn } from './head-turn.js';
import type { EventDraft, LogEvent } from './log-event.js';
import { LogFollower } from './log-follower.js';
import { LogReader, type EventRow, toLogEvent } from './log-reader.js';

/** A transaction that can say what others must learn of. */
export interface LoggedTransaction {
  readonly em: EntityManager;
  /** Queues an event for the end of this transaction; events keep the order in which they were recorded. */
  readonly record: (event: EventDraft) => void;
}

/** Events that one ring carries at most. */
const MAX_CARRIED = 20;

/** ms for which PostgreSQL lets a transaction hold the head and hears nothing of it: others wait no longer for an instance that stalls. */
export const HEAD_HELD_MS = 2_000;
/** For this transaction alone, so that a connection that others use afterwards stays as it was. */
const HEAD_IS_BOUNDED = `set_config('idle_in_transaction_session_timeout', '${HEAD_HELD_MS}', true)`;

const APPEND = `
with bounded as materialized (select ${HEAD_IS_BOUNDED})
insert into event (resource_kind, resource_id, kind, actor_id, session_id, facts)
select draft ->> 'resourceKind', (draft ->> 'resourceId')::uuid, draft ->> 'kind', (draft ->> 'actorId')::uuid,
       (draft ->> 'sessionId')::uuid, draft -> 'facts'
  from bounded, jsonb_array_elements($1::jsonb) with ordinality as list(draft, place) order by place
returning pos::float8 as pos, seq::float8 as seq, resource_kind, resource_id, kind, actor_id, session_id, facts,
          (extract(epoch from at) * 1000)::float8 as at, encode(nonce, 'hex') as nonce`;

const NEXT_PLACE = `
select (pos + 1)::float8 as pos, floor(extract(epoch from clock_timestamp()) * 1000)::float8 as at, ${HEAD_IS_BOUNDED}
  from log_head where partition = 0 for update`;

/** SQLSTATE of a transaction that PostgreSQL has ended because it was idle for too long. */
const IDLE_TIMEOUT_STATE = '25P03';

class HeadLostError extends Error {
  readonly code = IDLE_TIMEOUT_STATE;

  constructor() {
    super(`This instance stalled for more than ${HEAD_HELD_MS} ms while it held the head of the log`);
  }
}

@Injectable()
export class EventLog {
  private readonly headTurn = new HeadTurn(2 * HEAD_HELD_MS);
  private readonly headsLost: Counter;

  constructor(
    private readonly orm: MikroORM,
    private readonly reader: LogReader,
    private readonly follower: LogFollower,
    @Inject(PUB_SUB) private readonly doorbell: PubSub,
    @Inject(EVENT_CONSEQUENCES) private readonly consequences: EventConsequences,
    @Optional() metrics?: Metrics,
  ) {
    this.headsLost = new Counter({
      name: 'tidings_log_head_lost_total',
      help: 'Transactions of this instance that PostgreSQL ended because it stalled while they held the head of the log.',
      registers: metrics ? [metrics.registry] : [],
    });
  }

  /**
   * Runs `work` in one transaction and appends what it recorded as the last statement. When this returns, the commit is
   * durable, the bell has been rung, and this node has applied the events: a caller reads its own writes.
   */
  async transaction<T>(work: (transaction: LoggedTransaction) => Promise<T>): Promise<T> {
    let events: LogEvent[] = [];
    const result = await inTransaction(this.orm, async (em) => {
      const drafts: EventDraft[] = [];
      const value = await work({ em, record: (event) => drafts.push(event) });
      // All that can be waited for comes before the head.
      await em.flush();
      events = await this.headTurn.use(async (take) => {
        let holdsHead = false;
        const takeHead = async () => {
          await take();
          holdsHead = true;
        };
        try {
          return await this.append(em, [...drafts, ...(await this.following(em, drafts, takeHead))]);
        } catch (error) {
          if (holdsHead && sqlState(error) === IDLE_TIMEOUT_STATE) this.headsLost.inc();
          throw error;
        }
      });
      return value;
    });
    await this.ring(events);
    return result;
  }

  /**
   * Appends `drafts` in order and commits the transaction of `em`, which `inTransaction` began: no time passes in which this
   * process holds the head. Without a draft it does neither. Throws {@link UnauthenticatedError} if the session of one has ended, whatever
   * this instance knows of it.
   */
  async append(em: EntityManager, drafts: readonly EventDraft[]): Promise<LogEvent[]> {
    if (drafts.length === 0) return [];
    const list = drafts.map(({ resource, facts = {}, ...draft }) => ({
      ...draft,
      facts,
      resourceKind: resource.kind,
      resourceId: resource.id,
    }));
    try {
      const rows = await commitWith<EventRow>(em, APPEND, [JSON.stringify(list)]);
      return rows.map(toLogEvent);
    } catch (error) {
      if (sqlState(error) === SESSION_ENDED_STATE) throw new UnauthenticatedError();
      throw error;
    }
  }

  /** The position to go on from; throws {@link CursorExpiredError} for a pruned, foreign, future or unknown one. */
  async resolveCursor(cursor: string): Promise<number> {
    const position = decodeCursor(cursor);
    // Most of those who resume were away for a moment: what this instance has just applied needs no statement.
    if (!this.follower.holds(position) && !(await this.reader.holds(position))) throw new CursorExpiredError();
    return position.pos;
  }

  /**
   * What follows from `drafts`, stored. Throws {@link HeadLostError} if this process held the head and stalled for so long that
   * PostgreSQL has ended the transaction: nothing is committed, and the connection need not say why it is lost.
   */
  private async following(
    em: EntityManager,
    drafts: readonly EventDraft[],
    take: () => Promise<void>,
  ): Promise<readonly EventDraft[]> {
    let heldSince = Number.POSITIVE_INFINITY;
    const isLost = () => performance.now() - heldSince > HEAD_HELD_MS;
    try {
      const following = await this.consequences.follow(em, drafts, async () => {
        await take();
        const place = await nextPlace(em);
        heldSince = performance.now();
        return place;
      });
      if (following.length > 0) await em.flush();
      if (!isLost()) return following;
    } catch (error) {
      if (!isLost()) throw error;
    }
    throw new HeadLostError();
  }

  private async ring(events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    // A large batch is left to be read: the bell itself must stay light.
    const carried = events.length <= MAX_CARRIED ? { events } : {};
    this.doorbell.publish('log', { log: this.follower.identity, pos: String(last.pos), ...carried });
    await this.follower.reached(last.pos);
  }
}

/** Locks the head until the transaction ends: what it returns stays true. */
async function nextPlace(em: EntityManager): Promise<NextPlace> {
  const [place] = await em.execute<NextPlace[]>(NEXT_PLACE);
  return place!;
}
