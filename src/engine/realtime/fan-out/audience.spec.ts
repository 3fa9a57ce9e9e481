// Which subscribers receive an event: judged again when rights or subscribers have changed, and only then.
import type { PermissionClass } from '../../access/permission-class.js';
import { Role } from '../../access/role.js';
import { ForbiddenError } from '../../errors/service-error.js';
import type { LogEvent } from '../../events/log-event.js';
import type { SharingPlan } from '../../graphql/sharing/sharing-plan.js';
import { Audience } from './audience.js';
import { Subscriber, type EventVerdict } from './subscriber.js';

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

/** A group of subscribers, and how often any of them was judged. */
class Garden {
  readonly subscribers = new Set<Subscriber>();
  readonly clock = { rightsVersion: 0 };
  readonly audience = new Audience(plan, this.subscribers, this.clock);
  judged = 0;

  subscriber({ role = Role.USER, pos = 0, rightsOnly = true, says = (): EventVerdict => 'deliver' } = {}): Subscriber {
    const viewer = {
      accountId: 'ada',
      sessionId: 's',
      rights: { role, disabled: false, resources: new Map<string, string>() },
      transport: 'BODY' as const,
      session: { ended: false },
      tokenExpiresAt: 0,
    };
    const judge = (): EventVerdict => {
      this.judged += 1;
      return says();
    };
    const resource = { kind: 'garden', id: 'rose' };
    const subscriber = new Subscriber({ viewer, resource, judge, rightsOnly }, pos, (gone) =>
      this.subscribers.delete(gone),
    );
    this.subscribers.add(subscriber);
    return subscriber;
  }

  /** The number of subscribers that the event at `pos` is delivered to, by class. */
  delivered(pos: number): Record<string, number> {
    const batches = this.audience.batchesOf(event(pos)).filter((batch) => batch.event.pos === pos);
    return Object.fromEntries(batches.map(({ permission, subscribers }) => [permission.key, subscribers.length]));
  }
}

describe('Audience', () => {
  it('judges subscribers once for all events until something changes', () => {
    const garden = new Garden();
    garden.subscriber();
    garden.subscriber({ role: Role.ADMIN });
    garden.subscriber();
    for (const pos of [1, 2, 3]) expect(garden.delivered(pos)).toEqual({ USER: 2, ADMIN: 1 });
    expect(garden.judged).toBe(3);
  });

  it('judges again after a change of rights, and ends subscribers that lost them', () => {
    const garden = new Garden();
    let verdict: EventVerdict = 'deliver';
    const loser = garden.subscriber({ says: () => verdict });
    garden.subscriber();
    expect(garden.delivered(1)).toEqual({ USER: 2 });
    verdict = new ForbiddenError('VIEWER');
    garden.clock.rightsVersion += 1;
    expect(garden.delivered(2)).toEqual({ USER: 1 });
    expect(loser.closed).toBe(true);
  });

  it('judges again after a subscriber has joined', () => {
    const garden = new Garden();
    garden.subscriber();
    expect(garden.delivered(1)).toEqual({ USER: 1 });
    garden.subscriber();
    garden.audience.changed();
    expect(garden.delivered(2)).toEqual({ USER: 2 });
  });

  it('judges every event while a subscriber depends on more than rights', () => {
    const garden = new Garden();
    const verdicts: EventVerdict[] = ['skip', 'deliver', 'skip'];
    garden.subscriber({ rightsOnly: false, says: () => verdicts.shift()! });
    garden.subscriber();
    expect([1, 2, 3].map((pos) => garden.delivered(pos))).toEqual([{ USER: 1 }, { USER: 2 }, { USER: 1 }]);
  });

  it('makes no batch for a class whose subscribers have all received the event', () => {
    const garden = new Garden();
    garden.subscriber({ role: Role.ADMIN, pos: 2 });
    garden.subscriber();
    expect([1, 2, 3].map((pos) => garden.delivered(pos))).toEqual([{ USER: 1 }, { USER: 1 }, { USER: 1, ADMIN: 1 }]);
  });
});
