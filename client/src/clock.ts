// Converts times of the service to the local clock, which may be wrong.

export class Clock {
  #offset = 0;

  /** Sets the current time of the service, an ISO 8601 string. */
  set(now: unknown): void {
    const time = Date.parse(String(now));
    if (time) this.#offset = Date.now() - time;
  }

  /** Current time of the service, ms since 1970. */
  now(): number {
    return Date.now() - this.#offset;
  }

  /** A time of the service on the local clock, ms since 1970; undefined if unknown. */
  at(time: unknown): number | undefined {
    return Date.parse(String(time)) + this.#offset || undefined;
  }

  /** The same for an expiry time that was just issued: 0 (unknown) if it seems to have passed already. */
  end(time: unknown): number {
    const at = this.at(time) ?? 0;
    return at > Date.now() + 2_000 ? at : 0;
  }
}
