// Follows the log to its head, position by position, and hands each event on once and in order: to what holds rights
// first, then to what delivers. Rings make it look at once, a timer makes it look anyway, and it knows how fresh it is.
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { answered } from '../database/answered.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import { type LogRing, PUB_SUB, type PubSub } from '../pubsub/doorbell.port.js';
import type { Position } from './cursor.js';
import { isLogEvent, type LogEvent } from './log-event.js';
import { LostRings } from './lost-rings.js';
import { LogBrokenError, LogReader } from './log-reader.js';

/** Rights hear of an event before anything that delivers it. */
export type FollowPhase = 'rights' | 'delivery';
export type LogListener = (event: LogEvent) => void;

/** ms between two looks at the log without any ring: the bound on latency when every ring is lost. */
export const POLL_INTERVAL_MS = 500;
/** ms since the last look that reached the head, after which nothing is served before looking again. */
const STALE_AFTER_MS = 2_000;
/** ms between two looks, or questions whether they are recent, after which this process has not been running. */
const ASLEEP_AFTER_MS = 750;
/** ms that a request waits for such a look before it gets `SERVICE_UNAVAILABLE`. */
const FRESHEN_TIMEOUT_MS = 1_000;
/** ms after which a read is given up. */
const READ_TIMEOUT_MS = 5_000;
const PAGE = 500;
/** Events kept in memory for deliveries that are a little behind. */
const RECENT = 2_048;

