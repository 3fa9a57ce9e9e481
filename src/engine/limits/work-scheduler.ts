// Runs heavy work one piece per turn of the event loop. Each lane has a share of the time: after a piece it rests until the share is
// kept, up to four times longer while the event loop is busy, so that pieces start in idle gaps.
import { performance } from 'node:perf_hooks';
import type { Owner } from './client-network.js';
import { FairQueue } from './fair-queue.js';
import type { RecentCosts } from './recent-costs.js';

/** A waiting piece of work. */
export interface WorkItem {
  /** False when the result is not needed any more: it is dropped. */
  wanted(): boolean;
  /** Starts it. Its synchronous part is measured. */
  start(): void;
  /** Called with the measured ms of this thread; returns the ms to charge to the lane. */
  settle(ms: number): number;
}

/** ms of work without a rest after a lane was idle. */
const BURST_MS = 4;
/** Upper limit of ms charged for one piece: stalls of the machine are not charged. */
const MAX_ITEM_MS = 400;

/** Fraction of its share that a lane keeps while the event loop is busy. */
const BUSY_SHARE = 1 / 4;

/** ms by which the CPU time of a thread may be delayed. */
const TICK_MS = 4;

/** ms since the start, and idle ms of the event loop. */
export interface LoopTime {
  readonly now: number;
  readonly idle: number;
}

const loopTime = (): LoopTime => ({ now: performance.now(), idle: performance.eventLoopUtilization().idle });

export class WorkQueue {
  readonly items = new FairQueue<WorkItem>();
  /** Seconds of work so far. */
  busySeconds = 0;
  private credit = BURST_MS;
  private credited: LoopTime;

  /** `share` of the idle event loop's time, from 0 to 1. */
  constructor(
    readonly name: string,
    private readonly share: number,
    private readonly time: () => LoopTime = loopTime,
  ) {
    this.credited = time();
  }

  /** ms until the next piece may run, if the event loop stays idle. */
  get delay(): number {
    const time = this.time();
    const elapsed = time.now - this.credited.now;
    const idle = Math.min(time.idle - this.credited.idle, elapsed);
    this.credit = Math.min(BURST_MS, this.credit + (idle + (elapsed - idle) * BUSY_SHARE) * this.share);
    this.credited = time;
    return this.credit > 0 ? 0 : Math.ceil(-this.credit / this.share);
  }

  /** `ms` were measured; `charged` ms count for the rest. */
  charge(ms: number, charged: number): void {
    this.busySeconds += ms / 1_000;
    this.credit -= Math.min(charged, MAX_ITEM_MS);
  }
}

export class WorkScheduler {
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private stopped = false;

  /** Lanes in the order of their turns. */
  constructor(
    private readonly queues: WorkQueue[],
    private readonly recentCosts: RecentCosts,
  ) {}

  add(lane: WorkQueue, owner: Owner, piece: WorkItem, bytes: number): void {
    lane.items.push(owner, piece, bytes);
    this.schedule();
  }

  /** Starts nothing more. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Rests use timers: an immediate would run before other work of the event loop. */
  private schedule(): void {
    if (this.running || this.stopped) return;
    // A lane with new work may not need a rest.
    clearTimeout(this.timer);
    const rests = this.queues.filter(({ items }) => items.size > 0).map(({ delay }) => delay);
    if (rests.length === 0) return;
    const rest = Math.min(...rests);
    if (rest > 0) {
      this.timer = setTimeout(() => this.schedule(), rest);
      return;
    }
    this.running = true;
    setImmediate(() => this.runNext());
  }

  private runNext(): void {
    if (this.stopped) return;
    const lane = this.queues.find(({ items, delay }) => items.size > 0 && delay === 0);
    const piece = lane && this.nextWanted(lane);
    if (!lane || !piece) return this.finished();
    this.queues.push(...this.queues.splice(this.queues.indexOf(lane), 1));
    const before = cpuTime();
    // All microtasks of the piece end before the second immediate of the same check phase.
    setImmediate(() => {
      const spent = workSince(before);
      lane.charge(spent, piece.settle(spent));
      this.finished();
    });
    piece.start();
  }

  private nextWanted({ items }: WorkQueue): WorkItem | undefined {
    const spent = (name: string) => this.recentCosts.of(name);
    for (let piece = items.shift(spent); piece; piece = items.shift(spent)) if (piece.wanted()) return piece;
    return undefined;
  }

  private finished(): void {
    this.running = false;
    this.schedule();
  }
}

interface CpuTime {
  readonly clock: number;
  readonly cpu: number;
}

function cpuTime(): CpuTime {
  const { user, system } = process.threadCpuUsage?.() ?? { user: Number.POSITIVE_INFINITY, system: 0 };
  return { clock: performance.now(), cpu: (user + system) / 1_000 };
}

/** ms of work since `before`, without time in which others had the core, at the kernel's tick resolution. */
function workSince(before: CpuTime): number {
  const now = cpuTime();
  const elapsed = now.clock - before.clock;
  const used = now.cpu - before.cpu + TICK_MS;
  return used < elapsed ? used : elapsed;
}
