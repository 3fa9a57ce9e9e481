// What happens to pub/sub when Redis, or the way to it, fails in each of the ways it can.
import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../../../test/support/redis.js';
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.js';
import type { PubSub } from './pubsub.port.js';
import { listener, TEST_SCHEMAS, TestLog, type TestTopics } from './pubsub.contract.js';
import { RedisPubSub, type RedisPubSubOptions } from './redis.pubsub.js';

const FAST = { heartbeatMs: 100, silenceMs: 400, retryMs: 200 };
const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function redisServer(port?: number): Promise<TestRedis> {
  const redis = await startRedis(port === undefined ? {} : { port });
  cleanUp.push(() => redis.stop());
  return redis;
}

async function proxied(redis: TestRedis): Promise<TcpProxy & { url: string }> {
  const proxy = await startTcpProxy(redis.port);
  cleanUp.push(() => proxy.stop());
  return { ...proxy, url: `redis://127.0.0.1:${proxy.port}` };
}

/** One instance, with promises of what happens to it next. */
class Instance {
  readonly log = new TestLog();
  readonly pubSub: PubSub<TestTopics>;
  private readonly recovery = new EventEmitter();

  constructor(url: string, options: Partial<RedisPubSubOptions<TestTopics>> = FAST) {
    this.pubSub = new RedisPubSub({ url, namespace: 'notes', schemas: TEST_SCHEMAS, log: this.log, ...options });
    this.pubSub.onRecovered(() => this.recovery.emit('recovered'));
    cleanUp.push(() => this.pubSub.close());
  }

  lost = async () => String((await once(this.log, 'warn'))[0]);
  recovered = async () => void (await once(this.recovery, 'recovered'));
}

async function twoInstances(
  url: string,
  options?: Partial<RedisPubSubOptions<TestTopics>>,
): Promise<[Instance, Instance]> {
  const instances: [Instance, Instance] = [new Instance(url, options), new Instance(url, options)];
  await recovery(instances);
  return instances;
}

const loss = (instances: Instance[]) => Promise.all(instances.map((instance) => instance.lost()));
const recovery = (instances: Instance[]) => Promise.all(instances.map((instance) => instance.recovered()));

async function expectWakeUpsToFlow([a, b]: [Instance, Instance]): Promise<void> {
  const atB = listener(b.pubSub, 'tick');
  expect([a.pubSub.healthy, b.pubSub.healthy]).toEqual([true, true]);
  a.pubSub.publish('tick', { n: 1 });
  expect(await atB.atLeast(1)).toEqual([{ n: 1 }]);
}

/** A wake-up without Redis: returns at once, is heard here, counted as dropped for the others. */
async function expectLocalDelivery({ pubSub }: Instance): Promise<void> {
  const here = listener(pubSub, 'tick');
  const dropped = pubSub.stats.dropped;
  pubSub.publish('tick', { n: 2 });
  expect(pubSub.stats.dropped).toBe(dropped + 1);
  expect(await here.atLeast(1)).toEqual([{ n: 2 }]);
}

