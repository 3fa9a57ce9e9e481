// Following the log over a real PostgreSQL, through wake-ups that are lost and a database that goes away.
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import {
  afterMicrotasks,
  emptyLog,
  draftEvent,
  LogInstance,
  type LogInstanceOptions,
  range,
} from '../../../test/support/log-instance.js';
import { startTcpProxy } from '../../../test/support/tcp-proxy.js';
import { until, within } from '../../../test/support/wait.js';
import { ServiceUnavailableError } from '../errors/service-error.js';
import type { LogEvent } from './log-event.js';

let database: TestDatabase;
let instance: LogInstance;
const logged: string[] = [];

const start = async (options: Partial<LogInstanceOptions> = {}): Promise<LogInstance> =>
  (instance = await LogInstance.start({ url: database.url, ...options }));

const record = (message: unknown): void => void logged.push(String(message));

beforeAll(async () => {
  database = await createDatabase();
  Logger.overrideLogger({ log: record, error: record, warn: record });
});
beforeEach(async () => {
  logged.length = 0;
  await emptyLog(database);
});
afterEach(async () => {
  await instance.stop();
});
afterAll(async () => {
  Logger.overrideLogger(true);
  await database.drop();
});

/** Commits so many events in one transaction, unheard; returns them. */
const silently = (count = 1): Promise<LogEvent[]> =>
  instance.commitSilently(...range(1, count).map((n) => draftEvent(`E${n}`)));
/** The same by plain SQL, which needs no connection of the instance. */
const directly = (): Promise<unknown> =>
  database.query(
    `insert into event (resource_kind, resource_id, kind, actor_id) select 'thing', id, 'MISSED', id from account`,
  );
const carried = (events: readonly unknown[]): void => {
  const pos = Math.max(...events.map((event) => (event as LogEvent).pos ?? 0));
  instance.wakeUp({ pos: String(pos), events });
};
/** Resolves when every earlier wake-up has been handled. */
const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function allowConnections(allowed: boolean): Promise<void> {
  const beside = new Client(process.env['TEST_POSTGRES_URL']);
  await beside.connect();
  await beside.query(`alter database ${new URL(database.url).pathname.slice(1)} with allow_connections ${allowed}`);
  await beside.end();
}
async function terminateOthers(): Promise<void> {
  await database.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
}

describe('LogFollower', () => {
  it('starts at the head', async () => {
    await start();
    await silently(3);
    await instance.saw(3);
    const late = await LogInstance.start({ url: database.url });
    try {
      expect(late.follower.applied).toBe(3);
      await silently();
      await late.saw(4);
      expect(late.positions).toEqual([4]);
    } finally {
      await late.stop();
    }
  });

  it('misses no event that is committed during its start', async () => {
    await start();
    for (const round of range(1, 5)) {
      const [late] = await Promise.all([
        LogInstance.start({ url: database.url, withoutTimer: true }),
        ...range(1, 5).map(() => silently()),
      ]);
      const first = late.follower.applied - late.seen.length;
      await late.follower.look();
      expect(late.positions).toEqual(range(first + 1, round * 5));
      await late.stop();
    }
  });

  it('reads page by page', async () => {
    await start({ withoutTimer: true });
    for (const count of [499, 500, 501, 1_000, 1_700]) {
      const before = instance.follower.applied;
      await silently(count);
      await instance.follower.look();
      expect(instance.follower.applied).toBe(before + count);
    }
    expect(instance.positions).toEqual(range(1, 4_200));
  });

  it('finds an event without a wake-up by polling', async () => {
    await start();
    await silently(2);
    await instance.saw(2, 1_000);
    await silently();
    await instance.saw(3, 1_000);
    expect(instance.positions).toEqual([1, 2, 3]);
  });

  it('notifies listeners of rights before those of delivery, for each event', async () => {
    await start({ withoutTimer: true });
    const told: string[] = [];
    instance.follower.on('delivery', ({ pos }) => told.push(`delivery ${pos}`));
    instance.follower.on('rights', ({ pos }) => told.push(`rights ${pos}`));
    await silently(2);
    await instance.follower.look();
    expect(told).toEqual(['rights 1', 'delivery 1', 'rights 2', 'delivery 2']);
  });

  it('continues when a listener throws, and reports rights as broken', async () => {
    await start({ withoutTimer: true });
    const told: number[] = [];
    let broken = 0;
    instance.follower.onBroken(() => (broken += 1));
    instance.follower.on('rights', () => {
      throw new Error('no rights today');
    });
    const leave = instance.follower.on('delivery', ({ pos }) => told.push(pos));
    await silently(2);
    await instance.follower.look();
    leave();
    await silently();
    await instance.follower.look();
    expect(told).toEqual([1, 2]);
    expect(instance.positions).toEqual([1, 2, 3]);
    expect(logged).toEqual([1, 2, 3].map((pos) => `A listener of the log failed at ${pos}`));
    expect(broken).toBe(3);
  });
});

