// Connections that are lost all at once, as when a proxy restarts: to end one takes some 60 µs with everything that hears of it, and
// Node would end all that it finds lost in one turn of the event loop. Here a few are ended in each, and others are served between.
import type { Duplex } from 'node:stream';

/** Connections that are ended in one turn of the event loop. */
export const ENDINGS_PER_TURN = 20;

export class ConnectionEndings {
  private waiting: (() => void)[] = [];
  /** How many were ended in this turn. */
  private ended = 0;
  private turnDue = false;

  /** From now on the connection, once it is destroyed, is closed and says so in its turn. */
  spread(stream: Duplex): void {
    /* oxlint-disable no-underscore-dangle -- Node's own name of what closes a stream */
    const destroy = stream._destroy.bind(stream);
    stream._destroy = (error, done) => this.enter(() => destroy(error, done));
    /* oxlint-enable no-underscore-dangle */
  }

  private enter(end: () => void): void {
    this.nextTurn();
    if (this.ended >= ENDINGS_PER_TURN) {
      this.waiting.push(end);
      return;
    }
    this.ended += 1;
    end();
  }

  private nextTurn(): void {
    if (this.turnDue) return;
    this.turnDue = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.turnDue = false;
    const next = this.waiting.splice(0, ENDINGS_PER_TURN);
    this.ended = next.length;
    if (next.length > 0) this.nextTurn();
    for (const end of next) end();
  }
}
