// One subscriber's way through the log. It pulls: what it has not been given yet stays in the log, so that a slow reader
// costs nothing but its own position, and nothing is ever dropped.
import type { LogEvent } from '../events/log-event.js';

/** What a feed does with an event: give it, pass over it, or end because the viewer may no longer see this. */
export type Verdict = 'give' | 'skip' | Error;

export interface FeedSource {
  /** Events after `pos` that are in memory, or `undefined` when they must be read. */
  recentAfter(pos: number): readonly LogEvent[] | undefined;
  /** Events after `pos` from the log itself, in order, a page of them. */
  readAfter(pos: number): Promise<readonly LogEvent[]>;
  /** Present rights decide, at once if they are known here. */
  judge(event: LogEvent): Verdict | Promise<Verdict>;
  /** Called once when the feed is over, whoever ended it. */
  ended(feed: Feed): void;
}

export class Feed implements AsyncIterableIterator<LogEvent> {
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private over = false;

  /** `pos`: the last position that the subscriber already knows. */
  constructor(
    private pos: number,
    private readonly source: FeedSource,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next event that the viewer may see; waits for it. One call at a time. Rejects when the right to see is lost. */
  async next(): Promise<IteratorResult<LogEvent>> {
    while (!this.over) {
      const events = this.source.recentAfter(this.pos) ?? (await this.source.readAfter(this.pos));
      for (const event of events) {
        const verdict = await this.source.judge(event);
        if (this.over) break;
        this.pos = event.pos;
        if (verdict === 'give') return { done: false, value: event };
        if (verdict instanceof Error) this.fail(verdict);
      }
      if (events.length === 0 && !this.over) await this.event();
    }
    if (this.failure) throw this.failure;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<LogEvent>> {
    this.finish();
    return { done: true, value: undefined };
  }

  /** Told of every event as it is applied: an idle feed that has no use for it only moves on. */
  offer(event: LogEvent): void {
    if (!this.wake) return;
    const verdict = this.pos === event.pos - 1 ? this.source.judge(event) : undefined;
    if (verdict === 'skip') this.pos = event.pos;
    else this.awake();
  }

  /** Ends the feed; its reader gets `error`. */
  fail(error: Error): void {
    this.failure ??= error;
    this.finish();
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.source.ended(this);
    this.awake();
  }

  private event(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private awake(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
