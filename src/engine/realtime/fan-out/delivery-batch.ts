// An event with the subscribers that receive one and the same payload.
import type { PermissionClass } from '../../access/permission-class.js';
import type { LogEvent } from '../../events/log-event.js';
import type { Subscriber } from './subscriber.js';

/** An event for the subscribers of one class. */
export interface DeliveryBatch {
  readonly event: LogEvent;
  readonly permission: PermissionClass;
  readonly subscribers: readonly Subscriber[];
  /** Skipped events before it; `undefined` if the subscription does not skip events. */
  readonly skipped?: number;
  /** Of the rights under which the subscribers were found. */
  readonly rightsVersion: number;
}
