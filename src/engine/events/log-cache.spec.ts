// What an instance keeps in memory, and keeps true by the log: `recentAfter`, and the races of `LogCache` around its reads.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { emptyLog, draftEvent, LogInstance, range } from '../../../test/support/log-instance.js';
import { until, within } from '../../../test/support/wait.js';
import type { LogEvent } from './log-event.js';
import { LogCache, type LogCacheOptions } from './log-cache.js';

let database: TestDatabase;
let instance: LogInstance;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await emptyLog(database);
  instance = await LogInstance.start({ url: database.url, withoutTimer: true });
});
afterEach(async () => {
  await instance.stop();
});

const silently = (...kinds: string[]): Promise<LogEvent[]> =>
  instance.commitSilently(...kinds.map((kind) => draftEvent(kind)));
const heard = async (...kinds: string[]): Promise<void> => {
  await silently(...kinds);
  await instance.follower.look();
};

const positions = (pos: number): number[] | undefined => instance.follower.recentAfter(pos)?.map((event) => event.pos);

describe('LogFollower.recentAfter', () => {
  it('is empty at the head and beyond it, and undefined before the start of the instance', async () => {
    await silently('BEFORE');
    const late = await LogInstance.start({ url: database.url, withoutTimer: true });
    try {
      expect([1, 2, 99].map((pos) => late.follower.recentAfter(pos))).toEqual([[], [], []]);
      expect(late.follower.recentAfter(0)).toBeUndefined();
      await silently('AFTER');
      await late.follower.look();
      expect(late.follower.recentAfter(1)?.map((event) => event.kind)).toEqual(['AFTER']);
      expect(late.follower.recentAfter(0)).toBeUndefined();
    } finally {
      await late.stop();
    }
  });

  it('returns events without a gap up to the head, also at the limits of memory', async () => {
    await heard(...range(1, 4_096).map(String));
    expect(positions(0)).toEqual(range(1, 4_096));
    await heard('4097'); // the window is cut to its newest 2,048
    expect(positions(2_048)).toBeUndefined();
    expect(positions(2_049)).toEqual(range(2_050, 4_097));
    expect(positions(2_050)).toEqual(range(2_051, 4_097));
    expect([positions(4_096), positions(4_097)]).toEqual([[4_097], []]);
    await heard('4098');
    expect(positions(2_049)).toEqual(range(2_050, 4_098));
  });
});

