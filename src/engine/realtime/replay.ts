// The members of one group who are behind: they go through the log page by page, a page read and made once for all who are
// within it, and to the head of the group when nothing is missing. Nothing of it is kept.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CursorExpiredError } from '../errors/service-error.js';
import type { LogEvent } from '../events/log-event.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Audience } from './audience.js';
import type { Turn } from './delivery.js';
import type { GroupServices } from './group-services.js';
import type { Member, Owed, SubscriptionRequest } from './member.js';
import type { Portion } from './portion.js';

/** Events that are read and made at a time. */
const PAGE = 100;
/** The same where nothing is made of them but a count. */
const WIDE_PAGE = 500;

/** The group whose members these are. */
export interface ReplayedGroup {
  readonly plan: SharingPlan;
  readonly resource: SubscriptionRequest['resource'];
  /** The accounts that executions are charged to. */
  payers(): readonly string[];
  /** Takes the member to the head if there is nothing between it and the head for it. */
  settle(member: Member): boolean;
}

interface Page {
  readonly events: readonly LogEvent[];
  /** There is nothing for the group up to here but `events`. */
  readonly end: number;
}

export class Replay {
  private readonly members = new Set<Member>();
  /** Those who have not taken yet what was written to them. */
  private readonly lagging = new Set<Member>();
  private running = false;

  constructor(
    private readonly group: ReplayedGroup,
    private readonly services: GroupServices,
  ) {}

  get size(): number {
    return this.members.size + this.lagging.size;
  }

  add(member: Member): void {
    this.members.add(member);
    if (this.running) return;
    this.running = true;
    this.services.outside(() => void this.run());
  }

  remove(member: Member): void {
    this.members.delete(member);
    this.lagging.delete(member);
  }

