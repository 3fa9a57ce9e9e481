// Owns the way from a batch to frames: executes each event once for a permission class, and writes the payload to every subscriber of the
// class, in its order and under its rights at that moment. Does not know who subscribes, or where in the log anyone is: groups decide that.
//
// The path of an event, from commit to frame:
//   Hub.applied         the log follower has applied it; groups of its resource are offered it
//   Group.offer         Audience makes one batch for each permission class; the batch waits in the group
//   Hub.deliverDue      groups that have batches start, the largest first, with one shared cache of reads
//   Group.deliver       decides between the live lane and, with an exhausted budget, replay
//   Delivery.deliver    chunks that fit into the lane, each retried while the database is unavailable
//   Lane.run            admission by budget and weight, then `execute` within its timeout, then `write`
//   Delivery.write      skips, stops or writes frames to the socket of each subscriber
// A subscriber that is behind starts at Replay instead, which reads batches from the log and calls Delivery.deliver with the replay lane.
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { CachedReads } from '../../access/cached-reads.js';
import { LogFollower } from '../../events/log-follower.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { FlowControl, type Lane } from '../flow-control/flow-control.js';
import { EXECUTION_TIMEOUT_MS, GrowingTimeout, retryWhileUnavailable } from '../flow-control/retries.js';
import type { DeliveryBatch } from './delivery-batch.js';
import { DeliveryLatency } from './delivery-latency.js';
import { EventExecutions } from './event-executions.js';
import { FrameLayout } from './frames.js';
import type { Subscriber } from './subscriber.js';

/** How batches are executed and written: the operation of a group, with cached reads that are at least as new as they are. */
export interface DeliveryOptions {
  readonly plan: SharingPlan;
  readonly reads: CachedReads;
  readonly lane: Lane;
  /** The accounts that executions are charged to. */
  readonly payers: readonly string[];
  /** At the head of the log: its latency is measured. */
  readonly live?: boolean;
  /** Whether the subscriber still belongs here; one that has moved meanwhile receives the batch at its new place, after what precedes it. */
  readonly includes: (subscriber: Subscriber) => boolean;
}

/** Called when delivery to a subscriber stops for now: everything up to `pos` has been written to it. */
export type OnStop = (subscriber: Subscriber, pos: number, lags: boolean) => void;

/** Batches with their payloads, which are written to one subscriber after the other. */
interface Writing {
  readonly batches: readonly DeliveryBatch[];
  readonly payloads: readonly Buffer[];
  readonly plan: SharingPlan;
  readonly layout: FrameLayout;
  readonly onStop: OnStop;
}

@Injectable()
export class Delivery implements OnApplicationShutdown {
  /** Grows with every event that changes anybody's rights. */
  rightsVersion = 0;
  /** Events written to subscribers so far, and the bytes of them. */
  deliveries = 0;
  bytes = 0;
  /** How often a subscriber has begun to catch up from the log. */
  catchUps = 0;
  /** ms for the first attempt. */
  executionTimeout = EXECUTION_TIMEOUT_MS;
  /** The cache that replaces one in which a read has failed, for all executions that shared it. */
  private readonly successors = new WeakMap<CachedReads, CachedReads>();
  private stopped = false;

  constructor(
    private readonly maker: EventExecutions,
    private readonly follower: LogFollower,
    private readonly latency: DeliveryLatency,
    readonly flow: FlowControl,
  ) {}

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  /** Delivers `batches`, which are in order. False: the plan cannot be shared after all, and the rest was not delivered. */
  async deliver(batches: readonly DeliveryBatch[], options: DeliveryOptions, onStop: OnStop): Promise<boolean> {
    const { plan, lane } = options;
    let { reads } = options;
    for (const chunk of lane.chunksOf(batches, plan.cost)) {
      const timeout = new GrowingTimeout(this.executionTimeout);
      const delivered = await this.retry(async () => {
        try {
          return await this.deliverChunk(chunk, { ...options, reads }, onStop, timeout);
        } catch (error) {
          reads = this.successorOf(reads);
          throw error;
        }
      });
      if (!delivered) return false;
    }
    if (options.live) for (const { event } of batches) this.latency.written(event);
    return true;
  }

  /** One attempt. Nothing is written until all of it is executed, so that a retry delivers nothing twice. */
  private async deliverChunk(
    batches: readonly DeliveryBatch[],
    options: DeliveryOptions,
    onStop: OnStop,
    timeout: GrowingTimeout,
  ): Promise<boolean> {
    const { plan, lane, payers, includes } = options;
    if (!batches.some(({ subscribers }) => subscribers.some(includes))) return true;
    return lane.run(
      { cost: batches.length * plan.cost, accounts: payers, timeout },
      () => this.execute(batches, options),
      async (payloads) => {
        if (!payloads) return false;
        await this.ensureFresh();
        await this.writeAll({ batches, payloads, plan, layout: new FrameLayout(), onStop }, options);
        return true;
      },
    );
  }