describe('LogCache', () => {
  /** The kinds of the events so far, as a set: applying one twice is harmless. */
  interface Kinds {
    readonly kinds: Set<string>;
  }
  let loads: string[];

  /** Reads the log itself, so that every load is a true snapshot. `afterSnapshot` runs between that and its return. */
  function viewOf(
    changes: Partial<LogCacheOptions<Kinds>> = {},
    afterSnapshot: () => Promise<void> = () => Promise.resolve(),
  ): LogCache<Kinds> {
    loads = [];
    return new LogCache<Kinds>(instance.follower, {
      max: 10,
      load: async (key) => {
        loads.push(key);
        const sql = `select head.pos::int as pos, coalesce(array_agg(event.kind order by event.pos) filter (where event.pos > 0), '{}') as kinds
                       from log_head head left join event on true group by head.pos`;
        const [row] = await database.query<{ pos: number; kinds: string[] }>(sql);
        await afterSnapshot();
        return { pos: row?.pos ?? 0, value: { kinds: new Set(row?.kinds) } };
      },
      affects: () => '*',
      apply: ({ kinds }, event) => kinds.add(event.kind),
      ...changes,
    });
  }
  const kindsIn = async (view: LogCache<Kinds>, key = 'a'): Promise<string[] | undefined> => {
    const value = await view.get(key);
    return value && [...value.kinds].toSorted();
  };

  it('loads once, and is then updated by the log', async () => {
    const view = viewOf();
    await heard('A');
    expect(await kindsIn(view)).toEqual(['A']);
    await heard('B', 'C');
    expect(view.get('a')).not.toBeInstanceOf(Promise);
    expect(await kindsIn(view)).toEqual(['A', 'B', 'C']);
    expect(loads).toEqual(['a']);
  });

  it('misses no event that is applied during a load', async () => {
    let first = true;
    const view = viewOf({}, async () => {
      if (first) await heard('BETWEEN', 'TOO');
      first = false;
    });
    expect(await kindsIn(view)).toEqual(['BETWEEN', 'TOO']);
    expect(loads).toEqual(['a']);
  });

  it('may be newer than the applied log, and stays correct when it catches up', async () => {
    const view = viewOf();
    await silently('A', 'B');
    expect([await kindsIn(view), instance.follower.applied]).toEqual([['A', 'B'], 0]);
    await instance.follower.look();
    await heard('C');
    expect(await kindsIn(view)).toEqual(['A', 'B', 'C']);
  });

  it('loads again if the log advanced beyond the events in memory', async () => {
    let first = true;
    const view = viewOf({}, async () => {
      if (first) await heard(...range(1, 4_200).map(String));
      first = false;
    });
    expect(await kindsIn(view)).toHaveLength(4_200);
    expect(loads).toEqual(['a', 'a']);
  });

  it('gives up after several loads if the log stays older than this instance', async () => {
    await silently('A');
    const late = await LogInstance.start({ url: database.url, withoutTimer: true });
    try {
      const reads: number[] = [];
      const view = new LogCache<Kinds>(late.follower, {
        max: 10,
        load: () => {
          reads.push(performance.now());
          return Promise.resolve({ pos: 0, value: { kinds: new Set() } });
        },
        affects: () => [],
        apply: () => {},
      });
      await expect(view.get('a')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      expect(reads).toHaveLength(4);
      expect(reads.at(-1)! - reads[0]!).toBeGreaterThan(200);
      await expect(view.get('a')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      expect(reads).toHaveLength(8);
    } finally {
      await late.stop();
    }
  });

  it('loads once for concurrent callers', async () => {
    const view = viewOf();
    const values = await Promise.all([view.get('a'), view.get('a'), view.get('b'), view.get('a')]);
    expect(loads).toEqual(['a', 'b']);
    expect(new Set(values).size).toBe(2);
  });

  it('caches neither errors nor missing values', async () => {
    let found: { pos: number; value: Kinds | undefined } | undefined;
    const view = viewOf({ load: () => (found ? Promise.resolve(found) : Promise.reject(new Error('no database'))) });
    for (const asked of [view.get('a'), view.get('a')]) await expect(asked).rejects.toThrow('no database');
    found = { pos: 0, value: undefined };
    expect(await view.get('a')).toBeUndefined();
    found = { pos: 0, value: { kinds: new Set(['A']) } };
    expect(await kindsIn(view)).toEqual(['A']);
  });

  it('applies an event only to the values that it affects', async () => {
    const view = viewOf({ affects: (event) => [event.kind] });
    await Promise.all([view.get('A'), view.get('B')]);
    await heard('A', 'C');
    expect([await kindsIn(view, 'A'), await kindsIn(view, 'B')]).toEqual([['A'], []]);
  });

  it('updates an evicted value while it is referenced, and returns the same object', async () => {
    const view = viewOf({ max: 1 });
    const held = await view.get('a');
    await view.get('b');
    await heard('WHILE_AWAY');
    expect(held?.kinds).toEqual(new Set(['WHILE_AWAY']));
    expect(view.get('a')).toBe(held);
    expect(loads).toEqual(['a', 'b']);
    await heard('BACK');
    expect(held?.kinds).toEqual(new Set(['WHILE_AWAY', 'BACK']));
  });

  it('loads an evicted value again if it is not referenced', async () => {
    const view = viewOf({ max: 1 });
    await view.get('a');
    await view.get('b');
    await until(() => collected(view), 'the value was collected');
    await heard('MEANWHILE');
    expect(await kindsIn(view)).toEqual(['MEANWHILE']);
    expect(loads).toEqual(['a', 'b', 'a']);
  });

  it('keeps nothing of evicted values that are not referenced', async () => {
    const view = viewOf({ max: 5, affects: () => [] });
    for (const key of range(1, 300)) await view.get(String(key));
    await until(() => collected(view), 'all that was evicted was forgotten');
    expect(view['values'].size).toBe(5);
  });

  /** Whether nothing evicted is left, after a garbage collection. */
  function collected(view: LogCache<Kinds>): boolean {
    collectGarbage();
    return view['evicted'].size === 0;
  }

  it('is correct under load', async () => {
    const view = viewOf({ max: 2 });
    const total = 60;
    const writing = (async () => {
      for (const turn of range(1, total))
        await instance.log.transaction(async (tx) => tx.record(draftEvent(String(turn))));
    })();
    let asked = 0;
    const asking = range(1, 3).map(async (reader) => {
      while (instance.follower.applied < total) {
        const value = await view.get(`key ${(asked + reader) % 5}`);
        const known = instance.seen.map((event) => event.kind);
        expect(known.filter((kind) => !value?.kinds.has(kind))).toEqual([]);
        asked += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await within(60_000, Promise.all([writing, ...asking]), 'everyone was done');
    expect(asked).toBeGreaterThan(20);
  });
});

/** A full collection of garbage now, without a flag on the command line. */
function collectGarbage(): void {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
}
