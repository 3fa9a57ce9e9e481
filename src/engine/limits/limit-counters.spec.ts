// Counting by itself: windows that end, one count for all instances, and what happens when Redis does not answer.
import { startRedis, type TestRedis } from '../../../test/support/redis.js';
import { until } from '../../../test/support/wait.js';
import { LimitCounters } from './limit-counters.js';

const SECRET = Buffer.alloc(32, 'limits');
const SHORT = { name: 'short', points: 2, seconds: 1 };
const LONG = { name: 'long', points: 3, seconds: 900 };

const open: LimitCounters[] = [];
let lost = 0;

async function instance(redisUrl?: string): Promise<LimitCounters> {
  const buckets = new LimitCounters({ redisUrl, prefix: 'notes', secret: SECRET, onRedisLost: () => (lost += 1) });
  open.push(buckets);
  await buckets.open();
  return buckets;
}

/** What `count` tries were answered: the ms to wait, 0 for those that were allowed. */
async function tries(count: number, take: () => Promise<number>): Promise<number[]> {
  const waits: number[] = [];
  for (let at = 0; at < count; at += 1) waits.push(await take());
  return waits;
}

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => {
  for (const buckets of open.splice(0)) buckets.close();
  lost = 0;
});
afterAll(() => redis.stop());

describe.each(['in memory', 'in Redis'])('attempts counted %s', (where) => {
  const one = () => instance(where === 'in Redis' ? redis.url : undefined);

  it('are allowed up to the limit per key; the rest gets the time to wait', async () => {
    const buckets = await one();
    const waits = await tries(4, () => buckets.consume(LONG, `a ${where}`));
    expect(waits.slice(0, 3)).toEqual([0, 0, 0]);
    expect(waits[3]).toBeGreaterThan(890_000);
    expect(waits[3]).toBeLessThanOrEqual(900_000);
    expect(await buckets.consume(LONG, `b ${where}`)).toBe(0);
  });

  it('are allowed again when the window ends, whatever was refused in it', async () => {
    const buckets = await one();
    const refused = await tries(20, () => buckets.consume(SHORT, where));
    expect(refused.filter((wait) => wait === 0)).toHaveLength(2);
    expect(Math.max(...refused)).toBeLessThanOrEqual(1_000);
    // Had those in between made it longer, so would these.
    await until(async () => (await buckets.consume(SHORT, where)) === 0, 'a try was allowed');
  });

  it('are refunded after a success', async () => {
    const buckets = await one();
    for (let at = 0; at < 10; at += 1) {
      expect(await buckets.consume(LONG, `good ${where}`)).toBe(0);
      await buckets.refund(LONG, `good ${where}`);
    }
  });

  it('are counted exactly under concurrency', async () => {
    const buckets = await one();
    const waits = await Promise.all(Array.from({ length: 50 }, () => buckets.consume(LONG, `once ${where}`)));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(3);
  });
});

describe('with Redis', () => {
  it('two instances share one count', async () => {
    const [one, other] = [await instance(redis.url), await instance(redis.url)];
    expect(await tries(2, () => one.consume(LONG, 'shared'))).toEqual([0, 0]);
    expect(await other.consume(LONG, 'shared')).toBe(0);
    expect(await one.consume(LONG, 'shared')).toBeGreaterThan(0);
    expect(await other.consume(LONG, 'shared')).toBeGreaterThan(0);
  });

  it('killed, attempts are counted in memory at once, and in Redis again when it is back', async () => {
    const buckets = await instance(redis.url);
    expect(await buckets.consume(LONG, 'before')).toBe(0);
    await redis.kill9();
    await until(() => lost === 1, 'the loss was told');
    const waits = await tries(4, () => buckets.consume(LONG, 'during'));
    expect(waits.map((wait) => wait > 0)).toEqual([false, false, false, true]);
    await redis.restart();
    // What was used up here is not in the empty Redis.
    await until(async () => (await buckets.consume(LONG, 'during')) === 0, 'Redis counts again');
    expect(lost).toBe(1);
  });

  it('paused, an attempt waits half a second at most', async () => {
    const buckets = await instance(redis.url);
    expect(await buckets.consume(LONG, 'awake')).toBe(0);
    redis.pause();
    try {
      expect(await tries(3, () => buckets.consume(LONG, 'asleep'))).toEqual([0, 0, 0]);
    } finally {
      redis.resume();
    }
  });

  it('unreachable from the start, attempts are counted in memory', async () => {
    const buckets = await instance('redis://127.0.0.1:1');
    expect((await tries(4, () => buckets.consume(LONG, 'alone'))).map((wait) => wait > 0)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});
