// Clients that come back all at once: their upgrades, sign-ins and subscriptions are taken in batches of a few ms, networks and accounts
// by turns, with a share of the event loop that leaves time for those who are connected already.
import type { Owner } from '../../limits/client-network.js';
import { FairQueue } from '../../limits/fair-queue.js';

/** ms of work of a batch, and the share of the time that all batches have. In a batch, what they read is read together. */
const WORK_MS = 3;
const SHARE = 0.4;
/** Entries that are started in one turn of the event loop at most. */
const CHUNK = 8;
/** ms of a chunk that count: beyond that others had the core. */
const MAX_CHUNK_MS = 20;
/** Upgrades, sign-ins and subscriptions that wait. */
const MAX_WAITING = 20_000;

interface Entry {
  readonly wanted: () => boolean;
  readonly enter: (taken: boolean) => void;
}

export class ConnectionTurns {
  /** How many were refused. */
  refused = 0;
  private readonly queue = new FairQueue<Entry>();
  private running = false;
  /** ms of this batch. */
  private used = 0;

  /** How many wait. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Resolves in its turn; `false`: it is not `wanted` any more, or too many wait. */
  enter(owner: Owner, wanted: () => boolean): Promise<boolean> {
    if (this.waiting >= MAX_WAITING) {
      this.refused += 1;
      return Promise.resolve(false);
    }
    return new Promise((enter) => {
      this.queue.push(owner, { wanted, enter });
      if (this.running) return;
      this.running = true;
      setImmediate(() => this.turn());
    });
  }

  /** All immediates that are set here run in the next check phase: what an entry does in microtasks is done before the one after it. */
  private turn(): void {
    let since: number | undefined;
    for (let n = 0; n < CHUNK; n += 1) {
      setImmediate(() => {
        since ??= performance.now();
        if (this.used + performance.now() - since < WORK_MS) this.startNext();
      });
    }
    setImmediate(() => {
      this.used += Math.min(performance.now() - (since ?? 0), MAX_CHUNK_MS);
      this.turned();
    });
  }

  private turned(): void {
    if (this.used >= WORK_MS) {
      // A timer is a rest: an immediate runs before what the event loop has to do for others.
      setTimeout(() => this.turned(), this.used / SHARE - this.used);
      this.used = 0;
    } else if (this.waiting > 0) this.turn();
    else {
      this.running = false;
      this.used = 0;
    }
  }

  private startNext(): void {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const wanted = next.wanted();
      next.enter(wanted);
      if (wanted) return;
    }
  }
}
