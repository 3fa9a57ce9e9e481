// The accounts of a group's subscribers, to which its executions are charged in equal parts.

/** Accounts that pay for one execution. Which of a larger group it is changes with each, so that all pay alike. */
const MAX_PAYERS = 16;

export class GroupAccounts {
  /** By account, how many of its subscriptions are in the group. */
  private readonly counts = new Map<string, number>();
  private next: IterableIterator<string> = this.counts.keys();

  get size(): number {
    return this.counts.size;
  }

  add(account: string): void {
    this.counts.set(account, (this.counts.get(account) ?? 0) + 1);
  }

  remove(account: string): void {
    const count = (this.counts.get(account) ?? 0) - 1;
    if (count > 0) this.counts.set(account, count);
    else this.counts.delete(account);
  }

  /** The accounts that pay for the next execution. */
  payers(): readonly string[] {
    if (this.counts.size <= MAX_PAYERS) return [...this.counts.keys()];
    const payers = new Set<string>();
    while (payers.size < MAX_PAYERS) {
      const { done, value } = this.next.next();
      if (done) this.next = this.counts.keys();
      else payers.add(value);
    }
    return [...payers];
  }
}
