// Spending of accounts by the generic cell rate algorithm, which keeps for each account the time until which its spending is paid for.
// Orders accounts (the least spending goes first, and none waits indefinitely) and tells which of them have spent too much.

export interface BudgetOptions {
  /** The rate and the burst of one account. */
  readonly perSecond: number;
  readonly burst: number;
  /** The rate and the burst of all accounts together; beyond them each account has only `scarceBurst`. */
  readonly instancePerSecond: number;
  readonly instanceBurst: number;
  readonly scarceBurst: number;
}

/** Accounts that are kept before those whose spending is paid for are removed. */
const MAX_TRACKED = 10_000;

export class AccountBudgets {
  /** ms on the clock of `now`, by account. An account that is not here has spent nothing lately. */
  private readonly paidUntil = new Map<string, number>();
  private instancePaidUntil = 0;
  private sweepAt = MAX_TRACKED;

  constructor(
    private readonly options: BudgetOptions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Charges `cost` to `accounts` in equal parts. Returns the rank of the work: the time at which the account with the
   * least spending has paid for its earlier work.
   */
  charge(accounts: readonly string[], cost: number): number {
    const now = this.now();
    const { perSecond, instancePerSecond } = this.options;
    const share = (cost / Math.max(accounts.length, 1) / perSecond) * 1_000;
    let rank = Number.POSITIVE_INFINITY;
    for (const account of accounts) {
      const from = Math.max(now, this.paidUntil.get(account) ?? 0);
      rank = Math.min(rank, from);
      this.paidUntil.set(account, from + share);
    }
    this.instancePaidUntil = Math.max(now, this.instancePaidUntil) + (cost / instancePerSecond) * 1_000;
    this.sweep(now);
    return accounts.length > 0 ? rank : now;
  }

  /** Whether each of `accounts` has spent more than it may for now. */
  areExhausted(accounts: readonly string[]): boolean {
    const now = this.now();
    const allowed = now + (this.burst(now) / this.options.perSecond) * 1_000;
    return accounts.length > 0 && accounts.every((account) => (this.paidUntil.get(account) ?? 0) > allowed);
  }

  private burst(now: number): number {
    const { burst, scarceBurst, instanceBurst, instancePerSecond } = this.options;
    return this.instancePaidUntil - now > (instanceBurst / instancePerSecond) * 1_000 ? scarceBurst : burst;
  }

  private sweep(now: number): void {
    if (this.paidUntil.size < this.sweepAt) return;
    for (const [account, paidUntil] of this.paidUntil) if (paidUntil <= now) this.paidUntil.delete(account);
    this.sweepAt = Math.max(MAX_TRACKED, 2 * this.paidUntil.size);
  }
}
