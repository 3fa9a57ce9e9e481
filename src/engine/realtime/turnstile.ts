// Lets work in as long as all that is inside costs no more than a bound, in fields; what is more waits in its order. One piece of
// work may cost anything: it is then alone. So what is made and not written yet is bounded, however much is asked for at once.

export class Turnstile {
  private inside = 0;
  private readonly waiting: { readonly cost: number; readonly enter: () => void }[] = [];

  constructor(private readonly most: number) {}

  /** Whether work of this cost may go in at once. If so, or after `turn`, it is inside until `leave`. */
  enter(cost: number): boolean {
    if (this.waiting.length > 0 || !this.fits(cost)) return false;
    this.inside += cost;
    return true;
  }

  /** Resolves when the work is inside. Call it as `if (!turnstile.enter(cost)) await turnstile.turn(cost)`. */
  turn(cost: number): Promise<void> {
    return new Promise((enter) => this.waiting.push({ cost, enter }));
  }

  leave(cost: number): void {
    this.inside -= cost;
    for (let next = this.waiting[0]; next && this.fits(next.cost); next = this.waiting[0]) {
      this.waiting.shift();
      this.inside += next.cost;
      next.enter();
    }
  }

  private fits(cost: number): boolean {
    return this.inside === 0 || this.inside + cost <= this.most;
  }
}
