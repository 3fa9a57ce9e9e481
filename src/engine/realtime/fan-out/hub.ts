// Owns which subscriber of this instance is in which group, and when groups deliver: an event costs an execution for each group and permission
// class, and no more than a write for each subscriber. Does not know how events are executed, written or caught up with.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Rights } from '../../access/rights.js';
import { ServiceUnavailableError } from '../../errors/service-error.js';
import { encodeCursor } from '../../events/cursor.js';
import { EventLog } from '../../events/event-log.js';
import { ALL_OF_KIND, eventOf, type LogEvent } from '../../events/log-event.js';
import { LogFollower } from '../../events/log-follower.js';
import { LogBrokenError, LogReader } from '../../events/log-reader.js';
import { SharedExecutions } from '../../graphql/sharing/shared-executions.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import type { FlowControl } from '../flow-control/flow-control.js';
import { Delivery } from './delivery.js';
import { executionKeyOf } from './subscription-limits.js';
import { Group } from './group.js';
import type { GroupServices } from './group-services.js';
import { Subscriber, type SubscriptionRequest } from './subscriber.js';
import type { SubscriberSocket } from './subscriber-socket.js';

/** ms after a delivery in which more events are likely, and ms that these wait, to be delivered together. */
const BUSY_MS = 10;
const COALESCE_MS = 4;

/** How far the log has been written to a socket. */
export interface Progress {
  /**
   * Everything up to here has been written; null: a subscription is being opened, or is too far behind for this instance to know, or
   * this instance cannot read the log now.
   */
  readonly cursor: string | null;
  /** The time that this is complete as of: the clock of this instance at the head of the log, of the database elsewhere. */
  readonly at: string | null;
  /** Events that this instance knows behind `cursor`, whether or not any is for this socket. */
  readonly behind: number;
}

@Injectable()
export class Hub implements OnModuleInit {
  /** The group of each subscriber. */
  private readonly subscribers = new Map<Subscriber, Group>();
  private readonly bySocket = new Map<SubscriberSocket, Set<Subscriber>>();
  private readonly groups = new Map<string, Group>();
  /** Groups by the id of the resource that they are bound to; `undefined`: by none. */
  private readonly byResource = new Map<string | undefined, Set<Group>>();
  private readonly due = new Set<Group>();
  private readonly services: GroupServices;
  private scheduled = false;
  /** When a group last delivered. */
  private deliveredAt = Number.NEGATIVE_INFINITY;
  /** Runs work in the async context of the boot, not in that of the mutation that caused the event. */
  private outside: <T>(work: () => T) => T = (work) => work();

  constructor(
    private readonly log: EventLog,
    private readonly reader: LogReader,
    private readonly follower: LogFollower,
    private readonly rights: Rights,
    private readonly shared: SharedExecutions,
    private readonly delivery: Delivery,
  ) {
    this.services = {
      delivery,
      follower,
      flow: delivery.flow,
      readAfter: (...asked) => this.readAfter(...asked),
      outside: (work) => this.outside(work),
      separate: (subscribers) => {
        for (const subscriber of subscribers) this.place(subscriber, this.removeFromGroup(subscriber));
      },
    };
  }

  onModuleInit(): void {
    this.outside = AsyncLocalStorage.snapshot();
    this.follower.on('delivery', (event) => this.applied(event));
  }

  /** How many subscriptions this instance has. */
  get size(): number {
    return this.subscribers.size;
  }

  get flow(): FlowControl {
    return this.delivery.flow;
  }

  /** Counts so far, and of now. */
  get stats() {
    const { deliveries, bytes, executions, catchUps } = this.delivery;
    const behind = [...this.groups.values()].reduce((sum, { replay }) => sum + replay.size, 0);
    return { subscriptions: this.size, groups: this.groups.size, behind, deliveries, bytes, executions, catchUps };
  }

  /** A subscription from now on, or from `after`, without a gap; nothing is delivered before `join`. Throws CURSOR_EXPIRED. */
  async subscribe(request: SubscriptionRequest): Promise<Subscriber> {
    const { after } = request;
    const start = after == null ? this.follower.applied : await this.log.resolveCursor(after);
    return new Subscriber(request, start, (subscriber) => void this.removeFromGroup(subscriber));
  }

  /** From here on events are delivered to the subscriber, which is attached. */
  join(subscriber: Subscriber, plan: SharingPlan): void {
    if (subscriber.closed) return;
    // The right to subscribe was checked before the cursor was looked up, and may have been lost since.
    const [last] = this.follower.recentAfter(this.follower.applied - 1) ?? [];
    const verdict = last && subscriber.verdict(last);
    if (verdict instanceof Error) return subscriber.fail(verdict);
    subscriber.begin();
    this.place(subscriber, plan);
  }

  /** How far the log has been written to `socket`; `isOpening`: it has a subscription whose position is not known yet. */
  progressOf(socket: SubscriberSocket, isOpening: boolean): Progress {
    const { applied } = this.follower;
    let pos = applied;
    for (const subscriber of this.bySocket.get(socket) ?? []) {
      pos = Math.min(pos, this.subscribers.get(subscriber)?.writtenUpTo(subscriber) ?? subscriber.pos);
    }
    const addToGroup = isOpening || !this.follower.fresh ? undefined : this.cursorAt(pos);
    return { cursor: null, at: null, ...addToGroup, behind: applied - pos };
  }

