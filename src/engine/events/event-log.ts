// The log: append as a transaction's last statement, read from any position. A trigger (see the migration) assigns the
// positions; pub/sub only wakes other instances up.
import { Inject, Injectable, Optional } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Counter } from 'prom-client';
import { SESSION_ENDED_STATE } from '../database/migrations/20261128000004-ended-sessions.js';
import { commitWith, inTransaction, sqlState } from '../database/unit-of-work.js';
import { CursorExpiredError, UnauthenticatedError } from '../errors/service-error.js';
import { Metrics } from '../monitoring/metrics.js';
import { PUB_SUB, type PubSub } from '../pubsub/pubsub.port.js';
import { decodeCursor } from './cursor.js';
import { EVENT_CONSEQUENCES, type EventConsequences, type NextPlace } from './event-consequences.port.js';
import { AppendQueue } from './append-queue.js';
import type { EventDraft, LogEvent } from './log-event.js';
import { LogFollower } from './log-follower.js';
import { LogReader, type EventRow, toLogEvent } from './log-reader.js';

/** A transaction that can record events. */
export interface LoggedTransaction {
  readonly em: EntityManager;
  /** Queues an event for the end of this transaction, in order. */
  readonly record: (event: EventDraft) => void;
}

/** Upper limit of events in one wake-up. */
const MAX_CARRIED = 20;

/** ms for which PostgreSQL keeps a silent transaction that holds the head: bounds the effect of a stalled instance on others. */
export const HEAD_HELD_MS = 2_000;
/** For this transaction only: the connection's setting stays for others. */
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
  from log_head for update`;

/** SQLSTATE of a transaction that PostgreSQL ended because it was idle for too long. */
const IDLE_TIMEOUT_STATE = '25P03';

class HeadLostError extends Error {
  readonly code = IDLE_TIMEOUT_STATE;

  constructor() {
    super(`This instance stalled for more than ${HEAD_HELD_MS} ms while it held the head of the log`);
  }
}

@Injectable()
export class EventLog {
  private readonly appendQueue = new AppendQueue(2 * HEAD_HELD_MS);
  private readonly headsLost: Counter | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly reader: LogReader,
    private readonly follower: LogFollower,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
    @Inject(EVENT_CONSEQUENCES) private readonly consequences: EventConsequences,
    @Optional() metrics?: Metrics,
  ) {
    this.headsLost = metrics?.counter(
      'log_head_lost_total',
      'Transactions of this instance that PostgreSQL ended because it stalled while they held the head of the log.',
    );
  }

  /**
   * Runs `work` in one transaction and appends its events as the last statement. When this returns, the commit is
   * durable, other instances have been woken up, and this instance has applied the events: a caller reads its own writes.
   */
  async transaction<T>(work: (transaction: LoggedTransaction) => Promise<T>): Promise<T> {
    let events: LogEvent[] = [];
    const result = await inTransaction(this.orm, async (em) => {
      const drafts: EventDraft[] = [];
      const value = await work({ em, record: (event) => drafts.push(event) });
      // Everything that may wait comes before the head is locked.
      await em.flush();
      events = await this.appendQueue.run(async (take) => {
        let holdsHead = false;
        const takeHead = async () => {
          await take();
          holdsHead = true;
        };
        try {
          return await this.append(em, [...drafts, ...(await this.following(em, drafts, takeHead))]);
        } catch (error) {
          if (holdsHead && sqlState(error) === IDLE_TIMEOUT_STATE) this.headsLost?.inc();
          throw error;
        }
      });
      return value;
    });
    await this.wakeUp(events);
    return result;
  }

  /**
   * Appends `drafts` in order and commits the transaction of `em`, begun by `inTransaction`, in one flush, so this process never
   * holds the head while idle. Does neither without drafts. Throws {@link UnauthenticatedError} if the session of a draft has ended, as
   * PostgreSQL knows it.
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

  /** The position to resume from; throws {@link CursorExpiredError} for a pruned, foreign, future or unknown one. */
  async resolveCursor(cursor: string): Promise<number> {
    const position = decodeCursor(cursor);
    // Most clients resume after a moment: recently applied events need no statement.
    if (!this.follower.holds(position) && !(await this.reader.holds(position))) throw new CursorExpiredError();
    return position.pos;
  }

  /**
   * Stores and returns the consequences of `drafts`. Throws {@link HeadLostError} if this process held the head and stalled until
   * PostgreSQL ended the transaction: nothing is committed, even if the connection reports no reason.
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

  private async wakeUp(events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    // Large batches are read from the log: a wake-up must stay small.
    const carried = events.length <= MAX_CARRIED ? { events } : {};
    this.pubSub.publish('log', { log: this.follower.identity, pos: String(last.pos), ...carried });
    await this.follower.reached(last.pos);
  }
}

/** Locks the head until the transaction ends, so the returned position stays the last one. */
async function nextPlace(em: EntityManager): Promise<NextPlace> {
  const [place] = await em.execute<NextPlace[]>(NEXT_PLACE);
  return place!;
}
