// Makes payloads of events, once for all who may see the same thing, and writes them: to each member the next in its order,
// under the rights that it has at that moment.
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ReadView } from '../access/read-view.js';
import { LogFollower } from '../events/log-follower.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { DeliveryLatency } from './delivery-latency.js';
import { EventExecutions } from './event-executions.js';
import { ExecutionScheduler, type Lane, MAX_INSIDE } from './fan-out/execution-scheduler.js';
import { batchesOf, EXECUTION_TIMEOUT_MS, GrowingTimeout, retryWhileUnavailable } from './fan-out/flow-control.js';
import { FrameLayout } from './frames.js';
import type { Member } from './member.js';
import type { Portion } from './portion.js';

/** How portions are made: the operation of a group, over one view of the database that is as new as they are. */
export interface Turn {
  readonly plan: SharingPlan;
  readonly view: ReadView;
  /** Where it waits for its turn, and the accounts that it is charged to. */
  readonly lane: Lane;
  readonly payers: readonly string[];
  /** It is given as it comes, at the head of the log. */
  readonly live?: boolean;
  /** Whether the member is still where this is given: one who was moved meanwhile is given it there, after what comes before. */
  readonly serves: (member: Member) => boolean;
}

/** Told that a member is given nothing more for now: it has everything up to `pos`. */
export type OnStop = (member: Member, pos: number, lags: boolean) => void;

/** What is being written to one member after the other. */
interface Writing {
  readonly portions: readonly Portion[];
  readonly payloads: readonly Buffer[];
  readonly plan: SharingPlan;
  readonly layout: FrameLayout;
  readonly onStop: OnStop;
}

@Injectable()
export class Delivery implements OnApplicationShutdown {
  /** Grows with every event that changes anybody's rights. */
  rightsVersion = 0;
  /** Events given to members so far, and payloads written for them, in bytes. */
  deliveries = 0;
  bytes = 0;
  /** How often a member has begun to be given events from the log. */
  catchUps = 0;
  private readonly executionTimeout = EXECUTION_TIMEOUT_MS;
  /** Of a view over which something has failed, the one over which all go on who shared it. */
  private readonly successors = new WeakMap<ReadView, ReadView>();
  private stopped = false;

  constructor(
    private readonly maker: EventExecutions,
    private readonly follower: LogFollower,
    private readonly latency: DeliveryLatency,
    readonly scheduler: ExecutionScheduler,
  ) {}

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  /** Gives `portions`, which are in order. False: the plan cannot be shared after all, and the rest was given to nobody. */
  async give(portions: readonly Portion[], turn: Turn, onStop: OnStop): Promise<boolean> {
    let { view } = turn;
    for (const batch of batchesOf(portions, turn.plan.cost, MAX_INSIDE)) {
      const timeout = new GrowingTimeout(this.executionTimeout);
      const given = await this.retry(async () => {
        try {
          return await this.giveBatch(batch, { ...turn, view }, onStop, timeout);
        } catch (error) {
          view = this.successorOf(view);
          throw error;
        }
      });
      if (!given) return false;
    }
    if (turn.live) for (const { event } of portions) this.latency.written(event);
    return true;
  }

  /** One attempt: what is not executed in time lets others in, and waits for its turn again. */
  private async giveBatch(
    batch: readonly Portion[],
    turn: Turn,
    onStop: OnStop,
    timeout: GrowingTimeout,
  ): Promise<boolean> {
    if (!batch.some(({ members }) => members.some(turn.serves))) return true;
    const { plan, lane, payers } = turn;
    return lane.run(batch.length * plan.cost, payers, async () => {
      // Nothing is written until all of it is executed, and late results are discarded: nothing is given twice.
      const payloads = await timeout.run(() => this.execute(batch, turn));
      if (!payloads) return false;
      await this.freshened();
      await this.writeAll({ portions: batch, payloads, plan, layout: new FrameLayout(), onStop }, turn);
      return true;
    });
  }

  /** Waits until this node knows the log to its head: what it does not know may have taken a right. */
  async freshened(): Promise<void> {
    while (!this.follower.fresh) await this.retry(() => this.follower.ensureFresh());
  }

  /** Executions so far. */
  get executions(): number {
    return this.maker.count;
  }

  /** A look at the database as it is now. */
  view(): ReadView {
    return this.maker.view();
  }

  /** Retries `work` while the database or the log is unavailable. Rejects when the service stops. */
  retry<T>(work: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(work, () => this.stopped);
  }

  private async execute(portions: readonly Portion[], { plan, view, lane }: Turn): Promise<Buffer[] | undefined> {
    const made: Promise<Buffer | undefined>[] = [];
    for (const portion of portions) {
      if (lane.slicer.spent) await lane.slicer.rest();
      const payload = this.maker.make(plan, portion, view);
      // A failure is heard below: until then others are still being started.
      payload.catch(() => {});
      made.push(payload);
    }
    // While any of it is still being made its place is taken.
    await Promise.allSettled(made);
    const payloads = await Promise.all(made);
    return payloads.includes(undefined) ? undefined : (payloads as Buffer[]);
  }

  /** What has failed is remembered by the loaders of its view. */
  private successorOf(view: ReadView): ReadView {
    const successor = this.successors.get(view) ?? this.view();
    this.successors.set(view, successor);
    return successor;
  }

  private async writeAll(writing: Writing, { lane, serves }: Turn): Promise<void> {
    const members = writing.portions[0]?.members ?? [];
    // Mostly all of them are for the very same members.
    const parts = writing.portions.every((portion) => portion.members === members)
      ? undefined
      : partsOf(writing.portions);
    const all = [...writing.portions.keys()];
    for (const member of parts?.keys() ?? members) {
      if (lane.slicer.spent) await lane.slicer.rest();
      if (serves(member)) this.write(member, parts?.get(member) ?? all, writing);
    }
  }

  private write(member: Member, own: readonly number[], writing: Writing): void {
    const { portions, payloads, plan, onStop } = writing;
    const before = member.pos;
    const given: Buffer[] = [];
    let stopAt: number | undefined;
    for (const index of own) {
      const portion = portions[index]!;
      const { event } = portion;
      if (member.over || event.pos <= before) continue;
      if (portion.rightsVersion !== this.rightsVersion) {
        const verdict = member.verdict(event);
        // What is made and not written yet is discarded with it.
        if (verdict instanceof Error) return member.fail(verdict);
        if (verdict === 'skip') continue;
        if (plan.classOf(member.rights, event.resource.id) !== portion.permission) {
          stopAt = event.pos - 1;
          break;
        }
      }
      given.push(payloads[index]!);
      member.pos = event.pos;
    }
    if (given.length > 0 && member.socket.lagging) {
      member.pos = before;
      return onStop(member, portions[own[0]!]!.event.pos - 1, true);
    }
    if (given.length > 0) this.send(member, given, writing.layout);
    if (stopAt !== undefined) onStop(member, stopAt, false);
  }

  private send(member: Member, given: readonly Buffer[], layout: FrameLayout): void {
    const bytes = layout.framesOf(member.envelope, given);
    if (!member.socket.write(bytes)) layout.kept();
    this.deliveries += given.length;
    this.bytes += bytes.length;
  }
}

/** Each member with the places of its portions, in order. */
function partsOf(portions: readonly Portion[]): Map<Member, readonly number[]> {
  const parts = new Map<Member, number[]>();
  for (const [index, { members }] of portions.entries()) {
    for (const member of members) {
      const own = parts.get(member);
      if (own) own.push(index);
      else parts.set(member, [index]);
    }
  }
  return parts;
}
