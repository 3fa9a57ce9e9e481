// An instance of the event log alone: connections, follower and pub/sub, without the Nest application.
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Role } from '../../src/engine/access/role.js';
import { AccountEntity } from '../../src/engine/accounts/account.entity.js';
import { engineContent } from '../../src/engine/engine-content.js';
import { SYSTEM_ACCOUNT_ID } from '../../src/engine/database/migrations/20261121000001-engine.js';
import { ormOptions } from '../../src/engine/database/orm-options.js';
import { inTransaction } from '../../src/engine/database/unit-of-work.js';
import type { Position } from '../../src/engine/events/cursor.js';
import { NO_CONSEQUENCES } from '../../src/engine/events/event-consequences.port.js';
import { EventLog } from '../../src/engine/events/event-log.js';
import type { EventDraft, LogEvent } from '../../src/engine/events/log-event.js';
import { LogFollower } from '../../src/engine/events/log-follower.js';
import { LogReader } from '../../src/engine/events/log-reader.js';
import type { LogWakeUp, PubSub } from '../../src/engine/pubsub/pubsub.port.js';
import { InProcessPubSub } from '../../src/engine/pubsub/in-process.pubsub.js';
import type { TestDatabase } from './database.js';
import { until } from './wait.js';

/** Counts reads of the log, and can delay their results. */
export class HeldReader extends LogReader {
  looks = 0;
  /** Called after each read, before the follower receives the result. */
  beforeAnswer: () => Promise<void> = () => Promise.resolve();

  override async following(position: Position, limit: number): Promise<LogEvent[]> {
    this.looks += 1;
    const events = await super.following(position, limit);
    await this.beforeAnswer();
    return events;
  }
}

/** Makes `em` insert an account at its next flush. */
export function createAccount(em: EntityManager, id: string): void {
  em.create(AccountEntity, { id, email: `${id}@example.com`, name: 'Ada', role: Role.USER, passwordHash: 'none' });
}

export interface LogInstanceOptions {
  readonly url: string;
  readonly pubSub?: PubSub;
  readonly poolSize?: number;
  /** Reads only on wake-ups and on request; no polling. */
  readonly withoutTimer?: boolean;
}

export class LogInstance {
  /** Events handed to delivery, in order. */
  readonly seen: LogEvent[] = [];
  readonly reader: HeldReader;
  readonly follower: LogFollower;
  readonly log: EventLog;

  private constructor(
    readonly orm: MikroORM,
    readonly pubSub: PubSub,
  ) {
    this.reader = new HeldReader(orm);
    this.follower = new LogFollower(this.reader, pubSub);
    this.log = new EventLog(orm, this.reader, this.follower, pubSub, NO_CONSEQUENCES);
    this.follower.on('delivery', (event) => this.seen.push(event));
  }

  static async start({ url, pubSub, poolSize = 10, withoutTimer = false }: LogInstanceOptions): Promise<LogInstance> {
    const orm = await MikroORM.init(ormOptions(url, engineContent, poolSize));
    const instance = new LogInstance(orm, pubSub ?? new InProcessPubSub({ log: { warn: () => {}, info: () => {} } }));
    await instance.follower.start();
    if (withoutTimer) clearInterval(instance.follower['timer']);
    return instance;
  }

  /** Commits events in transactions of at most 100, without waking up other instances. */
  async commitSilently(...drafts: EventDraft[]): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    // Each event updates the row of log_head: a transaction of thousands would spend its time on the versions of that
    // row.
    for (let done = 0; done < drafts.length; done += 100) {
      const some = drafts.slice(done, done + 100);
      events.push(...(await inTransaction(this.orm, (em) => this.log.append(em, some))));
    }
    return events;
  }

  wakeUp(message: Partial<LogWakeUp>): void {
    this.pubSub.publish('log', { log: this.follower.identity, pos: '0', ...message });
  }

  async saw(pos: number, ms = 60_000): Promise<void> {
    await until(() => this.follower.applied >= pos, `position ${pos} was applied`, ms);
  }

  get positions(): number[] {
    return this.seen.map((event) => event.pos);
  }

  async stop(): Promise<void> {
    await this.follower.onApplicationShutdown();
    await this.pubSub.close();
    await this.orm.close(true);
  }
}

/** Resets the database to an empty log with a new nonce. */
export async function emptyLog(database: TestDatabase): Promise<void> {
  await database.query('truncate event, log_counter');
  await database.query(
    `update log_head set pos = 0, nonce = birth.nonce, genesis = birth.nonce
       from (select substr(uuid_send(gen_random_uuid()), 1, 6) as nonce) as birth`,
  );
}

/** A draft of an event; the id of its resource ends with `resource`. */
export function draftEvent(kind = 'HAPPENED', resource = 1, facts: Record<string, unknown> = {}): EventDraft {
  const id = `00000000-0000-4000-8000-${String(resource).padStart(12, '0')}`;
  return { resource: { kind: 'thing', id }, kind, actorId: SYSTEM_ACCOUNT_ID, facts };
}

/** The integers from `first` to `last`, inclusive. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => first + index);
}

/** Calls `work` after `turns` microtasks. */
export async function afterMicrotasks(turns: number, work: () => unknown): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  work();
}
