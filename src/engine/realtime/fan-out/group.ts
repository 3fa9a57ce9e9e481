// Owns the subscribers with equal operations on the same resource: some at the head of the log, some catching up, and moves
// them between the two without a gap or a repetition. Does not know how events are executed or written, or other groups.
import type { CachedReads } from '../../access/cached-reads.js';
import type { LogEvent } from '../../events/log-event.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { Audience } from './audience.js';
import type { DeliveryBatch } from './delivery-batch.js';
import { GroupAccounts } from './group-accounts.js';
import type { GroupServices } from './group-services.js';
import type { Subscriber } from './subscriber.js';
import { Replay } from './replay.js';

/** Batches that may wait for a slow group, or for the database; later events are read from the log. */
const MAX_WAITING = 256;

export class Group {
  /** Subscribers at the head: every event that is applied from now on is offered to them. */
  readonly live = new Set<Subscriber>();
  readonly replay: Replay;
  private readonly audience: Audience;
  private readonly accounts = new GroupAccounts();
  private waiting: DeliveryBatch[] = [];
  private busy = false;
  /** Position of the first event that is being delivered. */
  private deliveringFrom: number | undefined;
  /** Set when too much waits: events that were not queued are read from the log. */
  private overflowed = false;
  private lastQueued = 0;

  constructor(
    readonly key: string,
    readonly plan: SharingPlan,
    readonly resource: Subscriber['request']['resource'],
    private readonly services: GroupServices,
  ) {
    this.replay = new Replay(this, services);
    this.audience = new Audience(plan, this.live, services.delivery);
  }

  get size(): number {
    return this.live.size + this.replay.size;
  }

  /** Whether batches wait, and none are being delivered. */
  get due(): boolean {
    return !this.busy && this.waiting.length > 0;
  }

  /** The accounts that its executions are charged to. */
  payers(): readonly string[] {
    return this.accounts.payers();
  }

  /** Position up to which everything has been written to the subscriber, or skipped. */
  writtenUpTo(subscriber: Subscriber): number {
    if (!this.live.has(subscriber)) return subscriber.pos;
    const pending = this.deliveringFrom ?? this.waiting[0]?.event.pos;
    return Math.max(subscriber.pos, pending === undefined ? this.services.follower.applied : pending - 1);
  }

  /** A subscriber of this group from now on, wherever in the log it is. */
  add(subscriber: Subscriber): void {
    this.accounts.add(subscriber.request.viewer.accountId);
    if (!this.joinLive(subscriber)) this.catchUp(subscriber);
  }

  remove(subscriber: Subscriber): void {
    this.accounts.remove(subscriber.request.viewer.accountId);
    this.removeLive(subscriber);
    this.replay.remove(subscriber);
  }

  /** Offers the event that has just been applied to the subscribers at the head. */
  offer(event: LogEvent): void {
    if (this.live.size === 0 || this.overflowed) return;
    let batches: DeliveryBatch[];
    try {
      batches = this.audience.batchesOf(event);
    } catch (error) {
      return this.fail(error);
    }
    if (batches.length === 0) return;
    if (this.waiting.length >= MAX_WAITING) {
      this.overflowed = true;
      return;
    }
    this.waiting.push(...batches);
    this.lastQueued = event.pos;
  }

  /** Takes the subscriber to the head if it has caught up: there is no event for it in between. */
  joinLive(subscriber: Subscriber): boolean {
    const { follower } = this.services;
    if (subscriber.closed) return true;
    const missed = follower.recentAfter(subscriber.pos);
    if (!missed?.every((event) => subscriber.skips(event))) return false;
    subscriber.pos = Math.max(subscriber.pos, follower.applied);
    this.live.add(subscriber);
    subscriber.wasLive = true;
    this.audience.changed();
    return true;
  }

  /** Delivers the batches that wait, up to `upTo`: `reads` contains nothing older than that. Never rejects. */
  async deliver(upTo: number, reads: CachedReads): Promise<void> {
    if (this.busy) return;
    const later = this.waiting.findIndex(({ event }) => event.pos > upTo);
    const batches = this.waiting.splice(0, later < 0 ? this.waiting.length : later);
    const [first] = batches;
    if (!first) return;
    const { delivery, flow, separate } = this.services;
    const payers = this.payers();
    const lane = flow.live;
    // The budget of its accounts is exhausted: it continues in the replay lane.
    if (lane.isExhausted(payers)) {
      this.waiting = [];
      this.overflowed = false;
      return this.moveAllToReplay(first.event.pos - 1);
    }
    this.busy = true;
    this.deliveringFrom = first.event.pos;
    const includes = (subscriber: Subscriber) => this.live.has(subscriber);
    const options = { plan: this.plan, reads, lane, payers, live: true, includes };
    try {
      const delivered = await delivery.deliver(batches, options, (...stop) => this.moveToReplay(...stop));
      if (!delivered) {
        this.moveAllToReplay(first.event.pos - 1);
        separate(this.replay.takeAll());
      }
    } catch (error) {
      this.fail(error);
    }
    this.busy = false;
    this.deliveringFrom = undefined;
    if (this.overflowed && this.waiting.length === 0) {
      this.overflowed = false;
      this.moveAllToReplay(this.lastQueued);
    }
  }

  /** Ends the subscribers at the head. */
  private fail(error: unknown): void {
    for (const subscriber of this.live) subscriber.fail(error instanceof Error ? error : new Error(String(error)));
  }

  private moveAllToReplay(pos: number): void {
    for (const subscriber of this.live) this.moveToReplay(subscriber, pos, false);
  }

  /** From now on the subscriber catches up from the log. */
  private moveToReplay(subscriber: Subscriber, pos: number, lags: boolean): void {
    if (subscriber.closed || !this.removeLive(subscriber)) return;
    subscriber.pos = Math.max(subscriber.pos, pos);
    subscriber.lagged ||= lags;
    this.catchUp(subscriber);
  }

  /** Whether the subscriber was at the head. */
  private removeLive(subscriber: Subscriber): boolean {
    this.audience.changed();
    return this.live.delete(subscriber);
  }

  private catchUp(subscriber: Subscriber): void {
    this.services.delivery.catchUps += 1;
    this.replay.add(subscriber);
  }
}
