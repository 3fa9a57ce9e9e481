// Follows the log to its head and dispatches each event once and in order: first to listeners that keep rights, then to those that
// deliver. Wake-ups trigger a read, a timer triggers it anyway, and freshness is tracked.
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { withTimeout } from '../database/with-timeout.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import { type LogWakeUp, PUB_SUB, type PubSub } from '../pubsub/pubsub.port.js';
import type { Position } from './cursor.js';
import { isLogEvent, type LogEvent } from './log-event.js';
import { LogBrokenError, LogReader } from './log-reader.js';

/** Rights are updated before an event is delivered. */
export type FollowPhase = 'rights' | 'delivery';
export type LogListener = (event: LogEvent) => void;

/** ms between two reads of the log without a wake-up: the latency bound when every wake-up is lost. */
export const POLL_INTERVAL_MS = 500;
/** ms since the last read that reached the head, after which requests wait for another read. */
const STALE_AFTER_MS = 2_000;
/** ms between two reads or freshness checks after which this process is assumed to have been paused. */
const ASLEEP_AFTER_MS = 750;
/** ms that a request waits for such a read before it gets `SERVICE_UNAVAILABLE`. */
const FRESHEN_TIMEOUT_MS = 1_000;
/** Time-out of a read in ms. */
const READ_TIMEOUT_MS = 5_000;
const PAGE = 500;
/** Events kept in memory for subscribers slightly behind. */
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
  /** The last logged failure, until a read succeeds. */
  private failure: string | undefined;
  /** Another log answers than the one followed; its wake-ups are ignored. */
  private broken = false;
  private stopped = false;
  /** Identity of the followed log; wake-ups of others are ignored. */
  identity = '';
  /** The last dispatched event: later reads return data at least as new. */
  position: Position = { pos: 0, nonce: '' };

  constructor(
    private readonly reader: LogReader,
    @Inject(PUB_SUB) private readonly pubSub: PubSub,
  ) {}

  /** Starts at the current head: tables contain everything before it. */
  async start(): Promise<void> {
    const startedAt = performance.now();
    this.identity = await this.reader.identity();
    this.position = await this.reader.head();
    this.confirmedAt = startedAt;
    if (this.stopped) return;
    this.unsubscribe = [
      this.pubSub.subscribe('log', (wakeUp) => {
        if (wakeUp.log === this.identity) this.wokenUp(wakeUp);
      }),
      this.pubSub.onRecovered(() => void this.look()),
    ];
    this.timer = setInterval(() => void this.look(), POLL_INTERVAL_MS);
    await this.look();
  }

  onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    for (const waiter of this.waiting) waiter.wake();
    return this.looking ?? Promise.resolve();
  }

  /** Calls `listener` for every event from now on, synchronously, in order. Returns an unsubscribe function. */
  on(phase: FollowPhase, listener: LogListener): () => void {
    this.listeners[phase].add(listener);
    return () => this.listeners[phase].delete(listener);
  }

  /**
   * Calls `listener` when this instance can no longer trust what it derived from the log: another log than the followed one is
   * found, which lacks dispatched events, or a listener that keeps rights has failed.
   */
  onBroken(listener: () => void): void {
    this.brokenListeners.add(listener);
  }

  /** `pos` of the last dispatched event. */
  get applied(): number {
    return this.position.pos;
  }

  /** Start of the last read that reached the head: everything committed before it is applied. */
  get confirmedUntil(): Date {
    const now = performance.now();
    return new Date(Date.now() - Math.min(now - this.confirmedAt, now));
  }

  /** Whether the last read of the head is recent enough to trust this instance's state. */
  get fresh(): boolean {
    this.noticeSleep();
    return this.confirmedAt >= this.wokeAt && performance.now() - this.confirmedAt < STALE_AFTER_MS;
  }

  /** Returns at once while fresh; otherwise reads first, and throws {@link ServiceUnavailableError} if that fails. */
  async ensureFresh(): Promise<void> {
    if (this.fresh) return;
    await within(FRESHEN_TIMEOUT_MS, this.look());
    if (!this.fresh) throw new ServiceUnavailableError();
  }

  /** Applies everything committed so far; throws {@link ServiceUnavailableError} if the read takes more than a second. */
  async catchUp(): Promise<void> {
    const calledAt = performance.now();
    await within(FRESHEN_TIMEOUT_MS, this.look());
    if (this.confirmedAt < calledAt) throw new ServiceUnavailableError();
  }

  /** Resolves when this instance has applied `pos`, or after a second; its rights then include that position. */
  async reached(pos: number): Promise<void> {
    if (this.applied >= pos || this.stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { pos, wake: resolve };
    this.waiting.add(waiter);
    // The commit's wake-up reaches this instance too and triggers a read if needed.
    await within(FRESHEN_TIMEOUT_MS, promise);
    this.waiting.delete(waiter);
  }

  /** Applied events after `pos`, if still in memory; otherwise `undefined`. */
  recentAfter(pos: number): readonly LogEvent[] | undefined {
    if (pos >= this.applied) return [];
    const first = this.recent[0];
    if (!first || pos + 1 < first.pos) return undefined;
    return this.recent.slice(pos + 1 - first.pos);
  }

  /** Whether the event at `position` is in memory. False: it may be older. */
  holds({ pos, nonce }: Position): boolean {
    return !this.broken && pos <= this.applied && this.recentAfter(pos - 1)?.[0]?.nonce === nonce;
  }

  /** Reads the log and applies everything up to its head. Never throws; concurrent calls share a read. */
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
        const page = await withTimeout(READ_TIMEOUT_MS, () => this.reader.following(this.position, PAGE));
        this.broken = false;
        for (const event of page) this.apply(event);
        if (page.length === PAGE) continue;
        this.confirmedAt = startedAt;
        // A caller during the read may know of a later commit.
        if (!this.lookAgain) break;
      }
      if (this.failure) this.logger.log('The log can be followed again');
      this.failure = undefined;
    } catch (error) {
      this.broken = error instanceof LogBrokenError;
      // Logged once per kind of failure: a replaced log usually follows an outage, and must not be hidden by it.
      const failure = this.broken ? 'broken' : 'unreadable';
      const isNew = failure !== this.failure;
      if (isNew && !this.stopped) this.logger.error('The log cannot be followed', stackOf(error));
      this.failure = failure;
      if (this.broken) this.confirmedAt = Number.NEGATIVE_INFINITY;
      if (this.broken && isNew) for (const listener of this.brokenListeners) listener();
    } finally {
      // In the same turn as the last check for another read: later callers start a new one.
      this.looking = undefined;
    }
  }

  /** After a pause of the process, waiting requests are not served before another read. */
  private noticeSleep(): void {
    const now = performance.now();
    if (now - this.beatAt > ASLEEP_AFTER_MS) this.wokeAt = now;
    this.beatAt = now;
  }

  private wokenUp({ pos, events = [] }: LogWakeUp): void {
    for (const event of events) if (isLogEvent(event)) this.apply(event);
    if (Number(pos) > this.applied) void this.look();
  }

  /** Dispatches the next event; skips applied ones; one further ahead triggers a read. */
  private apply(event: LogEvent): void {
    if (this.stopped || this.broken || event.pos !== this.applied + 1) return;
    this.position = event;
    this.recent.push(event);
    if (this.recent.length > RECENT * 2) this.recent = this.recent.slice(-RECENT);
    for (const phase of ['rights', 'delivery'] as const) {
      let failed = false;
      for (const listener of this.listeners[phase]) if (!this.tell(listener, event)) failed = true;
      if (failed && phase === 'rights') for (const listener of this.brokenListeners) listener();
    }
    for (const waiter of this.waiting) {
      if (waiter.pos > event.pos) continue;
      this.waiting.delete(waiter);
      waiter.wake();
    }
  }

  /** Whether the listener has handled the event. */
  private tell(listener: LogListener, event: LogEvent): boolean {
    try {
      listener(event);
      return true;
    } catch (error) {
      this.logger.error(`A listener of the log failed at ${event.pos}`, stackOf(error));
      return false;
    }
  }
}

/** Waits for `work` for at most `ms`; clears its timer. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
