// Owns which subscribers receive an event, by permission class: each is judged once, and again only when rights or subscribers change.
// Does not know the log, or whether anything is ever delivered.
import type { PermissionClass } from '../../access/permission-class.js';
import type { LogEvent } from '../../events/log-event.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import type { Subscriber } from './subscriber.js';
import type { DeliveryBatch } from './delivery-batch.js';

/** How long a verdict holds: grows with every event that changes anybody's rights. */
export interface RightsClock {
  readonly rightsVersion: number;
}

export class Audience {
  private known: readonly DeliveryBatch[] = [];

  constructor(
    private readonly plan: SharingPlan,
    private readonly subscribers: Iterable<Subscriber>,
    private readonly clock: RightsClock,
  ) {}

  /** The batches of `event`, for classes with a subscriber that has not received it. Ends subscribers that lose the resource by it. */
  batchesOf(event: LogEvent): DeliveryBatch[] {
    if (this.known[0]?.rightsVersion !== this.clock.rightsVersion) this.known = [];
    const batches = this.known.length > 0 ? this.known.map((batch) => ({ ...batch, event })) : this.newBatchesOf(event);
    return batches.filter(({ subscribers }) => subscribers.some(({ pos }) => pos < event.pos));
  }

  /** A subscriber was added or removed. */
  changed(): void {
    this.known = [];
  }

  private newBatchesOf(event: LogEvent): DeliveryBatch[] {
    const byClass = new Map<PermissionClass, Subscriber[]>();
    let last: PermissionClass | undefined;
    let same: Subscriber[] = [];
    let steady = true;
    for (const subscriber of this.subscribers) {
      if (subscriber.closed) continue;
      const verdict = subscriber.verdict(event);
      steady &&= subscriber.request.rightsOnly === true;
      if (verdict === 'skip') continue;
      if (verdict !== 'deliver') {
        subscriber.fail(verdict);
        continue;
      }
      const permission = this.plan.classOf(subscriber.rights, event.resource.id);
      // Most subscribers are of the class of the one before.
      if (permission !== last) {
        last = permission;
        same = byClass.get(permission) ?? [];
        byClass.set(permission, same);
      }
      same.push(subscriber);
    }
    const { rightsVersion } = this.clock;
    const batches = Array.from(byClass, ([permission, subscribers]) => ({
      event,
      permission,
      subscribers,
      rightsVersion,
    }));
    if (steady) this.known = batches;
    return batches;
  }
}
