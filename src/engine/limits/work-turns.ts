// Runs heavy work one piece per turn of the event loop. Each lane has a share of the time: after a piece it rests until the share is
// kept, up to four times longer while the event loop is busy, so that pieces start in idle gaps.
import { performance } from 'node:perf_hooks';
import type { Owner } from './client-network.js';
import { FairQueue } from './fair-queue.js';
import type { Standing } from './standing.js';

/** A waiting piece of work. */
export interface Piece {
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
const MAX_PIECE_MS = 400;

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

export class Lane {
  readonly queue = new FairQueue<Piece>();
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
  get rest(): number {
    const time = this.time();
    const elapsed = time.now - this.credited.now;
    const idle = Math.min(time.idle - this.credited.idle, elapsed);
    this.credit = Math.min(BURST_MS, this.credit + (idle + (elapsed - idle) * BUSY_SHARE) * this.share);
    this.credited = time;
    return this.credit > 0 ? 0 : Math.ceil(-this.credit / this.share);
  }

  /** `ms` were measured; `charged` ms count for the rest. */
  spent(ms: number, charged: number): void {
    this.busySeconds += ms / 1_000;
    this.credit -= Math.min(charged, MAX_PIECE_MS);
  }
}

export class WorkTurns {
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private stopped = false;

  /** Lanes in the order of their turns. */
  constructor(
    private readonly lanes: Lane[],
    private readonly standing: Standing,
  ) {}

  add(lane: Lane, owner: Owner, piece: Piece, bytes: number): void {
    lane.queue.push(owner, piece, bytes);
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
    const rests = this.lanes.filter(({ queue }) => queue.size > 0).map(({ rest }) => rest);
    if (rests.length === 0) return;
    const rest = Math.min(...rests);
    if (rest > 0) {
      this.timer = setTimeout(() => this.schedule(), rest);
      return;
    }
    this.running = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    if (this.stopped) return;
    const lane = this.lanes.find(({ queue, rest }) => queue.size > 0 && rest === 0);
    const piece = lane && this.nextWanted(lane);
    if (!lane || !piece) return this.turned();
    this.lanes.push(...this.lanes.splice(this.lanes.indexOf(lane), 1));
    const before = moment();
    // All microtasks of the piece end before the second immediate of the same check phase.
    setImmediate(() => {
      const spent = since(before);
      lane.spent(spent, piece.settle(spent));
      this.turned();
    });
    piece.start();
  }

  private nextWanted({ queue }: Lane): Piece | undefined {
    const spent = (name: string) => this.standing.of(name);
    for (let piece = queue.shift(spent); piece; piece = queue.shift(spent)) if (piece.wanted()) return piece;
    return undefined;
  }

  private turned(): void {
    this.running = false;
    this.schedule();
  }
}

interface Moment {
  readonly clock: number;
  readonly cpu: number;
}

function moment(): Moment {
  const { user, system } = process.threadCpuUsage?.() ?? { user: Number.POSITIVE_INFINITY, system: 0 };
  return { clock: performance.now(), cpu: (user + system) / 1_000 };
}

/** ms of work since `before`, without time in which others had the core, at the kernel's tick resolution. */
function since(before: Moment): number {
  const now = moment();
  const elapsed = now.clock - before.clock;
  const used = now.cpu - before.cpu + TICK_MS;
  return used < elapsed ? used : elapsed;
}
