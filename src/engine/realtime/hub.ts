// Gives every subscriber of this node what the log brings, in its order, under present rights.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Rights } from '../access/rights.js';
import type { AccountRights, Principal } from '../access/role.js';
import { EventLog } from '../events/event-log.js';
import type { LogEvent } from '../events/log-event.js';
import { LogFollower } from '../events/log-follower.js';
import { LogReader } from '../events/log-reader.js';
import { UnauthenticatedError } from '../errors/service-error.js';
import { Feed, type Verdict } from './feed.js';
import { patiently } from './patience.js';

export interface SubscriptionRequest {
  readonly viewer: Principal;
  /** Cursor of the last event that the subscriber knows; absent: begin now. */
  readonly after?: string | null | undefined;
  /** What the subscriber's rights make of an event. Pure: it sees nothing but its arguments. */
  readonly judge: (event: LogEvent, rights: AccountRights) => Verdict;
  /** Called when the subscription begins; what it returns, once when it has ended. */
  readonly watching?: () => () => void;
}

/** Events that a subscriber who is behind takes from the log at a time. */
const PAGE = 200;

@Injectable()
export class Hub implements OnModuleInit {
  private readonly feeds = new Set<Feed>();

  constructor(
    private readonly log: EventLog,
    private readonly reader: LogReader,
    private readonly follower: LogFollower,
    private readonly rights: Rights,
  ) {}

  onModuleInit(): void {
    this.follower.on('delivery', (event) => {
      for (const feed of this.feeds) feed.offer(event);
    });
  }

  /** How many subscriptions this node serves. */
  get size(): number {
    return this.feeds.size;
  }

  /** Subscribes from now on, or from `after`, without a gap. Throws CURSOR_EXPIRED. */
  async subscribe({ viewer, after, judge, watching }: SubscriptionRequest): Promise<Feed> {
    const start = after ? await this.log.resolveCursor(after) : this.follower.applied;
    const { follower } = this;
    const feed = new Feed(start, {
      get fresh() {
        return follower.fresh;
      },
      freshened: (over) => patiently(() => follower.ensureFresh(), over),
      recentAfter: (pos) => follower.recentAfter(pos)?.slice(0, PAGE),
      readAfter: (pos, over) => patiently(() => this.reader.after(pos, PAGE), over),
      judge: (event, over) => {
        const verdict = (rights: AccountRights | undefined): Verdict =>
          rights && !rights.disabled ? judge(event, rights) : new UnauthenticatedError();
        const rights = this.rights.of(viewer.accountId);
        if (!(rights instanceof Promise)) return verdict(rights);
        return patiently(async () => this.rights.of(viewer.accountId), over).then(verdict);
      },
      ended: (ended) => {
        this.feeds.delete(ended);
        stopped?.();
      },
    });
    const stopped = watching?.();
    this.feeds.add(feed);
    return feed;
  }
}