@Injectable()
export class LogFollower implements OnApplicationShutdown {
  private readonly logger = new Logger(LogFollower.name);
  private readonly listeners: Record<FollowPhase, Set<LogListener>> = { rights: new Set(), delivery: new Set() };
  private readonly brokenListeners = new Set<() => void>();
  private readonly waiting = new Set<{ pos: number; wake: () => void }>();
  private recent: LogEvent[] = [];
  private looking: Promise<void> | undefined;
  private lookAgain = false;
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void)[] = [];
  private confirmedAt = Number.NEGATIVE_INFINITY;
  private beatAt = Number.NEGATIVE_INFINITY;
  private wokeAt = Number.NEGATIVE_INFINITY;
  private readonly lostRings = new LostRings();
  /** The failure that was logged last, until a look succeeds. */
  private failure: string | undefined;
  /** The log that answers is another than the one followed: rings of it are not for us either. */
  private broken = false;
  private stopped = false;
  /** Which log is followed; rings of others are not for us. */
  identity = '';
  /** The last event handed on: whatever is read from now on is at least as new. */
  position: Position = { pos: 0, nonce: '' };

  constructor(
    private readonly reader: LogReader,
    @Inject(PUB_SUB) private readonly doorbell: PubSub,
  ) {}

  /** Starts at the present head: what came before is in the tables that everyone reads. */
  async start(): Promise<void> {
    const startedAt = performance.now();
    this.identity = await this.reader.identity();
    this.position = await this.reader.head();
    this.confirmedAt = startedAt;
    if (this.stopped) return;
    this.unsubscribe = [
      this.doorbell.subscribe('log', (ring) => {
        if (ring.log === this.identity) this.heard(ring);
      }),
      this.doorbell.onRecovered(() => void this.look()),
    ];
    this.timer = setInterval(() => {
      this.lostRings.tick();
      void this.look();
    }, POLL_INTERVAL_MS);
    await this.look();
  }

  onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    for (const waiter of this.waiting) waiter.wake();
    return this.looking ?? Promise.resolve();
  }

  /** Hears every event from now on, synchronously, in order. Returns the way to stop. */
  on(phase: FollowPhase, listener: LogListener): () => void {
    this.listeners[phase].add(listener);
    return () => this.listeners[phase].delete(listener);
  }

  /** Calls `listener` whenever another log than the one followed is found: what was handed on is not in it. */
  onBroken(listener: () => void): void {
    this.brokenListeners.add(listener);
  }

  /** `pos` of the last event handed on. */
  get applied(): number {
    return this.position.pos;
  }

  /** Events so far that it has found without any ring. */
  get ringsLost(): number {
    return this.lostRings.count;
  }

  /** When the last look began that reached the head: everything that was committed by then is applied. */
  get confirmedUntil(): Date {
    const now = performance.now();
    return new Date(Date.now() - Math.min(now - this.confirmedAt, now));
  }

  /** Whether the last look that reached the head is recent enough to trust what this node holds. */
  get fresh(): boolean {
    this.noticeSleep();
    return this.confirmedAt >= this.wokeAt && performance.now() - this.confirmedAt < STALE_AFTER_MS;
  }

  /** Returns at once while fresh; else looks first, and throws {@link ServiceUnavailableError} if that fails. */
  async ensureFresh(): Promise<void> {
    if (this.fresh) return;
    await within(FRESHEN_TIMEOUT_MS, this.look());
    if (!this.fresh) throw new ServiceUnavailableError();
  }

  /** Applies what has been committed by now; throws {@link ServiceUnavailableError} if that cannot be read within a second. */
  async catchUp(): Promise<void> {
    const calledAt = performance.now();
    await within(FRESHEN_TIMEOUT_MS, this.look());
    if (this.confirmedAt < calledAt) throw new ServiceUnavailableError();
  }

  /** Resolves when this node has applied `pos`, or after a second: its rights are then those that the log had there. */
  async reached(pos: number): Promise<void> {
    if (this.applied >= pos || this.stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { pos, wake: resolve };
    this.waiting.add(waiter);
    // The ring of that commit is on its way to this node too, and looks if it must: no read of our own.
    await within(FRESHEN_TIMEOUT_MS, promise);
    this.waiting.delete(waiter);
  }

  /** Applied events after `pos` that are still in memory, or `undefined` if `pos` lies further back. */
  recentAfter(pos: number): readonly LogEvent[] | undefined {
    if (pos >= this.applied) return [];
    const first = this.recent[0];
    if (!first || pos + 1 < first.pos) return undefined;
    return this.recent.slice(pos + 1 - first.pos);
  }

  /** Whether the event at `position` is among those in memory. False tells nothing: it may be older. */
  holds({ pos, nonce }: Position): boolean {
    return !this.broken && pos <= this.applied && this.recentAfter(pos - 1)?.[0]?.nonce === nonce;
  }

  /** Looks at the log and applies everything up to the head it has now. Never throws; calls made meanwhile share a look. */
  look(): Promise<void> {
    this.noticeSleep();
    this.lookAgain = true;
    return (this.looking ??= this.readToHead());
  }

  private async readToHead(): Promise<void> {
    try {
      for (;;) {
        if (this.stopped) return;
        this.lookAgain = false;
        const startedAt = performance.now();
        const page = await answered(READ_TIMEOUT_MS, () => this.reader.following(this.position, PAGE));
        this.broken = false;
        for (const event of page) {
          if (event.pos > this.applied) this.lostRings.found(event.pos);
          this.apply(event);
        }
        if (page.length === PAGE) continue;
        this.confirmedAt = startedAt;
        // Someone who asked while the page was on its way may know of a commit that it does not hold.
        if (!this.lookAgain) break;
      }
      if (this.failure) this.logger.log('The log can be followed again');
      this.failure = undefined;
    } catch (error) {
      this.broken = error instanceof LogBrokenError;
      // Once for each kind of failure: a replaced log usually shows after an outage, and must not be hidden by it.
      const failure = this.broken ? 'broken' : 'unreadable';
      const isNew = failure !== this.failure;
      if (isNew && !this.stopped) this.logger.error('The log cannot be followed', stackOf(error));
      this.failure = failure;
      if (this.broken) this.confirmedAt = Number.NEGATIVE_INFINITY;
      if (this.broken && isNew) for (const listener of this.brokenListeners) listener();
    } finally {
      // In the same turn as the last question whether to look again: whoever asks from now on starts a look of its own.
      this.looking = undefined;
    }
  }

  /** A process that was paused finds requests waiting when it goes on, and serves none of them before it has looked. */
  private noticeSleep(): void {
    const now = performance.now();
    if (now - this.beatAt > ASLEEP_AFTER_MS) this.wokeAt = now;
    this.beatAt = now;
  }

  private heard({ pos, events = [] }: LogRing): void {
    const carried = events.filter((event) => isLogEvent(event));
    this.lostRings.rung(Number(pos), carried);
    for (const event of carried) this.apply(event);
    if (Number(pos) > this.applied) void this.look();
  }

  /** Hands on the next event; anything already applied is passed over, anything further ahead waits for a look. */
  private apply(event: LogEvent): void {
    if (this.stopped || this.broken || event.pos !== this.applied + 1) return;
    this.position = event;
    this.recent.push(event);
    if (this.recent.length > RECENT * 2) this.recent = this.recent.slice(-RECENT);
    for (const phase of ['rights', 'delivery'] as const) {
      for (const listener of this.listeners[phase]) this.tell(listener, event);
    }
    for (const waiter of this.waiting) {
      if (waiter.pos > event.pos) continue;
      this.waiting.delete(waiter);
      waiter.wake();
    }
  }

  private tell(listener: LogListener, event: LogEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.logger.error(`A listener of the log failed at ${event.pos}`, stackOf(error));
    }
  }
}

/** Waits for `work`, at most `ms`; leaves no timer behind. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
