// Owns the subscribers of one group that are behind the head: they catch up page by page, a page being read and executed once for all that
// are within it, and return to the group when they have caught up. Does not know the live subscribers; caches nothing.
import { setImmediate as nextIteration } from 'node:timers/promises';
import { CursorExpiredError } from '../../errors/service-error.js';
import { eventOf, type LogEvent } from '../../events/log-event.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { Audience } from './audience.js';
import type { DeliveryBatch } from './delivery-batch.js';
import type { DeliveryOptions } from './delivery.js';
import type { GroupServices } from './group-services.js';
import type { PendingLatest, Subscriber, SubscriptionRequest } from './subscriber.js';

/** Events that are read and executed at a time. */
const PAGE = 100;
/** The same where they are only counted. */
const WIDE_PAGE = 500;

/** The group of the subscribers. */
export interface ReplayedGroup {
  readonly plan: SharingPlan;
  readonly resource: SubscriptionRequest['resource'];
  /** The accounts that executions are charged to. */
  payers(): readonly string[];
  /** Takes the subscriber to the head if it has caught up. */
  joinLive(subscriber: Subscriber): boolean;
}

interface Page {
  readonly events: readonly LogEvent[];
  /** There is nothing for the group up to here but `events`. */
  readonly end: number;
}

export class Replay {
  private readonly subscribers = new Set<Subscriber>();
  /** Subscribers whose sockets have not been drained. */
  private readonly lagging = new Set<Subscriber>();
  private running = false;

  constructor(
    private readonly group: ReplayedGroup,
    private readonly services: GroupServices,
  ) {}

  get size(): number {
    return this.subscribers.size + this.lagging.size;
  }

  add(subscriber: Subscriber): void {
    this.subscribers.add(subscriber);
    if (this.running) return;
    this.running = true;
    this.services.outside(() => void this.run());
  }