  /** Everyone, to be put elsewhere. */
  takeAll(): Member[] {
    const all = [...this.members, ...this.lagging];
    this.members.clear();
    this.lagging.clear();
    return all;
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        // Others may come in the same moment, and everyone else has a turn.
        await nextTurn();
        if (this.members.size === 0) break;
        const { scheduler } = this.services;
        await scheduler.replayRound(this.group.payers(), () => this.round(this.ready()));
      }
    } catch (error) {
      for (const member of this.members) member.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.running = false;
  }

  /** Those that can take a page, those furthest behind first. */
  private ready(): readonly Member[] {
    const ready = [...this.members].filter((member) => this.isReady(member));
    return ready.toSorted((one, other) => one.pos - other.pos);
  }

  /** A page for everyone, those furthest behind first; whoever is within the same page shares it. */
  private async round(members: readonly Member[]): Promise<void> {
    let rest = members;
    for (;;) {
      const [first] = rest;
      if (!first) return;
      if (first.lagged && first.request.latestOnLag) {
        rest = rest.slice(1);
        await this.giveLatest(first);
        continue;
      }
      const page = await this.pageFor(first, first.pos, PAGE);
      if (!page) {
        rest = rest.slice(1);
        continue;
      }
      const beyond = rest.findIndex((member) => member.pos >= page.end && member.pos > first.pos);
      const within = beyond < 0 ? rest : rest.slice(0, beyond);
      rest = beyond < 0 ? [] : rest.slice(beyond);
      await this.give(
        page,
        within.filter((member) => !(member.lagged && member.request.latestOnLag)),
      );
    }
  }

  private async give({ events, end }: Page, members: readonly Member[]): Promise<void> {
    const { delivery, scheduler, separate } = this.services;
    const { slicer } = scheduler.replay;
    const portions: Portion[] = [];
    const audience = new Audience(this.group.plan, members, delivery);
    await delivery.freshened();
    for (const event of events) {
      if (slicer.spent) await slicer.rest();
      portions.push(...audience.portionsOf(event));
    }
    const stopped = new Set<Member>();
    const turn = { ...this.turn(), serves: (member: Member) => this.members.has(member) && !stopped.has(member) };
    const given = await delivery.give(portions, turn, (member, pos) => {
      stopped.add(member);
      member.pos = Math.max(member.pos, pos);
    });
    if (!given) return separate(this.takeAll());
    for (const member of members) if (!stopped.has(member)) this.advance(member, end);
  }

  /** The newest event of each resource, and how many were left out before it. */
  private async giveLatest(member: Member): Promise<void> {
    const owed = await this.owedTo(member);
    if (!owed) return;
    member.owed = owed;
    if (!(await this.giveOwed(member, owed)) || !this.members.has(member)) return;
    member.owed = undefined;
    member.lagged = false;
    this.advance(member, owed.upTo);
  }

  /** What has been missed since it was counted last is counted in: what has not been given is left out if there is something newer. */
  private async owedTo(member: Member): Promise<Owed | undefined> {
    const newest = new Map(member.owed?.newest);
    let pos = member.owed?.upTo ?? member.pos;
    const end = this.services.follower.applied;
    while (pos < end && !member.over) {
      const page = await this.pageFor(member, pos, WIDE_PAGE);
      if (!page) return undefined;
      for (const event of page.events) {
        const verdict = member.verdict(event);
        if (verdict instanceof Error) {
          member.fail(verdict);
          return undefined;
        }
        if (verdict === 'skip' || event.pos > end) continue;
        const before = newest.get(event.resource.id);
        const skipped = before && before.event.pos > member.pos ? before.skipped + 1 : 0;
        newest.set(event.resource.id, { event, skipped });
      }
      pos = page.end;
    }
    return { newest, upTo: end };
  }

  /** Whether the member has been given all that it is owed; if not, it lags again, and the rest is owed to it still. */
  private async giveOwed(member: Member, { newest }: Owed): Promise<boolean> {
    const { delivery, separate } = this.services;
    const inOrder = [...newest.values()].toSorted((one, other) => one.event.pos - other.event.pos);
    const audience = new Audience(this.group.plan, [member], delivery);
    for (;;) {
      await delivery.freshened();
      const portions = inOrder.flatMap(({ event, skipped }) =>
        audience.portionsOf(event).map((portion) => ({ ...portion, skipped })),
      );
      let stop: 'lags' | 'changed' | undefined;
      const turn = { ...this.turn(), serves: () => this.members.has(member) && stop === undefined };
      const given = await delivery.give(portions, turn, (_member, _pos, lags) => {
        stop = lags ? 'lags' : 'changed';
      });
      if (!given) separate(this.takeAll());
      if (!given || stop === 'lags') return false;
      // Its rights have changed meanwhile: what is left is made anew, and the counts stay what they are.
      if (stop === undefined) return true;
    }
  }

  private turn(): Turn {
    const { delivery, scheduler } = this.services;
    const serves = (member: Member) => this.members.has(member);
    const { plan } = this.group;
    return { plan, view: delivery.view(), lane: scheduler.replay, payers: this.group.payers(), serves };
  }

  private advance(member: Member, pos: number): void {
    if (!this.members.has(member)) return;
    member.pos = Math.max(member.pos, pos);
    if (this.group.settle(member)) this.members.delete(member);
  }

  /** Whether the member can take a page; if not, it is back when it has taken what was written to it. */
  private isReady(member: Member): boolean {
    if (member.socket.drained) return true;
    // It may have fallen back with all others; that it has to be waited for is its own doing.
    member.lagged ||= member.wasLive;
    this.members.delete(member);
    this.lagging.add(member);
    member.socket.onDrained(() => {
      if (this.lagging.delete(member)) this.add(member);
    });
    return false;
  }

  /** `undefined`, and the member ends, if what it missed is not in the log any more. */
  private async pageFor(member: Member, pos: number, limit: number): Promise<Page | undefined> {
    try {
      return await this.page(pos, limit);
    } catch (error) {
      if (!(error instanceof CursorExpiredError)) throw error;
      member.fail(error);
      return undefined;
    }
  }

  /** The group's events after `pos`, never beyond what this node has applied: rights come first. */
  private async page(pos: number, limit: number): Promise<Page> {
    const { follower, delivery, readAfter } = this.services;
    const { kind, id } = this.group.resource;
    const recent = follower.recentAfter(pos);
    const end = follower.applied;
    const found = recent
      ? recent.filter(({ resource }) => resource.kind === kind && (id === undefined || resource.id === id))
      : await delivery.retry(() => readAfter(pos, this.group.resource, limit));
    const events = found.slice(0, limit).filter((event) => event.pos <= end);
    const full = events.length === limit;
    return { events, end: full ? events.at(-1)!.pos : end };
  }
}
