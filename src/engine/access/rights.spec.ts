import type { MikroORM } from '@mikro-orm/postgresql';
import * as fc from 'fast-check';
import type { LogEvent } from '../events/log-event.js';
import type { LogFollower, LogListener } from '../events/log-follower.js';
import { ACCOUNT_RESOURCE, Rights, type RightsChange } from './rights.js';
import { includesRole, Role } from './role.js';

const KIND = 'garden';

/** A log and the account rows it tells of, without a database: `read` is what a snapshot at this moment would say. */
class World {
  readonly events: LogEvent[] = [];
  row: { role: Role; disabled: boolean; resources: Record<string, string | null> } | undefined = {
    role: Role.EDITOR,
    disabled: false,
    resources: { rose: 'OWNER' },
  };
  reads = 0;
  /** Runs between a snapshot and its arrival. */
  meanwhile: () => void = () => {};
  readonly rights: Rights;
  private listener: LogListener = () => {};

  constructor() {
    const follower = {
      on: (_phase: string, listener: LogListener) => {
        this.listener = listener;
        return () => {};
      },
      recentAfter: (pos: number) => this.events.slice(pos),
    };
    const execute = async (_sql: string, [accountId]: readonly string[]) => {
      this.reads += 1;
      const row = {
        pos: this.events.length,
        id: this.row ? accountId : null,
        ...structuredClone(this.row ?? { role: null, disabled: false, resources: null }),
      };
      this.meanwhile();
      return [row];
    };
    const orm = { em: { fork: () => ({ execute }) } };
    const domain = {
      kind: KIND,
      rolesOfAccount: '',
      commonResource: '',
      changeOf: (event: LogEvent) => event.facts['change'] as RightsChange | undefined,
    };
    this.rights = new Rights(orm as unknown as MikroORM, follower as unknown as LogFollower, domain);
  }

  happen(kind: string, facts: Record<string, unknown> = {}, id = 'ada'): void {
    const resource = { kind: kind === 'CHANGE' ? KIND : ACCOUNT_RESOURCE, id };
    const event = {
      pos: this.events.length + 1,
      seq: 1,
      resource,
      kind,
      actorId: 'x',
      sessionId: null,
      facts,
      at: 0,
      nonce: '',
    };
    this.events.push(event);
    this.listener(event);
  }
}

const change = (role: string | null, resourceId = 'rose', accountId: string | undefined = 'ada') => ({
  change: { resourceId, accountId, role } satisfies RightsChange,
});

describe('the rights of an account', () => {
  it('are read once, then updated by the log', async () => {
    const world = new World();
    const held = (await world.rights.of('ada'))!;
    world.happen('ROLE_CHANGED', { role: 'USER' });
    world.happen('CHANGE', change('VIEWER'));
    world.happen('CHANGE', change('OWNER', 'tulip'));
    expect(held).toEqual({
      role: 'USER',
      disabled: false,
      resources: new Map([
        ['rose', 'VIEWER'],
        ['tulip', 'OWNER'],
      ]),
    });
    world.happen('DISABLED');
    expect(held.disabled).toBe(true);
    world.happen('ENABLED');
    world.happen('CHANGE', change(null));
    expect(held).toMatchObject({ disabled: false, resources: new Map([['tulip', 'OWNER']]) });
    expect(await world.rights.of('ada')).toBe(held);
    expect(world.reads).toBe(1);
  });

  it('are not changed by events of others', async () => {
    const world = new World();
    const held = (await world.rights.of('ada'))!;
    world.happen('DISABLED', {}, 'bob');
    world.happen('CHANGE', change(null, 'rose', 'bob'));
    expect(held).toEqual({ role: 'EDITOR', disabled: false, resources: new Map([['rose', 'OWNER']]) });
  });

  it('are changed only by events of the account that change its rights', () => {
    const world = new World();
    const kinds = ['ROLE_CHANGED', 'DISABLED', 'ENABLED', 'NOTIFIED', 'SESSIONS_ENDED', 'OF_LATER_VERSIONS'];
    for (const kind of kinds) world.happen(kind, { role: Role.USER });
    const { events, rights } = world;
    expect(events.filter((event) => rights.changedBy(event).length > 0).map(({ kind }) => kind)).toEqual([
      'ROLE_CHANGED',
      'DISABLED',
      'ENABLED',
    ]);
  });

  it('in a deleted resource end for all accounts that had any', async () => {
    const world = new World();
    const [ada, bob] = [(await world.rights.of('ada'))!, (await world.rights.of('bob'))!];
    world.happen('CHANGE', change(null, 'rose', 'bob'));
    for (let again = 0; again < 2; again += 1) {
      world.happen('CHANGE', { change: { resourceId: 'rose', role: null } });
      expect([ada.resources.size, bob.resources.size]).toEqual([0, 0]);
      expect([ada.ended, bob.ended]).toEqual([new Set(['rose']), undefined]);
    }
  });

  it('are read with the resources that ended before', async () => {
    const world = new World();
    world.row!.resources = { rose: null, tulip: 'VIEWER' };
    expect(await world.rights.of('ada')).toEqual({
      role: 'EDITOR',
      disabled: false,
      resources: new Map([['tulip', 'VIEWER']]),
      ended: new Set(['rose']),
    });
  });

  it('are undefined for a missing account, and read again later', async () => {
    const world = new World();
    const { row } = world;
    world.row = undefined;
    expect(await world.rights.of('ada')).toBeUndefined();
    world.row = row;
    expect(await world.rights.of('ada')).toMatchObject({ role: 'EDITOR' });
  });

  it('are those at the head if the log advances during the read', async () => {
    const world = new World();
    world.meanwhile = () => world.happen('DISABLED');
    expect(await world.rights.of('ada')).toMatchObject({ disabled: true });
  });

  it('are read in one statement for concurrent callers', async () => {
    const world = new World();
    const all = await Promise.all(Array.from({ length: 20 }, async () => world.rights.of('ada')));
    expect(new Set(all).size).toBe(1);
    expect(world.reads).toBe(1);
  });
});

describe('account roles', () => {
  it('include themselves and lower roles only', () => {
    const roles = [Role.USER, Role.EDITOR, Role.ADMIN];
    fc.assert(
      fc.property(fc.nat(2), fc.nat(2), (a, b) => {
        expect(includesRole(roles[a]!, roles[b]!)).toBe(a >= b);
      }),
    );
    expect(includesRole('ROOT' as Role, Role.USER)).toBe(false);
  });
});