describe('Redis pub/sub', () => {
  test('reconnects after kill -9 of Redis', async () => {
    const redis = await redisServer();
    const instances = await twoInstances(redis.url);
    const [a] = instances;
    const lost = loss(instances);
    const killed = redis.kill9();
    for (let n = 0; n < 1000; n += 1) a.pubSub.publish('tick', { n }); // into the dying connection
    await Promise.all([killed, lost]);
    expect(instances.map(({ pubSub }) => pubSub.healthy)).toEqual([false, false]);
    await expectLocalDelivery(a);
    const back = recovery(instances);
    await redis.restart();
    await back;
    await expectWakeUpsToFlow(instances);
    expect(a.pubSub.stats.reconnects).toBe(1);
    expect(a.log.lines).toEqual([
      expect.stringMatching(/^warn No Redis \(.+\): /),
      'info Redis is back: wake-ups reach other instances again',
    ]);
  });

  test('detects a silent network within four seconds, stays bounded, and recovers', async () => {
    const proxy = await proxied(await redisServer());
    const instances = await twoInstances(proxy.url, {}); // the real timing, this once
    const [a] = instances;
    const lost = loss(instances);
    proxy.blackhole();
    for (let n = 0; n < 1000; n += 1) a.pubSub.publish('tick', { n });
    expect(a.pubSub.stats.dropped).toBe(1000 - 256);
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('No Redis (silent for 3000 ms)')));
    expect(a.pubSub.healthy).toBe(false);
    await expectLocalDelivery(a);
    const back = recovery(instances);
    proxy.open();
    await back;
    await expectWakeUpsToFlow(instances);
  });

  test('replaces a subscriber connection that is ready but receives nothing', async () => {
    const proxy = await proxied(await redisServer());
    const instances = await twoInstances(proxy.url);
    const [lost, back] = [loss(instances), recovery(instances)];
    proxy.blackhole((firstBytes) => /subscribe/i.test(firstBytes));
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('silent for 400 ms')));
    await back;
    await expectWakeUpsToFlow(instances);
  });

  test('reconnects when connections are closed', async () => {
    const proxy = await proxied(await redisServer());
    const instances = await twoInstances(proxy.url);
    const back = recovery(instances);
    proxy.cut();
    await back;
    expect(instances.map(({ pubSub }) => pubSub.stats.reconnects)).toEqual([1, 1]);
    await expectWakeUpsToFlow(instances);
  });

  test('detects a paused Redis and recovers when it resumes', async () => {
    const redis = await redisServer();
    const instances = await twoInstances(redis.url);
    const lost = loss(instances);
    redis.pause();
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('silent for 400 ms')));
    await expectLocalDelivery(instances[0]);
    const back = recovery(instances);
    redis.resume();
    await back;
    await expectWakeUpsToFlow(instances);
  });

  test('starts without Redis, logs it once, and connects later', async () => {
    const former = await startRedis();
    await former.stop();
    const { port } = former;
    const instances: [Instance, Instance] = [
      new Instance(`redis://localhost:${port}`),
      new Instance(`redis://127.0.0.1:${port}`),
    ];
    expect(await loss(instances)).toEqual(Array(2).fill(expect.stringContaining('ECONNREFUSED')));
    expect(instances[0].pubSub.healthy).toBe(false);
    await expectLocalDelivery(instances[0]);
    const back = recovery(instances);
    await redisServer(port);
    await back;
    await expectWakeUpsToFlow(instances);
    expect(instances.map(({ log }) => log.lines.length)).toEqual([2, 2]);
    expect(instances[0].pubSub.stats.reconnects).toBe(0);
  });

  test('retries when Redis refuses SUBSCRIBE, and never logs the password', async () => {
    const redis = await redisServer();
    const admin = new Redis(redis.url);
    cleanUp.push(async () => void (await admin.quit()));
    const rights = (...more: string[]) =>
      admin.call('ACL', 'SETUSER', 'limited', 'on', '>s3cret', '+publish', '&*', ...more);
    await rights();
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    cleanUp.push(() => Promise.resolve(void process.off('unhandledRejection', note)));
    const instance = new Instance(redis.url.replace('//', '//limited:s3cret@'));
    expect(await instance.lost()).toContain('NOPERM');
    const back = instance.recovered();
    await rights('+subscribe');
    await back;
    expect(instance.log.lines.join()).not.toContain('s3cret');
    expect(unhandled).toEqual([]);
  });

  test('does not mistake a blocked event loop for a silent Redis', async () => {
    const redis = await redisServer();
    const instances = await twoInstances(redis.url);
    const until = performance.now() + 2 * FAST.silenceMs;
    while (performance.now() < until);
    const atB = listener(instances[1].pubSub, 'tick');
    instances[0].pubSub.publish('tick', { n: 1 });
    await atB.atLeast(1);
    expect(instances.map(({ log }) => log.lines)).toEqual([[], []]);
  });

  test('closes promptly while Redis is silent or absent', async () => {
    const redis = await redisServer();
    const instance = new Instance(redis.url);
    await instance.recovered();
    redis.pause();
    const hopeless = new Instance(redis.url);
    await Promise.all([instance.pubSub.close(), hopeless.pubSub.close()]);
    expect([instance.pubSub.healthy, hopeless.pubSub.healthy]).toEqual([false, false]);
  });
});
