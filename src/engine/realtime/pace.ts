// Keeps long work from holding the event loop: everyone who works at one pace has a few ms together, then others have a turn.

/** ms of work between two turns of the event loop. */
const SLICE_MS = 4;

export class Pace {
  private since = performance.now();
  private turn: Promise<void> | undefined;

  /** Returns at once while there is time left in this turn. Call it as `if (pace.spent) await pace.rest()`. */
  async rest(): Promise<void> {
    while (this.spent) await this.nextTurn();
  }

  get spent(): boolean {
    return performance.now() - this.since > SLICE_MS;
  }

  private nextTurn(): Promise<void> {
    return (this.turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.turn = undefined;
        this.since = performance.now();
        resolve();
      });
    }));
  }
}
