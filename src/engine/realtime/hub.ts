// Gives every subscriber of this node what the log brings, in its order, under present rights: in groups, so that an event
// costs an execution for each group and class, and for each subscriber no more than a write.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Rights } from '../access/rights.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import { encodeCursor } from '../events/cursor.js';
import { EventLog } from '../events/event-log.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { LogBrokenError, LogReader } from '../events/log-reader.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Delivery } from './delivery.js';
import type { ExecutionScheduler } from './fan-out/execution-scheduler.js';
import { executionKeyOf } from './fan-out/subscription-limits.js';
import { Group } from './group.js';
import type { GroupServices } from './group-services.js';
import { Member, type SubscriptionRequest } from './member.js';
import type { Socket } from './socket.js';

/** ms after serving a group in which more is likely to come, and that what comes then waits for others to go out with it. */
const BUSY_MS = 10;
const COALESCE_MS = 4;

/** How far the log has been written to a socket. */
export interface Progress {
  /** Everything up to here has been written; null: a subscription is being opened, or is too far behind for this instance to know. */
  readonly cursor: string | null;
  /** The time that this is complete as of: the clock of this instance at the head of the log, of the database elsewhere. */
  readonly at: string | null;
  /** Events that this instance knows behind `cursor`, whether or not any is for this socket. */
  readonly behind: number;
}

