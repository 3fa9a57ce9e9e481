// What happens to the doorbell when Redis, or the way to it, fails in each of the ways it can.
import { EventEmitter, once } from 'node:events';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../../../test/support/redis.js';
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.js';
import type { PubSub } from './doorbell.port.js';
import { ears, TEST_SHAPES, TestLog, type TestTopics } from './pubsub.contract.js';
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

/** One node, with promises of what happens to it next. */
class Node {
  readonly log = new TestLog();
  readonly pubSub: PubSub<TestTopics>;
  private readonly recovery = new EventEmitter();

  constructor(url: string, options: Partial<RedisPubSubOptions<TestTopics>> = FAST) {
    this.pubSub = new RedisPubSub({ url, shapes: TEST_SHAPES, log: this.log, ...options });
    this.pubSub.onRecovered(() => this.recovery.emit('recovered'));
    cleanUp.push(() => this.pubSub.close());
  }

  lost = async () => String((await once(this.log, 'warn'))[0]);
  recovered = async () => void (await once(this.recovery, 'recovered'));
}

async function twoNodes(url: string, options?: Partial<RedisPubSubOptions<TestTopics>>): Promise<[Node, Node]> {
  const nodes: [Node, Node] = [new Node(url, options), new Node(url, options)];
  await recovery(nodes);
  return nodes;
}

const loss = (nodes: Node[]) => Promise.all(nodes.map((node) => node.lost()));
const recovery = (nodes: Node[]) => Promise.all(nodes.map((node) => node.recovered()));

async function expectRingsToFlow([a, b]: [Node, Node]): Promise<void> {
  const atB = ears(b.pubSub, 'tick');
  expect([a.pubSub.healthy, b.pubSub.healthy]).toEqual([true, true]);
  a.pubSub.publish('tick', { n: 1 });
  expect(await atB.atLeast(1)).toEqual([{ n: 1 }]);
}

/** A ring without Redis: back at once, heard here, counted as dropped for the others. */
async function expectLocalDelivery({ pubSub }: Node): Promise<void> {
  const here = ears(pubSub, 'tick');
  const dropped = pubSub.stats.dropped;
  pubSub.publish('tick', { n: 2 });
  expect(pubSub.stats.dropped).toBe(dropped + 1);
  expect(await here.atLeast(1)).toEqual([{ n: 2 }]);
}

describe('the Redis doorbell', () => {
  test('survives kill -9 of Redis and finds the new one', async () => {
    const redis = await redisServer();
    const nodes = await twoNodes(redis.url);
    const [a] = nodes;
    const lost = loss(nodes);
    const killed = redis.kill9();
    for (let n = 0; n < 1000; n += 1) a.pubSub.publish('tick', { n }); // into the dying connection
    await Promise.all([killed, lost]);
    expect(nodes.map(({ pubSub }) => pubSub.healthy)).toEqual([false, false]);
    await expectLocalDelivery(a);
    const back = recovery(nodes);
    await redis.restart();
    await back;
    await expectRingsToFlow(nodes);
    expect(a.pubSub.stats.reconnects).toBe(1);
    expect(a.log.lines).toEqual([
      expect.stringMatching(/^warn No Redis \(.+\): /),
      'info Redis is back: rings reach other nodes again',
    ]);
  });

  test('notices a black hole within four seconds, stays bounded in it, and recovers when it closes', async () => {
    const proxy = await proxied(await redisServer());
    const nodes = await twoNodes(proxy.url, {}); // the real timing, this once
    const [a] = nodes;
    const lost = loss(nodes);
    proxy.blackhole();
    const startedAt = performance.now();
    for (let n = 0; n < 1000; n += 1) a.pubSub.publish('tick', { n });
    expect(a.pubSub.stats.dropped).toBe(1000 - 256);
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('No Redis (silent for 3000 ms)')));
    // The rest of ten seconds is for a busy machine: TCP alone would take minutes.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(a.pubSub.healthy).toBe(false);
    await expectLocalDelivery(a);
    const back = recovery(nodes);
    proxy.open();
    await back;
    await expectRingsToFlow(nodes);
  });

  test('rebuilds a subscriber that looks ready but hears nothing', async () => {
    const proxy = await proxied(await redisServer());
    const nodes = await twoNodes(proxy.url);
    const [lost, back] = [loss(nodes), recovery(nodes)];
    proxy.blackhole((firstBytes) => /subscribe/i.test(firstBytes));
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('silent for 400 ms')));
    await back;
    await expectRingsToFlow(nodes);
  });

  test('comes back when connections are cut', async () => {
    const proxy = await proxied(await redisServer());
    const nodes = await twoNodes(proxy.url);
    const back = recovery(nodes);
    proxy.cut();
    await back;
    expect(nodes.map(({ pubSub }) => pubSub.stats.reconnects)).toEqual([1, 1]);
    await expectRingsToFlow(nodes);
  });

  test('notices a paused Redis and hears it again when it goes on', async () => {
    const redis = await redisServer();
    const nodes = await twoNodes(redis.url);
    const lost = loss(nodes);
    redis.pause();
    expect(await lost).toEqual(Array(2).fill(expect.stringContaining('silent for 400 ms')));
    await expectLocalDelivery(nodes[0]);
    const back = recovery(nodes);
    redis.resume();
    await back;
    await expectRingsToFlow(nodes);
  });

  test('starts without Redis, says so once, and finds it later', async () => {
    const former = await startRedis();
    await former.stop();
    const { port } = former;
    const nodes: [Node, Node] = [new Node(`redis://localhost:${port}`), new Node(`redis://127.0.0.1:${port}`)];
    expect(await loss(nodes)).toEqual(Array(2).fill(expect.stringContaining('ECONNREFUSED')));
    expect(nodes[0].pubSub.healthy).toBe(false);
    await expectLocalDelivery(nodes[0]);
    const back = recovery(nodes);
    await redisServer(port);
    await back;
    await expectRingsToFlow(nodes);
    expect(nodes.map(({ log }) => log.lines.length)).toEqual([2, 2]);
    expect(nodes[0].pubSub.stats.reconnects).toBe(0);
  });

  test('bears a Redis that refuses SUBSCRIBE, and never tells the password', async () => {
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
    const node = new Node(redis.url.replace('//', '//limited:s3cret@'));
    expect(await node.lost()).toContain('NOPERM');
    const back = node.recovered();
    await rights('+subscribe');
    await back;
    expect(node.log.lines.join()).not.toContain('s3cret');
    expect(unhandled).toEqual([]);
  });

  test('does not take a stall of its own event loop for a silent Redis', async () => {
    const redis = await redisServer();
    const nodes = await twoNodes(redis.url);
    const until = performance.now() + 2 * FAST.silenceMs;
    while (performance.now() < until);
    const atB = ears(nodes[1].pubSub, 'tick');
    nodes[0].pubSub.publish('tick', { n: 1 });
    await atB.atLeast(1);
    expect(nodes.map(({ log }) => log.lines)).toEqual([[], []]);
  });

  test('closes within a moment while Redis is silent or absent', async () => {
    const redis = await redisServer();
    const node = new Node(redis.url);
    await node.recovered();
    redis.pause();
    const hopeless = new Node(redis.url);
    const startedAt = performance.now();
    await Promise.all([node.pubSub.close(), hopeless.pubSub.close()]);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });
});
