// Times of the service on the clock of this machine, which may be wrong.

export class Clock {
  #offset = 0;

  /** What the service says that it is now. */
  set(now: unknown): void {
    const time = Date.parse(String(now));
    if (time) this.#offset = Date.now() - time;
  }

  /** ms since 1970; undefined: it is not known. */
  at(time: unknown): number | undefined {
    return Date.parse(String(time)) + this.#offset || undefined;
  }

  /** The same of what has just begun: 0 if it seems to be over already. */
  end(time: unknown): number {
    const at = this.at(time) ?? 0;
    return at > Date.now() + 2_000 ? at : 0;
  }
}