@Injectable()
export class Hub implements OnModuleInit {
  /** The group of each. */
  private readonly members = new Map<Member, Group>();
  private readonly bySocket = new Map<Socket, Set<Member>>();
  private readonly groups = new Map<string, Group>();
  /** Groups by the id of the resource that they are bound to; `undefined`: by none. */
  private readonly byResource = new Map<string | undefined, Set<Group>>();
  private readonly woken = new Set<Group>();
  private readonly services: GroupServices;
  private turnDue = false;
  /** When a group was last served. */
  private servedAt = Number.NEGATIVE_INFINITY;
  /** Runs work in the context of the boot, not in that of the mutation whose event has caused it. */
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
      scheduler: delivery.scheduler,
      readAfter: (...asked) => this.readAfter(...asked),
      outside: (work) => this.outside(work),
      separate: (members) => {
        for (const member of members) this.place(member, this.abandon(member));
      },
    };
  }

  onModuleInit(): void {
    this.outside = AsyncLocalStorage.snapshot();
    this.follower.on('delivery', (event) => this.applied(event));
  }

  /** How many subscriptions this node serves. */
  get size(): number {
    return this.members.size;
  }

  get scheduler(): ExecutionScheduler {
    return this.delivery.scheduler;
  }

  /** What it has done and does. */
  get stats() {
    const { deliveries, bytes, executions, catchUps } = this.delivery;
    const behind = [...this.groups.values()].reduce((sum, { replay }) => sum + replay.size, 0);
    return { subscriptions: this.size, groups: this.groups.size, behind, deliveries, bytes, executions, catchUps };
  }

  /** A subscription from now on, or from `after`, without a gap; nothing is given before `join`. Throws CURSOR_EXPIRED. */
  async subscribe(request: SubscriptionRequest): Promise<Member> {
    const { after } = request;
    const start = after == null ? this.follower.applied : await this.log.resolveCursor(after);
    return new Member(request, start, (member) => void this.abandon(member));
  }

  /** From here on the member, which is attached, is written what it is to be given. */
  join(member: Member, plan: SharingPlan): void {
    if (member.over) return;
    // It was allowed to subscribe before its cursor was looked up: what has happened since may have taken the right.
    const [last] = this.follower.recentAfter(this.follower.applied - 1) ?? [];
    const verdict = last && member.verdict(last);
    if (verdict instanceof Error) return member.fail(verdict);
    member.begin();
    this.place(member, plan);
  }

  /** How far the log has been written to `socket`; `isOpening`: it may have asked for more than is known here. */
  progressOf(socket: Socket, isOpening: boolean): Progress {
    const { applied } = this.follower;
    let pos = applied;
    for (const member of this.bySocket.get(socket) ?? []) {
      pos = Math.min(pos, this.members.get(member)?.writtenUpTo(member) ?? member.pos);
    }
    const place = isOpening ? undefined : this.placeAt(pos);
    return { cursor: null, at: null, ...place, behind: applied - pos };
  }

  private placeAt(pos: number): Pick<Progress, 'cursor' | 'at'> | undefined {
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
      // It tells whether another log answers, and then all sockets are closed, or the position has just been pruned.
      await this.follower.look();
      throw new ServiceUnavailableError();
    }
  }

  private place(member: Member, plan: SharingPlan | undefined): void {
    if (member.over || !plan) return;
    const { viewer } = member.request;
    const { resource } = member.request;
    const execution = executionKeyOf(plan, this.shared.isShared(plan), viewer.sessionId, member.socket.client.address);
    // What it is bound to may follow from who asks, and not be in the document.
    const key = `${resource.id ?? ''} ${execution}`;
    let group = this.groups.get(key);
    if (!group) {
      group = new Group(key, plan, resource, this.services);
      this.groups.set(key, group);
      const bound = this.byResource.get(resource.id) ?? new Set();
      this.byResource.set(resource.id, bound.add(group));
    }
    this.members.set(member, group);
    this.bySocket.set(member.socket, (this.bySocket.get(member.socket) ?? new Set()).add(member));
    group.add(member);
  }

  /** Takes the member out of its group, whose plan is returned. */
  private abandon(member: Member): SharingPlan | undefined {
    const group = this.members.get(member);
    if (!group) return undefined;
    this.members.delete(member);
    const siblings = this.bySocket.get(member.socket);
    siblings?.delete(member);
    if (siblings?.size === 0) this.bySocket.delete(member.socket);
    group.remove(member);
    if (group.size === 0 && this.groups.get(group.key) === group) {
      this.groups.delete(group.key);
      const bound = this.byResource.get(group.resource.id);
      bound?.delete(group);
      if (bound?.size === 0) this.byResource.delete(group.resource.id);
    }
    return group.plan;
  }

  /** An event has been applied, and rights are those of its place in the log. */
  private applied(event: LogEvent): void {
    this.judgeChanged(event);
    for (const id of [event.resource.id, undefined]) {
      for (const group of this.byResource.get(id) ?? []) {
        if (group.resource.kind !== event.resource.kind) continue;
        group.offer(event);
        this.wake(group);
      }
    }
  }

  /** Ends what nobody may see any more by this event, whether or not it is to be given itself. */
  private judgeChanged(event: LogEvent): void {
    const changed = this.rights.changedBy(event);
    if (changed.length === 0) return;
    this.delivery.rightsVersion += 1;
    // What takes a right from everybody takes it from those who subscribe to its resource: they are offered it.
    if (changed === '*') return;
    for (const member of this.members.keys()) {
      if (!changed.includes(member.request.viewer.accountId)) continue;
      const verdict = member.verdict(event);
      if (verdict instanceof Error) member.fail(verdict);
    }
  }

  private wake(group: Group): void {
    if (!group.due) return;
    this.woken.add(group);
    if (this.turnDue) return;
    this.turnDue = true;
    const busy = performance.now() - this.servedAt < BUSY_MS;
    this.outside(() => (busy ? setTimeout(() => void this.turn(), COALESCE_MS) : setImmediate(() => void this.turn())));
  }

  private served(group: Group): void {
    this.servedAt = performance.now();
    this.wake(group);
  }

  /** Serves the groups that wait, the largest first, over one view of the database. */
  private async turn(): Promise<void> {
    this.turnDue = false;
    const groups = [...this.woken].toSorted((one, other) => other.live.size - one.live.size);
    this.woken.clear();
    // What comes while the others wait may be newer than what the view has read by then.
    const upTo = this.follower.applied;
    const view = this.delivery.view();
    const { slicer } = this.services.scheduler.live;
    for (const group of groups) {
      if (slicer.spent) await slicer.rest();
      void group.serve(upTo, view).then(() => this.served(group));
    }
  }
}