  /** Waits until this instance has read the log to its head: an unread event may have revoked a right. */
  async ensureFresh(): Promise<void> {
    while (!this.follower.fresh) await this.retry(() => this.follower.ensureFresh());
  }

  /** Executions so far. */
  get executions(): number {
    return this.maker.count;
  }

  /** An empty cache of reads. */
  newReads(): CachedReads {
    return this.maker.newReads();
  }

  /** Retries `work` while the database or the log is unavailable. Rejects when the service stops. */
  retry<T>(work: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(work, () => this.stopped);
  }

  private async execute(
    batches: readonly DeliveryBatch[],
    { plan, reads, lane }: DeliveryOptions,
  ): Promise<Buffer[] | undefined> {
    const executions: Promise<Buffer | undefined>[] = [];
    for (const batch of batches) {
      if (lane.sliceSpent) await lane.nextSlice();
      const payload = this.maker.payloadFor(plan, batch, reads);
      // A failure is thrown below: until then others are still being started.
      payload.catch(() => {});
      executions.push(payload);
    }
    // The lane counts all of them until the last one has ended.
    await Promise.allSettled(executions);
    const payloads = await Promise.all(executions);
    return payloads.includes(undefined) ? undefined : (payloads as Buffer[]);
  }

  /** Loaders cache failures: the next attempt needs an empty cache. */
  private successorOf(reads: CachedReads): CachedReads {
    const successor = this.successors.get(reads) ?? this.newReads();
    this.successors.set(reads, successor);
    return successor;
  }

  private async writeAll(writing: Writing, { lane, includes }: DeliveryOptions): Promise<void> {
    const { batches } = writing;
    const subscribers = batches[0]?.subscribers ?? [];
    // Mostly all batches are for the very same subscribers.
    const indexes = batches.every((batch) => batch.subscribers === subscribers) ? undefined : indexesOf(batches);
    const all = [...batches.keys()];
    for (const subscriber of indexes?.keys() ?? subscribers) {
      if (lane.sliceSpent) await lane.nextSlice();
      if (includes(subscriber)) this.write(subscriber, indexes?.get(subscriber) ?? all, writing);
    }
  }

  private write(subscriber: Subscriber, indexes: readonly number[], writing: Writing): void {
    const { batches, payloads, plan, onStop } = writing;
    const before = subscriber.pos;
    const delivered: Buffer[] = [];
    let stopAt: number | undefined;
    for (const index of indexes) {
      const batch = batches[index]!;
      const { event } = batch;
      if (subscriber.closed || event.pos <= before) continue;
      if (batch.rightsVersion !== this.rightsVersion) {
        const verdict = subscriber.verdict(event);
        // Payloads that are not written yet are discarded with it.
        if (verdict instanceof Error) return subscriber.fail(verdict);
        if (verdict === 'skip') continue;
        if (plan.classOf(subscriber.rights, event.resource.id) !== batch.permission) {
          stopAt = event.pos - 1;
          break;
        }
      }
      delivered.push(payloads[index]!);
      subscriber.pos = event.pos;
    }
    if (delivered.length > 0 && subscriber.socket.lagging) {
      subscriber.pos = before;
      return onStop(subscriber, batches[indexes[0]!]!.event.pos - 1, true);
    }
    if (delivered.length > 0) this.send(subscriber, delivered, writing.layout);
    if (stopAt !== undefined) onStop(subscriber, stopAt, false);
  }

  private send(subscriber: Subscriber, payloads: readonly Buffer[], layout: FrameLayout): void {
    const bytes = layout.framesOf(subscriber.envelope, payloads);
    if (!subscriber.socket.write(bytes)) layout.kept();
    this.deliveries += payloads.length;
    this.bytes += bytes.length;
  }
}

/** For each subscriber, the indexes of its batches, in order. */
function indexesOf(batches: readonly DeliveryBatch[]): Map<Subscriber, readonly number[]> {
  const indexes = new Map<Subscriber, number[]>();
  for (const [index, { subscribers }] of batches.entries()) {
    for (const subscriber of subscribers) {
      const own = indexes.get(subscriber);
      if (own) own.push(index);
      else indexes.set(subscriber, [index]);
    }
  }
  return indexes;
}
