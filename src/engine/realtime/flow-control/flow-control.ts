// The one place that decides when executions of subscriptions run. Each execution has a lane, a weight, accounts and a timeout:
//   lane      live work and replay have one each, so that neither waits for the other
//   budget    the accounts are charged its cost; the least spending goes first, and exhausted accounts leave the live lane
//   weight    its cost in fields: the executions inside a lane weigh at most LANE_CAPACITY together, from start until written
//   time slice everything in a lane shares a few ms of the event loop, then other work runs
//   timeout   a late result is discarded, and the attempt releases its place; retries wait for a place again
// Does not know events, groups or subscribers.
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AccountBudgets, type BudgetOptions } from './account-budgets.js';
import type { GrowingTimeout } from './retries.js';
import { TimeSlicer, type SliceOptions } from './time-slicer.js';
import { WeightedSemaphore } from './weighted-semaphore.js';

/** Fields of the executions inside a lane, which are running or not written yet: as much as a single event may cost. */
const LANE_CAPACITY = 5_000;

/** Fields that an account may execute live, in a second and at once; and all of an instance, before each has `scarceBurst` alone. */
const BUDGET: BudgetOptions = {
  perSecond: 20_000,
  burst: 10_000,
  instancePerSecond: 200_000,
  instanceBurst: 100_000,
  scarceBurst: 1_000,
};

/** Groups that are replayed at a time; rounds that an account has in a second before others go first. */
const MAX_ROUNDS = 3;
/** ms in which subscribers of a group that reconnect one after the other are gathered. */
const BATCH_MS = 25;
const ROUNDS: BudgetOptions = { ...BUDGET, perSecond: 20, instancePerSecond: 100 };

const LIVE: SliceOptions = { workMs: 4 };
const REPLAY: SliceOptions = { workMs: 2, limit: { restMs: 3, duty: 0.4, burstMs: 100 } };

/** One attempt at an execution. */
export interface ExecutionAttempt {
  /** In fields. */
  readonly cost: number;
  /** The accounts that are charged, in equal parts, for each attempt. */
  readonly accounts: readonly string[];
  readonly timeout: GrowingTimeout;
}

/** Admits work by weight, that of the accounts which have spent least first. */
class FairSemaphore {
  private readonly budgets: AccountBudgets;
  private readonly semaphore: WeightedSemaphore;

  constructor(capacity: number, budget: BudgetOptions) {
    this.budgets = new AccountBudgets(budget);
    this.semaphore = new WeightedSemaphore(capacity);
  }

  /** How many wait. */
  get queued(): number {
    return this.semaphore.queued;
  }

  /** Whether each of the accounts has exhausted its budget. */
  isExhausted(accounts: readonly string[]): boolean {
    return this.budgets.areExhausted(accounts);
  }

  /** Charges `cost`, which is also the weight, to the accounts, and runs `work` when it is admitted. */
  async run<T>(cost: number, accounts: readonly string[], work: () => Promise<T>): Promise<T> {
    await this.semaphore.acquire(cost, this.budgets.charge(accounts, cost));
    try {
      return await work();
    } finally {
      this.semaphore.release(cost);
    }
  }
}

export class Lane {
  /** How often the budget of an account was found to be exhausted. */
  refused = 0;
  private readonly admission = new FairSemaphore(LANE_CAPACITY, BUDGET);
  private readonly slicer: TimeSlicer;

  constructor(slices: SliceOptions) {
    this.slicer = new TimeSlicer(slices);
  }

  /** How many executions wait to be admitted. */
  get queued(): number {
    return this.admission.queued;
  }

  /** Whether all of these accounts have spent their budget for now. */
  isExhausted(accounts: readonly string[]): boolean {
    const exhausted = this.admission.isExhausted(accounts);
    if (exhausted) this.refused += 1;
    return exhausted;
  }

  /** `items` in order, as many at a time as the lane may admit together, at least one. */
  *chunksOf<T>(items: readonly T[], costOfEach: number): Iterable<readonly T[]> {
    const size = Math.max(1, Math.floor(LANE_CAPACITY / costOfEach));
    for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
  }

  /** Runs `execute`, within the timeout, and then `write`, without one, once the attempt is admitted. It is inside until both have ended. */
  run<T, R>(
    { cost, accounts, timeout }: ExecutionAttempt,
    execute: () => Promise<T>,
    write: (result: T) => Promise<R>,
  ): Promise<R> {
    return this.admission.run(cost, accounts, async () => write(await timeout.run(execute)));
  }

  /** Whether the time slice is used up. Call it as `if (lane.sliceSpent) await lane.nextSlice()` before each unit of work. */
  get sliceSpent(): boolean {
    return this.slicer.spent;
  }

  /** Resolves when there is time left in a slice. */
  nextSlice(): Promise<void> {
    return this.slicer.rest();
  }

  /** Whether it has had more than its share of the time. */
  get limited(): boolean {
    return this.slicer.limited;
  }
}

@Injectable()
export class FlowControl {
  readonly live = new Lane(LIVE);
  readonly replay = new Lane(REPLAY);
  private readonly rounds = new FairSemaphore(MAX_ROUNDS, ROUNDS);

  /** How many groups wait for a round of replay. */
  get waitingReplays(): number {
    return this.rounds.queued;
  }

  /**
   * Runs a round of replay: a page of the log for everyone of a group who is within it, read and executed. A round bounds the pages in
   * memory; its executions are admitted to the replay lane each. When many subscribers reconnect at once, rounds are less frequent, so that
   * more of a group share each.
   */
  async replayRound(accounts: readonly string[], work: () => Promise<void>): Promise<void> {
    if (this.replay.limited) await pause(BATCH_MS);
    await this.rounds.run(1, accounts, work);
  }
}
