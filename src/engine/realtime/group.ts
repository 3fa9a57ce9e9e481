// Members who are shown the same things, as far as their rights go: at the head of the log an event is made once for all of
// them; whoever is behind catches up from the log and joins the others where they are, with no gap and nothing twice.
import type { ReadView } from '../access/read-view.js';
import type { LogEvent } from '../events/log-event.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Audience } from './audience.js';
import { GroupAccounts } from './fan-out/group-accounts.js';
import type { GroupServices } from './group-services.js';
import type { Member } from './member.js';
import type { Portion } from './portion.js';
import { Replay } from './replay.js';

/** Events that may wait for a group that is slow, or for the database; what comes after is taken from the log. */
const MAX_WAITING = 256;

export class Group {
  /** Those at the head: whatever is applied from now on is offered to them. */
  readonly live = new Set<Member>();
  readonly replay: Replay;
  private readonly audience: Audience;
  private readonly accounts = new GroupAccounts();
  private waiting: Portion[] = [];
  private busy = false;
  /** Position of the first event that is being given. */
  private serving: number | undefined;
  /** Set when too much waits: what was not queued is taken from the log. */
  private overflown = false;
  private lastQueued = 0;

  constructor(
    readonly key: string,
    readonly plan: SharingPlan,
    readonly resource: Member['request']['resource'],
    private readonly services: GroupServices,
  ) {
    this.replay = new Replay(this, services);
    this.audience = new Audience(plan, this.live, services.delivery);
  }

  get size(): number {
    return this.live.size + this.replay.size;
  }

  /** Whether something waits to be given, and nothing is being given. */
  get due(): boolean {
    return !this.busy && this.waiting.length > 0;
  }

  /** The accounts that its executions are charged to. */
  payers(): readonly string[] {
    return this.accounts.payers();
  }

  /** Position up to which everything has been written to the member, or passed over. */
  writtenUpTo(member: Member): number {
    if (!this.live.has(member)) return member.pos;
    const pending = this.serving ?? this.waiting[0]?.event.pos;
    return Math.max(member.pos, pending === undefined ? this.services.follower.applied : pending - 1);
  }

  /** A member of this group from now on, wherever in the log it is. */
  add(member: Member): void {
    this.accounts.add(member.request.viewer.accountId);
    if (!this.settle(member)) this.catchUp(member);
  }

  remove(member: Member): void {
    this.accounts.remove(member.request.viewer.accountId);
    this.leave(member);
    this.replay.remove(member);
  }

  /** Offers the event that has just been applied to those at the head. */
  offer(event: LogEvent): void {
    if (this.live.size === 0 || this.overflown) return;
    const portions = this.audience.portionsOf(event);
    if (portions.length === 0) return;
    if (this.waiting.length >= MAX_WAITING) {
      this.overflown = true;
      return;
    }
    this.waiting.push(...portions);
    this.lastQueued = event.pos;
  }

  /** Takes the member to the head if there is nothing between it and the head for it. */
  settle(member: Member): boolean {
    const { follower } = this.services;
    if (member.over) return true;
    const missed = follower.recentAfter(member.pos);
    if (!missed?.every((event) => !member.concerns(event) || member.verdict(event) === 'skip')) return false;
    member.pos = Math.max(member.pos, follower.applied);
    this.live.add(member);
    member.wasLive = true;
    this.audience.changed();
    return true;
  }

  /** Gives what waits, up to `upTo`: `view` has read nothing older than that. Never rejects. */
  async serve(upTo: number, view: ReadView): Promise<void> {
    if (this.busy) return;
    const later = this.waiting.findIndex(({ event }) => event.pos > upTo);
    const portions = this.waiting.splice(0, later < 0 ? this.waiting.length : later);
    const [first] = portions;
    if (!first) return;
    const { delivery, scheduler, separate } = this.services;
    const payers = this.payers();
    const lane = scheduler.live;
    // Its accounts have spent what they may: for them it goes on at the pace of replay.
    if (lane.isExhausted(payers)) {
      this.waiting = [];
      this.overflown = false;
      return this.allFallBack(first.event.pos - 1);
    }
    this.busy = true;
    this.serving = first.event.pos;
    const serves = (member: Member) => this.live.has(member);
    const turn = { plan: this.plan, view, lane, payers, live: true, serves };
    try {
      const given = await delivery.give(portions, turn, (...stop) => this.fallBack(...stop));
      if (!given) {
        this.allFallBack(first.event.pos - 1);
        separate(this.replay.takeAll());
      }
    } catch (error) {
      for (const member of this.live) member.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.busy = false;
    this.serving = undefined;
    if (this.overflown && this.waiting.length === 0) {
      this.overflown = false;
      this.allFallBack(this.lastQueued);
    }
  }

  private allFallBack(pos: number): void {
    for (const member of this.live) this.fallBack(member, pos, false);
  }

  /** From now on the member takes what it misses from the log. */
  private fallBack(member: Member, pos: number, lags: boolean): void {
    if (member.over || !this.leave(member)) return;
    member.pos = Math.max(member.pos, pos);
    member.lagged ||= lags;
    this.catchUp(member);
  }

  /** Whether the member was at the head. */
  private leave(member: Member): boolean {
    this.audience.changed();
    return this.live.delete(member);
  }

  private catchUp(member: Member): void {
    this.services.delivery.catchUps += 1;
    this.replay.add(member);
  }
}
