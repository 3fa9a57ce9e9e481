// Heavy work, one piece per turn of the event loop. Each lane has a share of the time: after a piece it rests until that share is kept.
// While the event loop is busy with other work, the rest is up to four times as long, so that pieces start in the gaps between it.
import { performance } from 'node:perf_hooks';
import type { Owner } from './client-network.js';
import { FairQueue } from './fair-queue.js';
import type { Standing } from './standing.js';

/** A piece of work that waits for its turn. */
export interface Piece {
  /** False when nobody waits for it any more: it is dropped. */
  wanted(): boolean;
  /** Starts it. What it does before the event loop goes on is measured. */
  start(): void;
  /** Is told what it took, in ms of this thread; returns the ms that its lane is charged for all that it will take. */
  settle(ms: number): number;
}

/** ms of work that a lane may do without a rest after it was idle. */
const BURST_MS = 4;
/** ms that one piece is charged to its lane at most: a stall of the machine is nobody's fault. */
const MAX_PIECE_MS = 400;

/** Part of its share that a lane has while the event loop is busy. */
const BUSY_SHARE = 1 / 4;

/** ms by which CPU time of a thread may be late. */
const TICK_MS = 4;

/** ms since the start, and those of them in which the event loop had nothing to do. */
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

  /** `share` of the time in which the event loop has nothing else to do, from 0 to 1. */
  constructor(
    readonly name: string,
    private readonly share: number,
    private readonly time: () => LoopTime = loopTime,
  ) {
    this.credited = time();
  }

  /** ms until it may do the next piece, if the event loop is idle for so long. */
  get rest(): number {
    const time = this.time();
    const elapsed = time.now - this.credited.now;
    const idle = Math.min(time.idle - this.credited.idle, elapsed);
    this.credit = Math.min(BURST_MS, this.credit + (idle + (elapsed - idle) * BUSY_SHARE) * this.share);
    this.credited = time;
    return this.credit > 0 ? 0 : Math.ceil(-this.credit / this.share);
  }

  /** `ms` were measured, `charged` ms are to be kept free of more. */
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

  /** Timers are a rest: an immediate runs before what the event loop has to do for others. */
  private schedule(): void {
    if (this.running || this.stopped) return;
    // A lane that has just got work may not have to rest.
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
    // All that the piece does in microtasks is done before the second immediate of the same check phase.
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

/** ms of work since `before`: time in which others had the core is not counted, as far as the kernel's ticks tell. */
function since(before: Moment): number {
  const now = moment();
  const elapsed = now.clock - before.clock;
  const used = now.cpu - before.cpu + TICK_MS;
  return used < elapsed ? used : elapsed;
}
