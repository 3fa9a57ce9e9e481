// One watched resource: its watchers on this instance and on others, and the listeners to which they are announced.
import type { MikroORM } from '@mikro-orm/postgresql';
import { ACCOUNT_RESOURCE } from '../../access/rights.js';
import { type Loader, Loaders } from '../../database/loaders.js';
import { Reads } from '../../database/reads.js';
import type { LogEvent } from '../../events/log-event.js';
import type { LiveQueue } from '../fan-out/live-queue.js';

/** ms in which changes are gathered: for each subscriber of the room some more, so that a crowd is not announced to itself all day. */
const BATCH_MS = 100;
const BATCH_MS_PER_SUBSCRIBER = 2;
/** ms in which newcomers are gathered: they receive their first state together, from one read. */
const FIRST_STATE_BATCH_MS = 20;

/** ms in which newcomers get the same state as others before them. */
const REUSE_MS = 500;

/** Who watches at one time. */
export interface PresenceState {
  /** Ids of accounts, who came first at the front. */
  readonly watchers: readonly string[];
  /** The watchers of the previous state that was announced to this listener; undefined: there was none. */
  readonly before: readonly string[] | undefined;
  /** Loads for all listeners of this state, in one batch. */
  readonly load: <K, V>(loader: Loader<K, V>, key: K) => Promise<V>;
  /** The same state for listeners whose previous state had the watchers `before`: one object for all of them. */
  readonly since: (before: readonly string[] | undefined) => PresenceState;
}

export interface PresenceListener {
  readonly accountId: string;
  /** Why the subscription ends with `event`, if it does. */
  readonly judge: (event: LogEvent) => Error | undefined;
  /** The watchers announced to it last, as one text; undefined: it has not been greeted yet. */
  announced?: string;
}

interface Visit {
  readonly since: Date;
  /** Subscriptions of the account here. */
  count: number;
  readonly withdraw: () => void;
}

export class PresenceRoom {
  readonly subscribers = new Map<LiveQueue<PresenceState>, PresenceListener>();
  private readonly here = new Map<string, Visit>();
  /** Accounts on other instances, and since when (ms since 1970). */
  private elsewhere: ReadonlyMap<string, number> = new Map();
  /** The watchers as they were listed last. */
  private known: readonly string[] = [];
  /** When `elsewhere` was read. */
  private readAt = Number.NEGATIVE_INFINITY;
  /** The state announced last, and when. */
  private lastAnnounced: { readonly state: PresenceState; readonly at: number } | undefined;
  private announceTimer: NodeJS.Timeout | undefined;
  private readonly newcomers = new Set<LiveQueue<PresenceState>>();
  private firstStateTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly resourceId: string,
    private readonly orm: MikroORM,
    /** A time of this instance's clock on the one that all instances share. */
    private readonly toSharedTime: (time: Date) => Date,
  ) {}

  get isEmpty(): boolean {
    return this.here.size === 0 && this.subscribers.size === 0;
  }

  /** The account is here until the returned function is called, which has no effect a second time. `announce`: to other instances. */
  join(accountId: string, announce: () => () => void): () => void {
    const visit = this.here.get(accountId) ?? { since: new Date(), count: 0, withdraw: announce() };
    visit.count += 1;
    this.here.set(accountId, visit);
    this.changed();
    let gone = false;
    return () => {
      if (gone) return;
      gone = true;
      visit.count -= 1;
      if (visit.count > 0) return;
      visit.withdraw();
      this.here.delete(accountId);
      this.changed();
    };
  }

  /** The watchers on other instances. While these are in doubt no watcher is removed. */
  setElsewhere(elsewhere: ReadonlyMap<string, number>, doubtful: boolean): void {
    this.readAt = performance.now();
    this.elsewhere = doubtful ? new Map([...this.elsewhere, ...elsewhere]) : elsewhere;
    this.changed();
  }

  /** Whether the watchers on other instances were read in the last `ms`: new listeners then need no read. */
  wasReadWithin(ms: number): boolean {
    return performance.now() - this.readAt < ms;
  }

  /** Ends the subscriptions that `event` takes the right from: an event of this resource, or of one of the accounts. */
  judge(event: LogEvent): void {
    const { kind, id } = event.resource;
    for (const [queue, { accountId, judge }] of this.subscribers) {
      const error = kind !== ACCOUNT_RESOURCE || id === accountId ? judge(event) : undefined;
      if (error) queue.fail(error);
    }
  }

  /** Announces the state to a listener for the first time, together with all others that come now. */
  sendFirstState(queue: LiveQueue<PresenceState>): void {
    this.newcomers.add(queue);
    this.firstStateTimer ??= setTimeout(() => {
      this.firstStateTimer = undefined;
      const newcomers = [...this.newcomers];
      this.newcomers.clear();
      this.announce(newcomers);
    }, FIRST_STATE_BATCH_MS);
  }

  close(): void {
    clearTimeout(this.announceTimer);
    clearTimeout(this.firstStateTimer);
  }

  /** One object for all announcements of the same state within a short time: its payloads are executed once. */
  private state(): PresenceState {
    const now = performance.now();
    const watchers = this.watchers();
    const last = this.lastAnnounced;
    if (last && last.state.watchers === watchers && now - last.at < REUSE_MS) return last.state;
    const state = this.newState(watchers);
    this.lastAnnounced = { state, at: now };
    return state;
  }

  private newState(watchers: readonly string[]): PresenceState {
    let loaders = this.loaders();
    const bySince = new Map<readonly string[] | undefined, PresenceState>();
    const state: PresenceState = {
      watchers,
      before: undefined,
      load: (loader, key) =>
        loaders.load(loader, key).catch((error: unknown) => {
          // A failure must not be cached: the next attempt reads the database again.
          loaders = this.loaders();
          throw error;
        }),
      since: (before) => {
        const known = bySince.get(before) ?? { ...state, before };
        bySince.set(before, known);
        return known;
      },
    };
    return state;
  }

  private changed(): void {
    if (this.subscribers.size === 0) return;
    const ms = BATCH_MS + BATCH_MS_PER_SUBSCRIBER * this.subscribers.size;
    this.announceTimer ??= setTimeout(() => {
      this.announceTimer = undefined;
      this.announce([...this.subscribers].flatMap(([queue, { announced }]) => (announced === undefined ? [] : queue)));
    }, ms);
  }

  private announce(queues: readonly LiveQueue<PresenceState>[]): void {
    const state = this.state();
    const text = textOf(state);
    for (const queue of queues) {
      const subscriber = this.subscribers.get(queue);
      if (!subscriber || subscriber.announced === text) continue;
      subscriber.announced = text;
      queue.push(state);
    }
  }

  /** One and the same list while the watchers are the same, so that its listeners share the next announcement. */
  private watchers(): readonly string[] {
    const since = new Map(this.elsewhere);
    for (const [id, visit] of this.here) {
      const here = this.toSharedTime(visit.since).getTime();
      since.set(id, Math.min(here, since.get(id) ?? here));
    }
    const now = [...since].toSorted(([a, one], [b, other]) => one - other || a.localeCompare(b)).map(([id]) => id);
    const { known } = this;
    const same = now.length === known.length && now.every((id, index) => id === known[index]);
    return same ? known : (this.known = now);
  }

  private loaders(): Loaders {
    return new Loaders(new Reads(this.orm));
  }
}

/** The same whenever the same accounts watch. */
function textOf({ watchers }: PresenceState): string {
  return watchers.toSorted().join(' ');
}
