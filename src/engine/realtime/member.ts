// One subscriber of the log: what it asked for, how far it is, and its end. What it is given is written by the hub; to
// graphql-ws it is an iterable that gives nothing, and only ends or fails.
import type { AccountRights, Principal } from '../access/role.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import type { LogEvent } from '../events/log-event.js';
import { envelopeOf } from './frames.js';
import type { Socket } from './socket.js';

/** What becomes of an event: it is given, passed over, or the subscription ends because the viewer may no longer see this. */
export type Verdict = 'give' | 'skip' | Error;

export interface SubscriptionRequest {
  readonly viewer: Principal;
  /** Cursor of the last event that the subscriber knows; absent: begin now. */
  readonly after?: string | null | undefined;
  /** The only resources whose events can be given: those of this kind, or a single one. */
  readonly resource: { readonly kind: string; readonly id?: string };
  /** What the subscriber's rights make of an event: told by these, and by what the log has brought, alone. */
  readonly judge: (event: LogEvent, rights: AccountRights) => Verdict;
  /** It is bound to one resource, and rights alone decide: while they do not change, every event of that is judged alike. */
  readonly steady?: boolean;
  /** A reader who could not keep up gets the newest event of each resource, with `skipped`, instead of all. */
  readonly latestOnLag?: boolean;
  /** Called when the subscription begins; what it returns, once when it has ended. */
  readonly watching?: () => () => void;
}

/** The newest event of each resource, by its id, and how many were left out before it, up to a position. */
export interface Owed {
  readonly newest: ReadonlyMap<string, { readonly event: LogEvent; readonly skipped: number }>;
  readonly upTo: number;
}

export class Member implements AsyncIterableIterator<never> {
  /** Position up to which everything has been given or passed over. It stands still while the member is at the head. */
  pos: number;
  over = false;
  /** Whether it has been at the head: what it missed from then on is not what it asked for by `after`. */
  wasLive = false;
  /** Set when it could not keep up; what it missed is in the log. */
  lagged = false;
  /** Of a reader who lags and wants the newest alone: what it is still to be given of what it missed. */
  owed: Owed | undefined;
  /** Set by `attach`: where it is written to, and what its messages begin with. */
  socket!: Socket;
  envelope!: Buffer;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private stopWatching: (() => void) | undefined;
  private release: (() => void) | undefined;

  /** `pos`: the last position that the subscriber knows. `ended` is called once, whoever ends it. */
  constructor(
    readonly request: SubscriptionRequest,
    pos: number,
    private readonly ended: (member: Member) => void,
  ) {
    this.pos = pos;
  }

  /** `release` is called once, when it has ended. */
  attach(socket: Socket, operationId: string, release: () => void): void {
    this.socket = socket;
    this.envelope = envelopeOf(operationId);
    if (this.over) release();
    else this.release = release;
  }

  /** Called once, when it is given events from now on. */
  begin(): void {
    this.stopWatching = this.request.watching?.();
  }

  get rights(): AccountRights {
    return this.request.viewer.rights;
  }

  /** Whether an event can be of any interest to it. */
  concerns({ resource }: LogEvent): boolean {
    const { kind, id } = this.request.resource;
    return resource.kind === kind && (id === undefined || resource.id === id);
  }

  /** What present rights make of `event`, which need not concern it: an error ends the subscription. */
  verdict(event: LogEvent): Verdict {
    return this.rights.disabled ? new UnauthenticatedError() : this.request.judge(event, this.rights);
  }

  /** Ends it; the client is told `error`. */
  fail(error: Error): void {
    if (this.over) return;
    this.failure = error;
    this.finish();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorReturnResult<undefined>> {
    if (!this.over) {
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
    if (this.over) return;
    this.over = true;
    this.ended(this);
    this.stopWatching?.();
    this.release?.();
    this.wake?.();
  }
}