  remove(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber);
    this.lagging.delete(subscriber);
  }

  /** Removes and returns all of them. */
  takeAll(): Subscriber[] {
    const all = [...this.subscribers, ...this.lagging];
    this.subscribers.clear();
    this.lagging.clear();
    return all;
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        // More may be added in the same iteration of the event loop.
        await nextIteration();
        if (this.subscribers.size === 0) break;
        await this.services.flow.replayRound(this.group.payers(), () => this.round(this.ready()));
      }
    } catch (error) {
      for (const subscriber of this.subscribers)
        subscriber.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.running = false;
  }

  /** The subscribers that can take a page, the furthest behind first. */
  private ready(): readonly Subscriber[] {
    const ready = [...this.subscribers].filter((subscriber) => this.isReady(subscriber));
    return ready.toSorted((one, other) => one.pos - other.pos);
  }

  /** A page for every subscriber, the furthest behind first; subscribers within the same page share it. */
  private async round(subscribers: readonly Subscriber[]): Promise<void> {
    let rest = subscribers;
    for (;;) {
      const [first] = rest;
      if (!first) return;
      if (first.lagged && first.request.latestOnLag) {
        rest = rest.slice(1);
        await this.deliverLatest(first);
        continue;
      }
      const page = await this.pageFor(first, first.pos, PAGE);
      if (!page) {
        rest = rest.slice(1);
        continue;
      }
      const beyond = rest.findIndex((subscriber) => subscriber.pos >= page.end && subscriber.pos > first.pos);
      const within = beyond < 0 ? rest : rest.slice(0, beyond);
      rest = beyond < 0 ? [] : rest.slice(beyond);
      await this.deliverPage(
        page,
        within.filter((subscriber) => !(subscriber.lagged && subscriber.request.latestOnLag)),
      );
    }
  }

  private async deliverPage({ events, end }: Page, subscribers: readonly Subscriber[]): Promise<void> {
    const { delivery, flow, separate } = this.services;
    const lane = flow.replay;
    const batches: DeliveryBatch[] = [];
    const audience = new Audience(this.group.plan, subscribers, delivery);
    await delivery.ensureFresh();
    for (const event of events) {
      if (lane.sliceSpent) await lane.nextSlice();
      batches.push(...audience.batchesOf(event));
    }
    const stopped = new Set<Subscriber>();
    const options = {
      ...this.deliveryOptions(),
      includes: (subscriber: Subscriber) => this.subscribers.has(subscriber) && !stopped.has(subscriber),
    };
    const delivered = await delivery.deliver(batches, options, (subscriber, pos) => {
      stopped.add(subscriber);
      subscriber.pos = Math.max(subscriber.pos, pos);
    });
    if (!delivered) return separate(this.takeAll());
    for (const subscriber of subscribers) if (!stopped.has(subscriber)) this.advance(subscriber, end);
  }

  /** Delivers the newest event of each resource, with the number of skipped events before it. */
  private async deliverLatest(subscriber: Subscriber): Promise<void> {
    const pending = await this.pendingOf(subscriber);
    if (!pending) return;
    subscriber.pending = pending;
    if (!(await this.deliverPending(subscriber, pending)) || !this.subscribers.has(subscriber)) return;
    subscriber.pending = undefined;
    subscriber.lagged = false;
    this.advance(subscriber, pending.upTo);
  }

  /** Adds the events since the last count: one that has not been delivered is skipped if a newer one of its resource follows. */
  private async pendingOf(subscriber: Subscriber): Promise<PendingLatest | undefined> {
    const newest = new Map(subscriber.pending?.newest);
    let pos = subscriber.pending?.upTo ?? subscriber.pos;
    const end = this.services.follower.applied;
    while (pos < end && !subscriber.closed) {
      const page = await this.pageFor(subscriber, pos, WIDE_PAGE);
      if (!page) return undefined;
      for (const event of page.events) {
        const verdict = subscriber.verdict(event);
        if (verdict instanceof Error) {
          subscriber.fail(verdict);
          return undefined;
        }
        if (verdict === 'skip' || event.pos > end) continue;
        const before = newest.get(event.resource.id);
        const skipped = before && before.event.pos > subscriber.pos ? before.skipped + 1 : 0;
        newest.set(event.resource.id, { event, skipped });
      }
      pos = page.end;
    }
    return { newest, upTo: end };
  }

  /** Whether all pending events have been delivered; if not, the subscriber lags again, and the rest stays pending. */
  private async deliverPending(subscriber: Subscriber, { newest }: PendingLatest): Promise<boolean> {
    const { delivery, separate } = this.services;
    const inOrder = [...newest.values()].toSorted((one, other) => one.event.pos - other.event.pos);
    const audience = new Audience(this.group.plan, [subscriber], delivery);
    for (;;) {
      await delivery.ensureFresh();
      const batches = inOrder.flatMap(({ event, skipped }) =>
        audience.batchesOf(event).map((batch) => ({ ...batch, skipped })),
      );
      let stop: 'lags' | 'changed' | undefined;
      const options = {
        ...this.deliveryOptions(),
        includes: () => this.subscribers.has(subscriber) && stop === undefined,
      };
      const delivered = await delivery.deliver(batches, options, (_subscriber, _pos, lags) => {
        stop = lags ? 'lags' : 'changed';
      });
      if (!delivered) separate(this.takeAll());
      if (!delivered || stop === 'lags') return false;
      // Its rights have changed meanwhile: the rest is executed anew, and the counts stay.
      if (stop === undefined) return true;
    }
  }

  private deliveryOptions(): DeliveryOptions {
    const { delivery, flow } = this.services;
    const includes = (subscriber: Subscriber) => this.subscribers.has(subscriber);
    const { plan } = this.group;
    return { plan, reads: delivery.newReads(), lane: flow.replay, payers: this.group.payers(), includes };
  }

  private advance(subscriber: Subscriber, pos: number): void {
    if (!this.subscribers.has(subscriber)) return;
    subscriber.pos = Math.max(subscriber.pos, pos);
    if (this.group.joinLive(subscriber)) this.subscribers.delete(subscriber);
  }

  /** Whether the subscriber can take a page; if not, it is added again when its socket has been drained. */
  private isReady(subscriber: Subscriber): boolean {
    if (subscriber.socket.drained) return true;
    // It may have fallen back together with all others, but it alone is the slow reader.
    subscriber.lagged ||= subscriber.wasLive;
    this.subscribers.delete(subscriber);
    this.lagging.add(subscriber);
    subscriber.socket.onDrained(() => {
      if (this.lagging.delete(subscriber)) this.add(subscriber);
    });
    return false;
  }

  /** `undefined`, and the subscription ends, if the events that it missed have been pruned. */
  private async pageFor(subscriber: Subscriber, pos: number, limit: number): Promise<Page | undefined> {
    try {
      return await this.page(pos, limit);
    } catch (error) {
      if (!(error instanceof CursorExpiredError)) throw error;
      subscriber.fail(error);
      return undefined;
    }
  }

  /** The group's events after `pos`, never beyond what this instance has applied: rights come first. */
  private async page(pos: number, limit: number): Promise<Page> {
    const { follower, delivery, readAfter } = this.services;
    const { resource } = this.group;
    const recent = follower.recentAfter(pos);
    const end = follower.applied;
    const found = recent ?? (await delivery.retry(() => readAfter(pos, resource, limit)));
    const own = found.flatMap((event) => eventOf(resource, event) ?? []);
    const events = own.slice(0, limit).filter((event) => event.pos <= end);
    // A page that is full may not be the last one. One that was read without a filter is full of events of other kinds, too.
    const last = (recent ? own : found)[limit - 1];
    return { events, end: Math.min(last?.pos ?? end, end) };
  }
}
