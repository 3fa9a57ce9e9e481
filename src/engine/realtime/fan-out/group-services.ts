// Services that the groups of an instance and their replays share.
import type { LogEvent } from '../../events/log-event.js';
import type { LogFollower } from '../../events/log-follower.js';
import type { FlowControl } from '../flow-control/flow-control.js';
import type { Delivery } from './delivery.js';
import type { Subscriber, SubscriptionRequest } from './subscriber.js';

/** The part of the hub that groups use. */
export interface GroupServices {
  readonly delivery: Delivery;
  readonly follower: LogFollower;
  readonly flow: FlowControl;
  /**
   * Events of the resource after `pos`, which has been applied. Throws CURSOR_EXPIRED if some of them have been pruned, and
   * SERVICE_UNAVAILABLE while another log answers than the one followed.
   */
  readonly readAfter: (pos: number, resource: SubscriptionRequest['resource'], limit: number) => Promise<LogEvent[]>;
  /** Runs `work` outside of whatever request has caused it. */
  readonly outside: <T>(work: () => T) => T;
  /** Puts subscribers of a group whose plan cannot be shared after all into separate groups. */
  readonly separate: (subscribers: readonly Subscriber[]) => void;
}
