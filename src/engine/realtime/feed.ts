// One subscriber's way through the log. It pulls: what it has not been given yet stays in the log, so that a slow reader
// costs nothing but its own position, and nothing is ever dropped.
import type { LogEvent } from '../events/log-event.js';

/** What a feed does with an event: give it, pass over it, or end because the viewer may no longer see this. */
export type Verdict = 'give' | 'skip' | Error;

export interface FeedSource {
  /** Whether this node knows the log to its head; until it does nothing is given. */
  readonly fresh: boolean;
  /** Resolves when `fresh`, or when `over`. */
  freshened(over: () => boolean): Promise<void>;
  /** Some events after `pos`, in order, if those that follow are in memory; `undefined` when they must be read. */
  recentAfter(pos: number): readonly LogEvent[] | undefined;
  /** Some events after `pos` from the log itself, in order. Waits for the database unless `over`. */
  readAfter(pos: number, over: () => boolean): Promise<readonly LogEvent[]>;
  /** Present rights decide, at once if they are known here. Waits for the database unless `over`. */
  judge(event: LogEvent, over: () => boolean): Verdict | Promise<Verdict>;
  /** Called once when the feed is over, whoever ended it. */
  ended(feed: Feed): void;
}

export class Feed implements AsyncIterableIterator<LogEvent> {
  /** What was read and not looked at yet. */
  private page: ArrayIterator<LogEvent> = [].values();
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private over = false;
  private readonly isOver = () => this.over;

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
    try {
      while (!this.over) {
        const event = await this.following();
        if (event && (await this.gives(event))) return { done: false, value: event };
      }
    } catch (error) {
      // Whoever has ended it meanwhile does not care any more.
      if (!this.over) this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (this.failure) throw this.failure;
    return { done: true, value: undefined };
  }

  /** Whether the viewer may still see `event`, the last one given: what was made of it is not sent otherwise. */
  async stillGives(event: LogEvent): Promise<boolean> {
    const verdict = await this.source.judge(event, this.isOver);
    if (verdict instanceof Error) this.fail(verdict);
    return !this.over && verdict === 'give';
  }

  async return(): Promise<IteratorResult<LogEvent>> {
    this.finish();
    return { done: true, value: undefined };
  }

  /** Told of every event as it is applied: an idle feed that has no use for it only moves on. */
  offer(event: LogEvent): void {
    if (!this.wake) return;
    const verdict = this.pos === event.pos - 1 ? this.source.judge(event, this.isOver) : undefined;
    if (verdict === 'skip') this.pos = event.pos;
    else this.awake();
  }

  /** Ends the feed; its reader gets `error`. */
  fail(error: Error): void {
    if (this.over) return;
    this.failure = error;
    this.finish();
  }

  /** The event after `pos`; `undefined` after a wait, when it must be looked for again. */
  private async following(): Promise<LogEvent | undefined> {
    if (!this.source.fresh) await this.source.freshened(this.isOver);
    const { done, value } = this.page.next();
    if (!done) return value;
    const events = this.source.recentAfter(this.pos) ?? (await this.source.readAfter(this.pos, this.isOver));
    this.page = events.values();
    if (events.length === 0 && !this.over) await this.event();
    return undefined;
  }

  /** Takes the place of `event`, and tells whether it is to be given. */
  private async gives(event: LogEvent): Promise<boolean> {
    const verdict = await this.source.judge(event, this.isOver);
    if (this.over) return false;
    this.pos = event.pos;
    if (verdict instanceof Error) this.fail(verdict);
    return verdict === 'give';
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.page = [].values();
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