describe('a wake-up', () => {
  beforeEach(() => start({ withoutTimer: true }));

  it('that carries the next event needs no read', async () => {
    const looks = instance.reader.looks;
    carried(await silently(3));
    await heard();
    expect([instance.positions, instance.reader.looks]).toEqual([[1, 2, 3], looks]);
  });

  it('that arrives twice or late has no effect', async () => {
    const [first, second] = [await silently(), await silently()];
    for (const events of [first, second, second, first]) carried(events);
    await heard();
    expect(instance.positions).toEqual([1, 2]);
  });

  it('that arrives out of order makes it read the log', async () => {
    const [first, second, third] = [await silently(), await silently(), await silently()];
    for (const events of [third, first, second]) carried(events);
    await instance.saw(3);
    expect(instance.positions).toEqual([1, 2, 3]);
  });

  it('whose events are out of order makes it read the log', async () => {
    carried((await silently(4)).toReversed());
    await instance.saw(4);
    expect(instance.positions).toEqual([1, 2, 3, 4]);
  });

  it('without events makes it read the log', async () => {
    await silently();
    instance.wakeUp({ pos: '1' });
    await instance.saw(1);
    expect(instance.positions).toEqual([1]);
  });

  it('of another log is ignored', async () => {
    const [event] = await silently();
    const looks = instance.reader.looks;
    instance.wakeUp({ log: 'a stranger', pos: '1', events: [event] });
    await heard();
    expect([instance.follower.applied, instance.reader.looks]).toEqual([0, looks]);
  });

  it('of a position beyond the head makes it read the log only', async () => {
    const [event] = await silently();
    for (const pos of ['7', '9007199254740993', '99999999999999999999999'])
      instance.wakeUp({ pos, events: [{ ...event, pos: 7 }] });
    await instance.saw(1);
    expect(instance.positions).toEqual([1]);
  });

  it('with an invalid event makes it read the log', async () => {
    const [event] = (await silently()) as [LogEvent];
    const forged = { ...event, kind: 'FORGED' };
    const malformed: unknown[] = [null, 1, 'event', [], {}, [forged]];
    for (const pos of ['1', 0.5, Number.NaN]) malformed.push({ ...forged, pos });
    for (const field of ['pos', 'seq', 'resource', 'kind', 'actorId', 'sessionId', 'facts', 'at', 'nonce']) {
      for (const value of [undefined, {}, [], true]) {
        if (field !== 'facts' || value === undefined || value === true || Array.isArray(value))
          malformed.push({ ...forged, [field]: value });
      }
    }
    for (const field of ['resource', 'facts', 'kind', 'nonce']) malformed.push({ ...forged, [field]: null });
    malformed.push({ ...forged, resource: { kind: 'thing' } }, { ...forged, resource: { kind: 'thing', id: 7 } });
    instance.wakeUp({ pos: '1', events: malformed });
    await instance.saw(1);
    expect(instance.seen).toEqual([event]);
    expect(logged).toEqual([]);
  });

  it('during a read is not lost', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    instance.reader.beforeAnswer = () => gate;
    const look = instance.follower.look(); // it has found nothing when the commit comes
    await until(() => instance.reader.looks > 1, 'the look was under way');
    await silently();
    instance.wakeUp({ pos: '1' });
    await heard();
    open();
    await look;
    expect(instance.positions).toEqual([1]);
  });

  it('at the end of a read is not lost', async () => {
    for (const turns of range(0, 6)) {
      const before = instance.follower.applied;
      await silently();
      instance.reader.beforeAnswer = async () => {
        instance.reader.beforeAnswer = () => Promise.resolve();
        await silently();
      };
      const leave = instance.follower.on('delivery', ({ pos }) => {
        if (pos === before + 1) void afterMicrotasks(turns, () => instance.follower.look());
      });
      await instance.follower.look();
      await instance.saw(before + 2);
      leave();
    }
    expect(instance.positions).toEqual(range(1, 14));
  });
});

