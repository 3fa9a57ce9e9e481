// Who of a group is given an event, by permission class: asked of everyone once, and not again while the answer cannot be another.
import type { PermissionClass } from '../access/permission-class.js';
import type { LogEvent } from '../events/log-event.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import type { Member } from './member.js';
import type { Portion } from './portion.js';

/** What an answer is good for: grows with every event that changes anybody's rights. */
export interface RightsClock {
  readonly rightsVersion: number;
}

export class Audience {
  private known: readonly Portion[] = [];

  constructor(
    private readonly plan: SharingPlan,
    private readonly members: Iterable<Member>,
    private readonly clock: RightsClock,
  ) {}

  /** The portions of `event`, for classes in which somebody has not passed it. Those who lose the resource by it are ended. */
  portionsOf(event: LogEvent): Portion[] {
    if (this.known[0]?.rightsVersion !== this.clock.rightsVersion) this.known = [];
    const portions =
      this.known.length > 0 ? this.known.map((portion) => ({ ...portion, event })) : this.portionsAnew(event);
    return portions.filter(({ members }) => members.some(({ pos }) => pos < event.pos));
  }

  /** Somebody came or went. */
  changed(): void {
    this.known = [];
  }

  private portionsAnew(event: LogEvent): Portion[] {
    const byClass = new Map<PermissionClass, Member[]>();
    let last: PermissionClass | undefined;
    let same: Member[] = [];
    let steady = true;
    for (const member of this.members) {
      if (member.over) continue;
      const verdict = member.verdict(event);
      steady &&= member.request.steady === true;
      if (verdict === 'skip') continue;
      if (verdict !== 'give') {
        member.fail(verdict);
        continue;
      }
      const permission = this.plan.classOf(member.rights, event.resource.id);
      // Most members are of the class of the one before.
      if (permission !== last) {
        last = permission;
        same = byClass.get(permission) ?? [];
        byClass.set(permission, same);
      }
      same.push(member);
    }
    const { rightsVersion } = this.clock;
    const portions = Array.from(byClass, ([permission, members]) => ({ event, permission, members, rightsVersion }));
    if (steady) this.known = portions;
    return portions;
  }
}
