// The watchers of each resource on all instances: an instance announces its watchers in the instance registry and reads the others' on
// wake-ups, and every second. Does not know the watched resources, or who may see the watchers.
import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE, changesAccount } from '../../access/rights.js';
import { type Reader, Reads } from '../../database/reads.js';
import { withTimeout } from '../../database/with-timeout.js';
import type { LogEvent } from '../../events/log-event.js';
import { LogFollower } from '../../events/log-follower.js';
import { HEARTBEAT_MS, InstanceRegistry } from '../../instances/instance-registry.js';
import { PUB_SUB, type PubSub } from '../../pubsub/pubsub.port.js';
import { retryWhileUnavailable } from '../flow-control/retries.js';
import { LiveQueue } from '../fan-out/live-queue.js';
import { PresenceRoom, type PresenceState, type PresenceListener } from './presence-room.js';

/** Topic of the registry under which an instance holds the watchers of a resource. */
const TOPIC = 'watchers';
/** ms between two reads of other instances' watchers. With the registry's timeout, watchers of a dead instance disappear within 15 s. */
const READ_EVERY_MS = 1_000;
/** ms that a read may take. */
const READ_TIMEOUT_MS = 5_000;
/** ms in which reads are gathered. */
const BATCH_MS = 10;
/** ms after an outage of PostgreSQL in which no watcher is removed: the other instances renew their entries first. */
const UNCERTAIN_MS = HEARTBEAT_MS + 2 * READ_EVERY_MS;

export interface PresenceRequest extends Omit<PresenceListener, 'announced'> {
  readonly resourceId: string;
}

@Injectable()
export class PresenceTracker implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(PresenceTracker.name);
  private readonly rooms = new Map<string, PresenceRoom>();
  private readonly unsubscribe: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** The rooms of the next read; that read, and the one before it. */
  private readonly wanted = new Set<PresenceRoom>();
  private next: Promise<void> | undefined;
  private previous: Promise<void> = Promise.resolve();
  private uncertainUntil = 0;

  constructor(
    private readonly orm: MikroORM,
    private readonly registry: InstanceRegistry,
    private readonly follower: LogFollower,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
  ) {}

  onModuleInit(): void {
    this.unsubscribe.push(
      this.registry.onAnnounced((topic, keys) => {
        if (topic === TOPIC) this.pubSub.publish('presence', { resourceIds: [...keys] });
      }),
      this.pubSub.subscribe('presence', ({ resourceIds }) => this.refresh(resourceIds)),
      this.follower.on('delivery', (event) => this.judge(event)),
    );
    this.timer = setInterval(() => this.refresh(this.rooms.keys()), READ_EVERY_MS);
  }

  onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    for (const room of this.rooms.values()) room.close();
    this.rooms.clear();
    return this.previous;
  }

  /** The account watches the resource until the returned function is called. */
  watch(resourceId: string, accountId: string): () => void {
    const room = this.room(resourceId);
    const leave = room.join(accountId, () => this.registry.open(TOPIC, resourceId, { accountId }));
    return () => {
      leave();
      this.forgetIfEmpty(room);
    };
  }

  /** Who is watching, now and whenever that changes, the subscriber included. Only the newest state waits for a slow reader. */
  async subscribe({ resourceId, accountId, judge }: PresenceRequest): Promise<LiveQueue<PresenceState>> {
    const stopWatching = this.watch(resourceId, accountId);
    const room = this.room(resourceId);
    let before: PresenceState['before'];
    const queue = new LiveQueue<PresenceState>({
      capacity: 1,
      overflow: 'drop-oldest',
      onTake: (state) => {
        const next = state.since(before);
        before = state.watchers;
        return next;
      },
      ended: () => {
        room.subscribers.delete(queue);
        stopWatching();
      },
    });
    // Added before anything is read, so that a loss of the right meanwhile ends it.
    room.subscribers.set(queue, { accountId, judge });
    try {
      if (!room.wasReadWithin(READ_EVERY_MS)) {
        await retryWhileUnavailable(
          () => this.readSoon([room]),
          () => !queue.open,
        );
      }
    } catch (error) {
      await queue.return();
      throw error;
    }
    room.sendFirstState(queue);
    return queue;
  }

  /** Accounts that watch each of the resources on any instance, in the order of their arrival. One statement; it adds no watcher. */
  async watchersOf(reader: Reader, resourceIds: readonly string[]): Promise<readonly (readonly string[])[]> {
    const entries = await this.registry.entriesOf(reader, TOPIC, resourceIds);
    return entries.map((those) => [...new Set(those.map(({ facts }) => String(facts['accountId'])))]);
  }

  private judge(event: LogEvent): void {
    if (event.resource.kind !== ACCOUNT_RESOURCE) this.rooms.get(event.resource.id)?.judge(event);
    else if (changesAccount(event)) for (const room of this.rooms.values()) room.judge(event);
  }

  /** Reads the watchers on other instances of those `resourceIds` that have a listener here. */
  private refresh(resourceIds: Iterable<string>): void {
    const rooms = [...resourceIds]
      .flatMap((id) => this.rooms.get(id) ?? [])
      .filter(({ subscribers }) => subscribers.size > 0);
    if (rooms.length === 0) return;
    this.readSoon(rooms).catch((error: unknown) => {
      this.uncertainUntil = Number.POSITIVE_INFINITY;
      this.logger.debug(`Watchers of other instances cannot be read: ${String(error)}`);
    });
  }

  /** Reads `rooms`, and all that are asked for within the next few ms, in one statement; one such read after the other. */
  private readSoon(rooms: readonly PresenceRoom[]): Promise<void> {
    for (const room of rooms) this.wanted.add(room);
    if (this.next) return this.next;
    const batch = this.previous
      .then(() => pause(BATCH_MS))
      .then(() => {
        const all = [...this.wanted];
        this.wanted.clear();
        this.next = undefined;
        return this.read(all);
      });
    this.previous = batch.catch(() => undefined);
    return (this.next = batch);
  }

  private async read(rooms: readonly PresenceRoom[]): Promise<void> {
    const ids = rooms.map(({ resourceId }) => resourceId);
    const found = await withTimeout(READ_TIMEOUT_MS, () =>
      this.registry.entriesElsewhere(new Reads(this.orm), TOPIC, ids),
    );
    if (this.uncertainUntil === Number.POSITIVE_INFINITY) this.uncertainUntil = performance.now() + UNCERTAIN_MS;
    const doubtful = performance.now() < this.uncertainUntil;
    for (const [at, room] of rooms.entries()) {
      const since = new Map(found[at]!.map((entry) => [String(entry.facts['accountId']), entry.since.getTime()]));
      room.setElsewhere(since, doubtful);
    }
  }

  private room(resourceId: string): PresenceRoom {
    let room = this.rooms.get(resourceId);
    if (!room)
      this.rooms.set(
        resourceId,
        (room = new PresenceRoom(resourceId, this.orm, (time) => this.registry.toSharedTime(time))),
      );
    return room;
  }

  private forgetIfEmpty(room: PresenceRoom): void {
    if (!room.isEmpty || this.rooms.get(room.resourceId) !== room) return;
    room.close();
    this.rooms.delete(room.resourceId);
  }
}
