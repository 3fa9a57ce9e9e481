// Who is given an event: asked of everyone when it may have changed, and of nobody when it cannot.
import type { PermissionClass } from '../access/permission-class.js';
import { Role } from '../access/role.js';
import { ForbiddenError } from '../errors/service-error.js';
import type { LogEvent } from '../events/log-event.js';
import type { SharingPlan } from '../graphql/sharing-plan.js';
import { Audience } from './audience.js';
import { Member, type Verdict } from './member.js';

const event = (pos: number): LogEvent => ({
  pos,
  seq: pos,
  resource: { kind: 'garden', id: 'rose' },
  kind: 'WATERED',
  actorId: 'x',
  sessionId: null,
  facts: {},
  at: 0,
  nonce: '',
});

const classes = new Map<Role, PermissionClass>(
  Object.values(Role).map((role) => [role, { key: role, outcomes: new Map(), values: new Map() }]),
);
const plan = { classOf: ({ role }: { role: Role }) => classes.get(role)! } as unknown as SharingPlan;

/** A group of members, and how often any of them was judged. */
class Garden {
  readonly members = new Set<Member>();
  readonly clock = { rightsVersion: 0 };
  readonly audience = new Audience(plan, this.members, this.clock);
  judged = 0;

  member({ role = Role.USER, pos = 0, steady = true, says = (): Verdict => 'give' } = {}): Member {
    const viewer = {
      accountId: 'ada',
      sessionId: 's',
      rights: { role, disabled: false, resources: new Map<string, string>() },
      transport: 'BODY' as const,
      session: { ended: false },
      tokenExpiresAt: 0,
    };
    const judge = (): Verdict => {
      this.judged += 1;
      return says();
    };
    const resource = { kind: 'garden', id: 'rose' };
    const member = new Member({ viewer, resource, judge, steady }, pos, (gone) => this.members.delete(gone));
    this.members.add(member);
    return member;
  }

  /** The members who are given the event at `pos`, by class. */
  given(pos: number): Record<string, number> {
    const portions = this.audience.portionsOf(event(pos)).filter((portion) => portion.event.pos === pos);
    return Object.fromEntries(portions.map(({ permission, members }) => [permission.key, members.length]));
  }
}

describe('an audience', () => {
  it('is asked once, by class, for as many events as nothing changes', () => {
    const garden = new Garden();
    garden.member();
    garden.member({ role: Role.ADMIN });
    garden.member();
    for (const pos of [1, 2, 3]) expect(garden.given(pos)).toEqual({ USER: 2, ADMIN: 1 });
    expect(garden.judged).toBe(3);
  });

  it('is asked again once rights have changed, and ends who has lost them', () => {
    const garden = new Garden();
    let verdict: Verdict = 'give';
    const loser = garden.member({ says: () => verdict });
    garden.member();
    expect(garden.given(1)).toEqual({ USER: 2 });
    verdict = new ForbiddenError('VIEWER');
    garden.clock.rightsVersion += 1;
    expect(garden.given(2)).toEqual({ USER: 1 });
    expect(loser.over).toBe(true);
  });

  it('is asked again once somebody has come', () => {
    const garden = new Garden();
    garden.member();
    expect(garden.given(1)).toEqual({ USER: 1 });
    garden.member();
    garden.audience.changed();
    expect(garden.given(2)).toEqual({ USER: 2 });
  });

  it('is asked for every event as long as there is one among it who judges each by itself', () => {
    const garden = new Garden();
    const verdicts: Verdict[] = ['skip', 'give', 'skip'];
    garden.member({ steady: false, says: () => verdicts.shift()! });
    garden.member();
    expect([1, 2, 3].map((pos) => garden.given(pos))).toEqual([{ USER: 1 }, { USER: 2 }, { USER: 1 }]);
  });

  it('has no portion for a class whose members have all passed the event, and has one again for the next', () => {
    const garden = new Garden();
    garden.member({ role: Role.ADMIN, pos: 2 });
    garden.member();
    expect([1, 2, 3].map((pos) => garden.given(pos))).toEqual([{ USER: 1 }, { USER: 1 }, { USER: 1, ADMIN: 1 }]);
  });
});
