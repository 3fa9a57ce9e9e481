// When executions of subscriptions run: a bounded amount of work at a time, accounts that have spent least first, in slices that leave
// the event loop to others. Live work and replay have a lane each, so that neither waits for the other.
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { AccountBudgets, type BudgetOptions } from './account-budgets.js';
import { TimeSlicer, type SliceOptions, WeightedSemaphore } from './flow-control.js';

/** Cost, in fields, of what is executed and not written yet in a lane: as much as a single event may cost. */
export const MAX_INSIDE = 5_000;

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
/** ms in which members of a group who come back one after the other are gathered. */
const GATHER_MS = 25;
const ROUNDS: BudgetOptions = { ...BUDGET, perSecond: 20, instancePerSecond: 100 };

const LIVE: SliceOptions = { workMs: 4 };
const REPLAY: SliceOptions = { workMs: 2, limit: { restMs: 3, duty: 0.4, burstMs: 100 } };

export class Lane {
  readonly slicer: TimeSlicer;
  /** How often the budget of an account was found to be spent. */
  refused = 0;
  private readonly budgets = new AccountBudgets(BUDGET);
  private readonly semaphore = new WeightedSemaphore(MAX_INSIDE);

  constructor(slices: SliceOptions) {
    this.slicer = new TimeSlicer(slices);
  }

  /** Whether all of these accounts have spent what they may for now. */
  isExhausted(accounts: readonly string[]): boolean {
    const exhausted = this.budgets.areExhausted(accounts);
    if (exhausted) this.refused += 1;
    return exhausted;
  }

  /** How many wait for their turn. */
  get queued(): number {
    return this.semaphore.queued;
  }

  /** Runs `work`, which costs so many fields and is charged to `accounts`, when it is their turn. */
  async run<T>(cost: number, accounts: readonly string[], work: () => Promise<T>): Promise<T> {
    const rank = this.budgets.charge(accounts, cost);
    await this.semaphore.acquire(cost, rank);
    try {
      return await work();
    } finally {
      this.semaphore.release(cost);
    }
  }
}

@Injectable()
export class ExecutionScheduler {
  readonly live = new Lane(LIVE);
  readonly replay = new Lane(REPLAY);
  private readonly rounds = new WeightedSemaphore(MAX_ROUNDS);
  private readonly roundBudgets = new AccountBudgets(ROUNDS);

  /** How many groups wait for a round of replay. */
  get waitingReplays(): number {
    return this.rounds.queued;
  }

  /**
   * Runs a round of replay: a page for everyone of a group who is within it. Accounts that had the fewest go first. When many come back
   * at once, rounds are less frequent, so that more of a group share each.
   */
  async replayRound(accounts: readonly string[], work: () => Promise<void>): Promise<void> {
    if (this.replay.slicer.limited) await pause(GATHER_MS);
    await this.rounds.acquire(1, this.roundBudgets.charge(accounts, 1));
    try {
      await work();
    } finally {
      this.rounds.release(1);
    }
  }
}
