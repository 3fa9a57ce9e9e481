// Connections that are lost all at once, as when a proxy restarts: closing one takes some 60 µs with all its listeners, and Node would close
// all of them in one iteration of the event loop. Here a few are closed in each iteration, and other work runs in between.
import type { Duplex } from 'node:stream';

/** Connections that are closed in one iteration of the event loop. */
export const CLOSES_PER_ITERATION = 20;

export class PacedCloser {
  private waiting: (() => void)[] = [];
  /** How many were closed in this iteration. */
  private closed = 0;
  private scheduled = false;

  /** From now on the connection, once it is destroyed, emits `close` in its iteration of the event loop. */
  attach(stream: Duplex): void {
    /* oxlint-disable no-underscore-dangle -- Node's name for the method that closes a stream */
    const destroy = stream._destroy.bind(stream);
    stream._destroy = (error, done) => this.closeOrQueue(() => destroy(error, done));
    /* oxlint-enable no-underscore-dangle */
  }

  private closeOrQueue(end: () => void): void {
    this.schedule();
    if (this.closed >= CLOSES_PER_ITERATION) {
      this.waiting.push(end);
      return;
    }
    this.closed += 1;
    end();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.closeNext());
  }

  private closeNext(): void {
    this.scheduled = false;
    const next = this.waiting.splice(0, CLOSES_PER_ITERATION);
    this.closed = next.length;
    if (next.length > 0) this.schedule();
    for (const end of next) end();
  }
}