  private cursorAt(pos: number): Pick<Progress, 'cursor' | 'at'> | undefined {
    const { position, confirmedUntil } = this.follower;
    if (pos >= position.pos) return { cursor: encodeCursor(position), at: confirmedUntil.toISOString() };
    const event = this.follower.recentAfter(pos - 1)?.[0];
    return event && { cursor: encodeCursor(event), at: new Date(event.at).toISOString() };
  }

  private async readAfter(
    pos: number,
    { kind, id }: SubscriptionRequest['resource'],
    limit: number,
  ): Promise<LogEvent[]> {
    const filter = id ? { resourceKind: kind, resourceId: id } : undefined;
    try {
      return await this.reader.afterWithoutHole(pos, limit, this.follower.position, filter);
    } catch (error) {
      if (!(error instanceof LogBrokenError)) throw error;
      // The follower finds out whether the log was replaced, and then all sockets are closed, or the position has just been pruned.
      await this.follower.look();
      throw new ServiceUnavailableError();
    }
  }

  private place(subscriber: Subscriber, plan: SharingPlan | undefined): void {
    if (subscriber.closed || !plan) return;
    const { viewer } = subscriber.request;
    const { resource } = subscriber.request;
    const execution = executionKeyOf(
      plan,
      this.shared.isShared(plan),
      viewer.sessionId,
      subscriber.socket.client.address,
    );
    // The resource may depend on the viewer, and not be in the document.
    const key = `${resource.id ?? ''} ${execution}`;
    let group = this.groups.get(key);
    if (!group) {
      group = new Group(key, plan, resource, this.services);
      this.groups.set(key, group);
      const bound = this.byResource.get(resource.id) ?? new Set();
      this.byResource.set(resource.id, bound.add(group));
    }
    this.subscribers.set(subscriber, group);
    this.bySocket.set(subscriber.socket, (this.bySocket.get(subscriber.socket) ?? new Set()).add(subscriber));
    group.add(subscriber);
  }

  /** Takes the subscriber out of its group, whose plan is returned. */
  private removeFromGroup(subscriber: Subscriber): SharingPlan | undefined {
    const group = this.subscribers.get(subscriber);
    if (!group) return undefined;
    this.subscribers.delete(subscriber);
    const siblings = this.bySocket.get(subscriber.socket);
    siblings?.delete(subscriber);
    if (siblings?.size === 0) this.bySocket.delete(subscriber.socket);
    group.remove(subscriber);
    if (group.size === 0 && this.groups.get(group.key) === group) {
      this.groups.delete(group.key);
      const bound = this.byResource.get(group.resource.id);
      bound?.delete(group);
      if (bound?.size === 0) this.byResource.delete(group.resource.id);
    }
    return group.plan;
  }

  /** An event has been applied; rights are now those at its position. */
  private applied(event: LogEvent): void {
    this.judgeChanged(event);
    const { id } = event.resource;
    for (const bound of id === ALL_OF_KIND ? this.byResource.keys() : [id, undefined]) {
      for (const group of this.byResource.get(bound) ?? []) {
        const own = eventOf(group.resource, event);
        if (!own) continue;
        group.offer(own);
        this.schedule(group);
      }
    }
  }

  /** Ends the subscriptions that this event takes the right from, whether or not it is delivered itself. */
  private judgeChanged(event: LogEvent): void {
    const changed = this.rights.changedBy(event);
    if (changed.length === 0) return;
    this.delivery.rightsVersion += 1;
    // An event that takes a right from everybody is offered to the subscribers of its resource, which judges them.
    if (changed === '*') return;
    for (const subscriber of this.subscribers.keys()) {
      if (!changed.includes(subscriber.request.viewer.accountId)) continue;
      const verdict = subscriber.verdict(event);
      if (verdict instanceof Error) subscriber.fail(verdict);
    }
  }

  private schedule(group: Group): void {
    if (!group.due) return;
    this.due.add(group);
    if (this.scheduled) return;
    this.scheduled = true;
    const busy = performance.now() - this.deliveredAt < BUSY_MS;
    this.outside(() =>
      busy ? setTimeout(() => void this.deliverDue(), COALESCE_MS) : setImmediate(() => void this.deliverDue()),
    );
  }

  private delivered(group: Group): void {
    this.deliveredAt = performance.now();
    this.schedule(group);
  }

  /** Starts the groups that are due, the largest first, with one shared cache of reads. */
  private async deliverDue(): Promise<void> {
    this.scheduled = false;
    const groups = [...this.due].toSorted((one, other) => other.live.size - one.live.size);
    this.due.clear();
    // Events that arrive while groups wait may be newer than cached reads.
    const upTo = this.follower.applied;
    const reads = this.delivery.newReads();
    const { live } = this.flow;
    for (const group of groups) {
      if (live.sliceSpent) await live.nextSlice();
      void group.deliver(upTo, reads).then(() => this.delivered(group));
    }
  }
}
