// The log: append as a transaction's last statement, read from any position. The database (see the migrations) assigns the
// positions; pub/sub only wakes other instances up.
import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { SESSION_ENDED_STATE } from '../database/migrations/20261128000004-ended-sessions.js';
import { commitWith, execute, inTransaction, repeatedly, sqlState } from '../database/unit-of-work.js';
import { CursorExpiredError, UnauthenticatedError } from '../errors/service-error.js';
import { PUB_SUB, type PubSub } from '../pubsub/pubsub.port.js';
import { decodeCursor } from './cursor.js';
import { EVENT_CONSEQUENCES, type EventConsequences } from './event-consequences.port.js';
import type { EventDraft, LogEvent } from './log-event.js';
import { LogFollower } from './log-follower.js';
import { LogReader } from './log-reader.js';

/** A transaction that can record events. */
export interface LoggedTransaction {
  readonly em: EntityManager;
  /** Queues an event for the end of this transaction, in order. */
  readonly record: (event: EventDraft) => void;
}

/** A call of a database function `(drafts jsonb, …) returns setof json`, which writes, and appends by that of `EventConsequences`. */
export interface AppendingCall {
  readonly name: string;
  readonly drafts: readonly EventDraft[];
  /** Those after `drafts`. */
  readonly parameters: readonly unknown[];
}

/** Upper limit of events in one wake-up. */
const MAX_CARRIED = 20;

interface Appended {
  readonly event: LogEvent;
}

@Injectable()
export class EventLog {
  constructor(
    private readonly orm: MikroORM,
    private readonly reader: LogReader,
    private readonly follower: LogFollower,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
    @Inject(EVENT_CONSEQUENCES) private readonly consequences: EventConsequences,
  ) {}

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
      events = await this.append(em, [...drafts, ...(await this.consequences.follow(em, drafts))]);
      return value;
    });
    await this.wakeUp(events);
    return result;
  }

  /**
   * Runs a database function as a transaction of its own, in one statement, with the guarantees of {@link transaction}; returns the events
   * that it appended. `prepare` may run more than once.
   */
  async call(prepare: (em: EntityManager) => Promise<AppendingCall>): Promise<readonly LogEvent[]> {
    const events = await repeatedly(async () => {
      const em = this.orm.em.fork();
      const { name, drafts, parameters } = await prepare(em);
      const all = [...drafts, ...(await this.consequences.follow(em, drafts))];
      const values = [listOf(all), ...parameters];
      const places = values.map((_, index) => `$${index + 1}`);
      return appended(execute<Appended>(em, `select event from ${name}(${places.join(', ')}) as event`, values));
    });
    await this.wakeUp(events);
    return events;
  }

  /**
   * Appends `drafts` in order and commits the transaction of `em`, begun by `inTransaction`, in one flush, so this process never
   * holds the head while idle. Does neither without drafts. Throws {@link UnauthenticatedError} if the session of a draft has ended, as
   * PostgreSQL knows it.
   */
  async append(em: EntityManager, drafts: readonly EventDraft[]): Promise<LogEvent[]> {
    if (drafts.length === 0) return [];
    const sql = `select event from ${this.consequences.append}($1) as event`;
    return appended(commitWith<Appended>(em, sql, [listOf(drafts)]));
  }

  /** The position to resume from; throws {@link CursorExpiredError} for a pruned, foreign, future or unknown one. */
  async resolveCursor(cursor: string): Promise<number> {
    const position = decodeCursor(cursor);
    // Most clients resume after a moment: recently applied events need no statement.
    if (!this.follower.holds(position) && !(await this.reader.holds(position))) throw new CursorExpiredError();
    return position.pos;
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

/** `drafts` as the functions of the database read them. */
function listOf(drafts: readonly EventDraft[]): string {
  return JSON.stringify(
    drafts.map(({ resource, facts = {}, ...draft }) => ({
      ...draft,
      facts,
      resourceKind: resource.kind,
      resourceId: resource.id,
    })),
  );
}

async function appended(rows: Promise<Appended[]>): Promise<LogEvent[]> {
  try {
    return (await rows).map(({ event }) => event);
  } catch (error) {
    if (sqlState(error) === SESSION_ENDED_STATE) throw new UnauthenticatedError();
    throw error;
  }
}
