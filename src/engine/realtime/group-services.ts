// What groups and their replays share of a node.
import type { LogEvent } from '../events/log-event.js';
import type { LogFollower } from '../events/log-follower.js';
import type { Delivery } from './delivery.js';
import type { ExecutionScheduler } from './fan-out/execution-scheduler.js';
import type { Member, SubscriptionRequest } from './member.js';

/** What a group needs of the hub. */
export interface GroupServices {
  readonly delivery: Delivery;
  readonly follower: LogFollower;
  readonly scheduler: ExecutionScheduler;
  /**
   * Events of the resource after `pos`, which has been applied. Throws CURSOR_EXPIRED if some of them have been pruned, and
   * SERVICE_UNAVAILABLE while another log answers than the one followed.
   */
  readonly readAfter: (pos: number, resource: SubscriptionRequest['resource'], limit: number) => Promise<LogEvent[]>;
  /** Runs `work` outside of whatever request has caused it. */
  readonly outside: <T>(work: () => T) => T;
  /** Puts members of a group whose plan cannot be shared after all into groups of their own. */
  readonly separate: (members: readonly Member[]) => void;
}