describe('ensureFresh and reached', () => {
  it('wait until a position is applied, or for a second', async () => {
    await start({ withoutTimer: true });
    const reached = instance.follower.reached(2);
    carried(await silently());
    await heard();
    expect(await Promise.race([reached.then(() => 'reached'), heard().then(() => 'waits')])).toBe('waits');
    carried(await silently());
    await within(500, reached, 'position 2 was reached');
    await within(100, instance.follower.reached(1), 'position 1 had been reached');
    const startedAt = performance.now();
    await instance.follower.reached(99);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(instance.follower['waiting'].size).toBe(0);
  });

  it('stop waiting when the instance stops', async () => {
    await start();
    const waiting = Promise.all([instance.follower.reached(7), instance.follower.reached(8)]);
    await instance.follower.onApplicationShutdown();
    expect(await within(200, waiting, 'nobody waited any more')).toHaveLength(2);
  });

  it('read the log if the last read is too old', async () => {
    await start({ withoutTimer: true });
    await within(50, instance.follower.ensureFresh(), 'a fresh instance answered at once');
    await silently();
    await until(() => !instance.follower.fresh, 'the look was too long ago');
    // It gives up after a second, which an overloaded machine may need: what was looked at by then counts.
    await until(
      async () => Promise.allSettled([instance.follower.ensureFresh()]).then(([{ status }]) => status === 'fulfilled'),
      'it was fresh',
    );
    expect(instance.follower.applied).toBe(1);
  });

  it('refuse while the database is unavailable, and recover', async () => {
    await start();
    await allowConnections(false);
    await terminateOthers();
    await until(() => !instance.follower.fresh, 'the instance knew that it is behind');
    await expect(instance.follower.ensureFresh()).rejects.toBeInstanceOf(ServiceUnavailableError);
    await directly();
    expect(instance.follower.applied).toBe(0);
    await allowConnections(true);
    await instance.saw(1);
    await instance.follower.ensureFresh();
    expect(logged).toEqual(['The log cannot be followed', 'The log can be followed again']);
  });

  it('tolerate closed connections', async () => {
    await start();
    for (const pos of range(1, 4)) {
      await terminateOthers();
      await directly();
      await instance.saw(pos, 2_000);
    }
    expect(instance.positions).toEqual([1, 2, 3, 4]);
  });

  it('recover from a silent network long before the TCP timeout', async () => {
    const target = new URL(database.url);
    const proxy = await startTcpProxy(Number(target.port));
    try {
      target.port = String(proxy.port);
      await start({ url: target.toString(), poolSize: 4 });
      proxy.blackhole(() => true); // connections that are made from now on pass
      await until(() => !instance.follower.fresh, 'the instance knew that it is behind');
      await directly();
      await instance.saw(1, 15_000);
      await instance.follower.ensureFresh();
      expect(instance.positions).toEqual([1]);
    } finally {
      proxy.cut();
      await instance.stop();
      await proxy.stop();
      await start();
    }
  });
});

describe('a replaced log', () => {
  const LOST =
    'create table lost as select * from event where pos > 2; delete from event where pos > 2; update log_head set pos = 2, nonce = (select nonce from event where pos = 2)';
  const FOUND = `set session_replication_role = replica; insert into event select * from lost; set session_replication_role = origin;
                 update log_head set pos = 3, nonce = (select nonce from event where pos = 3)`;

  it('is detected after a restored backup: its wake-ups are ignored, and the original log is followed again', async () => {
    await start();
    await silently(3);
    await instance.saw(3);
    await database.query(LOST);
    await until(() => !instance.follower.fresh, 'the instance noticed', 1_000);
    await expect(instance.follower.ensureFresh()).rejects.toBeInstanceOf(ServiceUnavailableError);
    const others = await silently(2); // 3 and 4 of that other history
    carried(others);
    await heard();
    expect(instance.positions).toEqual([1, 2, 3]);
    await instance.follower.look();
    expect([instance.follower.fresh, instance.follower.applied]).toEqual([false, 3]);
    await database.query('delete from event where pos > 2');
    await database.query(FOUND);
    await database.query('drop table lost');
    await instance.follower.ensureFresh();
    await silently();
    await instance.saw(4);
    expect(instance.positions).toEqual([1, 2, 3, 4]);
    expect(logged).toEqual(['The log cannot be followed', 'The log can be followed again']);
  });

  it('is detected after unread events were pruned, without reading forever', async () => {
    await start({ withoutTimer: true });
    await silently(1_200);
    await database.query('delete from event where pos <= 600');
    const looks = instance.reader.looks;
    await within(60_000, instance.follower.look(), 'the look ended');
    expect([instance.follower.fresh, instance.follower.applied, instance.reader.looks]).toEqual([false, 0, looks + 1]);
  });

  it('is not reported when events that were read are pruned', async () => {
    await start();
    await instance.log.transaction(async (tx) => tx.record(draftEvent()));
    await database.query('delete from event');
    await instance.follower.look();
    expect([instance.follower.fresh, logged]).toEqual([true, []]);
  });
});

describe('a stopped LogFollower', () => {
  it('notifies nobody, also not of events that it was reading', async () => {
    await start();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    instance.reader.beforeAnswer = () => gate;
    await silently();
    const look = instance.follower.look();
    const stopped = instance.follower.onApplicationShutdown();
    instance.wakeUp({ pos: '1', events: await silently() });
    await heard();
    open();
    await Promise.all([stopped, look, instance.follower.look()]);
    const looks = instance.reader.looks;
    await instance.follower.look();
    expect([instance.positions, instance.reader.looks]).toEqual([[], looks]);
  });
});
