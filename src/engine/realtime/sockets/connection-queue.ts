// A fair queue for clients that reconnect all at once: their upgrades, sign-ins and subscriptions start in batches of a few ms, round-robin
// by network and account, with a share of the event loop that leaves time for connected clients.
import type { Owner } from '../../limits/client-network.js';
import { FairQueue } from '../../limits/fair-queue.js';

/** ms of work of a batch, and the share of time for all batches. Entries of a batch share their database reads. */
const WORK_MS = 3;
const SHARE = 0.4;
/** Entries that are started in one iteration of the event loop, at most. */
const CHUNK = 8;
/** ms of a chunk that count: beyond that others had the core. */
const MAX_CHUNK_MS = 20;
/** Upgrades, sign-ins and subscriptions that wait. */
const MAX_WAITING = 20_000;

interface Entry {
  readonly wanted: () => boolean;
  readonly settle: (admitted: boolean) => void;
}

export class ConnectionQueue {
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

  /** Resolves when it may start; `false`: it is not `wanted` any more, or too many wait. */
  admit(owner: Owner, wanted: () => boolean): Promise<boolean> {
    if (this.waiting >= MAX_WAITING) {
      this.refused += 1;
      return Promise.resolve(false);
    }
    return new Promise((settle) => {
      this.queue.push(owner, { wanted, settle });
      if (this.running) return;
      this.running = true;
      setImmediate(() => this.runChunk());
    });
  }

  /** All immediates that are set here run in the next check phase: what an entry does in microtasks is done before the one after it. */
  private runChunk(): void {
    let since: number | undefined;
    for (let n = 0; n < CHUNK; n += 1) {
      setImmediate(() => {
        since ??= performance.now();
        if (this.used + performance.now() - since < WORK_MS) this.startNext();
      });
    }
    setImmediate(() => {
      this.used += Math.min(performance.now() - (since ?? 0), MAX_CHUNK_MS);
      this.ranChunk();
    });
  }

  private ranChunk(): void {
    if (this.used >= WORK_MS) {
      // A timer leaves the event loop to other work; an immediate would run before it.
      setTimeout(() => this.ranChunk(), this.used / SHARE - this.used);
      this.used = 0;
    } else if (this.waiting > 0) this.runChunk();
    else {
      this.running = false;
      this.used = 0;
    }
  }

  private startNext(): void {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const wanted = next.wanted();
      next.settle(wanted);
      if (wanted) return;
    }
  }
}
