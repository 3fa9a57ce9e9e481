// How many events no ring has told of: what the doorbell loses, as the node that waits for it sees it.

export class LostRings {
  /** So far. A ring that takes longer than two looks of the timer is taken for lost. */
  count = 0;
  /** The last position that a ring has told of. */
  private rungUpTo = 0;
  /** Events that were found before any ring told of them: since the last look of the timer, and before it. */
  private young = new Set<number>();
  private old = new Set<number>();

  /** A ring has told of everything in a transaction that ends with `pos`; of its events, if it carries them. */
  rung(pos: number, carried: readonly { readonly pos: number }[]): void {
    this.rungUpTo = Math.max(this.rungUpTo, pos);
    if (this.young.size + this.old.size === 0) return;
    // One that carries none is of a large transaction, whose beginning it does not tell: everything before it is forgiven.
    const told = carried.length > 0 ? carried.map((event) => event.pos) : [...this.old, ...this.young];
    for (const place of told) {
      if (place > pos) continue;
      this.young.delete(place);
      this.old.delete(place);
    }
  }

  /** The event at `pos` was found by looking. */
  found(pos: number): void {
    if (pos > this.rungUpTo) this.young.add(pos);
  }

  /** The timer looks. */
  tick(): void {
    this.count += this.old.size;
    this.old = this.young;
    this.young = new Set();
  }
}
