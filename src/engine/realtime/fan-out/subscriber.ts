// Owns one subscription to the log: its request, its position and its end. Its events are written to its socket by Delivery; to graphql-ws
// it is an iterable without items, which only ends or fails. Does not know its group, or how events are executed.
import type { AccountRights, Principal } from '../../access/role.js';
import { UnauthenticatedError } from '../../errors/service-error.js';
import { eventOf, type EventSelection, type LogEvent } from '../../events/log-event.js';
import { envelopeOf } from './frames.js';
import type { SubscriberSocket } from './subscriber-socket.js';

/** The decision on an event: deliver it, skip it, or end the subscription because the viewer may no longer see the resource. */
export type EventVerdict = 'deliver' | 'skip' | Error;

export interface SubscriptionRequest {
  readonly viewer: Principal;
  /** Cursor of the last event that the subscriber knows; absent: begin now. */
  readonly after?: string | null | undefined;
  /** The only events that can be delivered. */
  readonly resource: EventSelection;
  /** The verdict on an event under these rights. Depends on nothing but these and events of the log. */
  readonly judge: (event: LogEvent, rights: AccountRights) => EventVerdict;
  /** Bound to one resource, and rights alone decide: while they do not change, the verdict on all events of it is the same. */
  readonly rightsOnly?: boolean;
  /** A slow reader gets the newest event of each resource, with `skipped`, instead of all. */
  readonly latestOnLag?: boolean;
  /** Called when the subscription begins; the returned function is called once when it has ended. */
  readonly onBegin?: () => () => void;
}

/** For a slow reader: the newest event of each resource, by its id, and how many were skipped before it, up to a position. */
export interface PendingLatest {
  readonly newest: ReadonlyMap<string, { readonly event: LogEvent; readonly skipped: number }>;
  readonly upTo: number;
}

export class Subscriber implements AsyncIterableIterator<never> {
  /** Position up to which everything has been written or skipped. It stands still while the subscriber is at the head. */
  pos: number;
  closed = false;
  /** Whether it has been at the head: events that it misses later count as lag, not as requested by `after`. */
  wasLive = false;
  /** Set when it could not keep up; the missed events are in the log. */
  lagged = false;
  /** With `latestOnLag`, while it lags: the events that have not been delivered. */
  pending: PendingLatest | undefined;
  /** Set by `attach`: its socket, and the beginning of each of its messages. */
  socket!: SubscriberSocket;
  envelope!: Buffer;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private onEnd: (() => void) | undefined;
  private release: (() => void) | undefined;

  /** `pos`: the last position that the subscriber knows. `ended` is called once. */
  constructor(
    readonly request: SubscriptionRequest,
    pos: number,
    private readonly ended: (subscriber: Subscriber) => void,
  ) {
    this.pos = pos;
  }

  /** `release` is called once, when it has ended. */
  attach(socket: SubscriberSocket, operationId: string, release: () => void): void {
    this.socket = socket;
    this.envelope = envelopeOf(operationId);
    if (this.closed) release();
    else this.release = release;
  }

  /** Called once, when it receives events from now on. */
  begin(): void {
    this.onEnd = this.request.onBegin?.();
  }

  get rights(): AccountRights {
    return this.request.viewer.rights;
  }

  /** Whether it skips the event, which need not be of its resource. */
  skips(event: LogEvent): boolean {
    const own = eventOf(this.request.resource, event);
    return !own || this.verdict(own) === 'skip';
  }

  /** The verdict on `event`, which need not be of its resource, under current rights: an error ends the subscription. */
  verdict(event: LogEvent): EventVerdict {
    return this.rights.disabled ? new UnauthenticatedError() : this.request.judge(event, this.rights);
  }

  /** Ends it; the client receives `error`. */
  fail(error: Error): void {
    if (this.closed) return;
    this.failure = error;
    this.finish();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorReturnResult<undefined>> {
    if (!this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.failure) throw this.failure;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.finish();
    return { done: true, value: undefined };
  }

  private finish(): void {
    if (this.closed) return;
    this.closed = true;
    this.ended(this);
    this.onEnd?.();
    this.release?.();
    this.wake?.();
  }
}
