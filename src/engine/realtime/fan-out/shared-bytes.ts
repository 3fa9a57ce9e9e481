// Bytes that accounts hold, by content: an item that an account holds several times counts once for it, and once in the total.

interface Item {
  readonly bytes: number;
  /** How often each account holds it. */
  readonly holders: Map<string, number>;
}

export class SharedBytes {
  /** Bytes of all items, each counted once. */
  total = 0;
  private readonly items = new Map<string, Item>();
  private readonly accounts = new Map<string, number>();

  /** Bytes of the items that the account holds. */
  of(account: string): number {
    return this.accounts.get(account) ?? 0;
  }

  isCounted(account: string, key: string): boolean {
    return this.items.get(key)?.holders.has(account) === true;
  }

  /** Whether all is within `most` once this item is held. */
  fits(key: string, bytes: number, most: number): boolean {
    return this.items.has(key) || this.total + bytes <= most;
  }

  take(account: string, key: string, bytes: number): void {
    const item = this.items.get(key) ?? { bytes, holders: new Map<string, number>() };
    if (item.holders.size === 0) this.total += item.bytes;
    const count = item.holders.get(account) ?? 0;
    if (count === 0) this.accounts.set(account, this.of(account) + item.bytes);
    this.items.set(key, item);
    item.holders.set(account, count + 1);
  }

  /** Takes back one `take`. */
  drop(account: string, key: string): void {
    const item = this.items.get(key);
    const count = item?.holders.get(account);
    if (!item || count === undefined) return;
    if (count > 1) {
      item.holders.set(account, count - 1);
      return;
    }
    item.holders.delete(account);
    const left = this.of(account) - item.bytes;
    if (left > 0) this.accounts.set(account, left);
    else this.accounts.delete(account);
    if (item.holders.size > 0) return;
    this.items.delete(key);
    this.total -= item.bytes;
  }
}
