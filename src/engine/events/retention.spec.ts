// What is older than EVENT_RETENTION goes, from the beginning of the log and never from its end.
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { emptyLog, draftEvent, LogInstance, range } from '../../../test/support/log-instance.js';
import type { Config } from '../config/config.js';
import { Metrics } from '../monitoring/metrics.js';
import { CursorExpiredError } from '../errors/service-error.js';
import { encodeCursor } from './cursor.js';
import { EventRetention } from './retention.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let instance: LogInstance;
let retention: EventRetention;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await emptyLog(database);
  instance = await LogInstance.start({ url: database.url });
  retention = new EventRetention(instance.orm, { eventRetention: DAY_MS } as Config, new Metrics({ service }));
});
afterEach(() => instance.stop());

const record = (count: number) =>
  instance.log.transaction(async (tx) => range(1, count).forEach(() => tx.record(draftEvent())));
const positions = async () =>
  (await database.query<{ pos: number }>('select pos::int as pos from event order by pos')).map(({ pos }) => pos);
/** As if these had been written two days ago. */
async function age(...aged: number[]): Promise<void> {
  await database.query('alter table event disable trigger event_is_immutable');
  await database.query(`update event set at = at - interval '2 days' where pos = any($1)`, [aged]);
  await database.query('alter table event enable trigger event_is_immutable');
}

describe('EventRetention', () => {
  it('removes old events; their cursors have expired, later ones stay valid', async () => {
    await record(5);
    const cursors = instance.seen.map(encodeCursor);
    await age(1, 2, 3);
    expect(await retention.prune()).toBe(3);
    expect(await positions()).toEqual([4, 5]);
    expect(await retention.prune()).toBe(0);
    // One that has not applied them itself: what an instance holds in memory is not gone there yet.
    const other = await LogInstance.start({ url: database.url });
    try {
      for (const cursor of cursors.slice(0, 3)) {
        await expect(other.log.resolveCursor(cursor)).rejects.toBeInstanceOf(CursorExpiredError);
      }
      for (const [index, cursor] of cursors.slice(3).entries()) {
        expect(await other.log.resolveCursor(cursor)).toBe(index + 4);
      }
    } finally {
      await other.stop();
    }
  });

  it('keeps the newest event, however old it is', async () => {
    await record(3);
    await age(1, 2, 3);
    expect(await retention.prune()).toBe(2);
    expect(await positions()).toEqual([3]);
    await record(1);
    expect(instance.positions).toEqual([1, 2, 3, 4]);
    await instance.follower.look();
    expect(instance.follower.fresh).toBe(true);
  });

  it('leaves no gap after the clock was set back', async () => {
    await record(4);
    await age(1, 3);
    expect(await retention.prune()).toBe(1);
    expect(await positions()).toEqual([2, 3, 4]);
  });

  it('removes several batches, and nothing from an empty log', async () => {
    expect(await retention.prune()).toBe(0);
    await instance.commitSilently(...range(1, 5_500).map(() => draftEvent()));
    await age(...range(1, 5_400));
    expect(await retention.prune()).toBe(5_400);
    expect(await positions()).toEqual(range(5_401, 5_500));
  });

  it('runs on one instance at a time', async () => {
    await record(3);
    await age(1, 2);
    const other = new EventRetention(instance.orm, { eventRetention: DAY_MS } as Config, new Metrics({ service }));
    const counts = await Promise.all([retention.prune(), other.prune(), retention.prune(), other.prune()]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(2);
    await record(3);
    await age(3, 4);
    await instance.orm.em.fork().transactional(async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [0x7469_6467]);
      expect(await retention.prune()).toBe(0);
    });
    expect(await retention.prune()).toBe(2);
  });
});
