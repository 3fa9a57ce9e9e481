import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { sharedRedisUrl, stopSharedRedis } from '../../../test/support/redis.js';
import type { Config } from '../config/config.js';
import { ConfigModule } from '../config/config.module.js';
import { PUB_SUB, type PubSub } from './doorbell.port.js';
import { InProcessPubSub } from './in-process.pubsub.js';
import {
  describeDoorbell,
  describeNodes,
  ears,
  TEST_SHAPES,
  TestLog,
  type NewNode,
  type TestTopics,
} from './pubsub.contract.js';
import { PubSubModule } from './pubsub.module.js';
import { channelName, RedisPubSub } from './redis.pubsub.js';

const namespace = `test-${randomUUID()}`;
const opened: PubSub<TestTopics>[] = [];
let url: string;
let stranger: Redis;

beforeAll(async () => {
  url = await sharedRedisUrl();
  stranger = new Redis(url);
});
afterEach(async () => void (await Promise.all(opened.splice(0).map((node) => node.close()))));
afterAll(async () => {
  await stranger.quit();
  await stopSharedRedis();
});

const inProcess: NewNode = (log = new TestLog()) => {
  const node = new InProcessPubSub<TestTopics>({ log });
  opened.push(node);
  return Promise.resolve(node);
};

async function redisNode(log = new TestLog() as Parameters<NewNode>[0] & object, inNamespace = namespace) {
  const node = new RedisPubSub<TestTopics>({ url, namespace: inNamespace, shapes: TEST_SHAPES, log });
  opened.push(node);
  await new Promise<void>((resolve) => node.onRecovered(resolve));
  return node;
}

const channels = () => stranger.pubsub('CHANNELS', `tidings:${namespace}*`);
const inject = async (text: string) => void (await stranger.publish(channelName('rings', namespace), text));

describeDoorbell('in-process', inProcess);
describeDoorbell('Redis', redisNode);
describeNodes('Redis', redisNode, inject);

describe('two installations on one Redis', () => {
  test('do not hear each other', async () => {
    const [a, b, foreign] = await Promise.all([redisNode(), redisNode(), redisNode(new TestLog(), `${namespace}-2`)]);
    const [atB, atForeign] = [ears(b, 'tick'), ears(foreign, 'tick')];
    a.publish('tick', { n: 1 });
    await atB.atLeast(1);
    foreign.publish('tick', { n: 2 });
    await atForeign.atLeast(1);
    expect(atForeign.heard).toEqual([{ n: 2 }]);
    expect(foreign.stats.received).toBe(0);
  });
});

describe('a closed Redis doorbell', () => {
  test('leaves no subscription behind', async () => {
    const node = await redisNode();
    expect(await channels()).toHaveLength(2);
    await node.close();
    expect(await channels()).toEqual([]);
  });

  test('may be closed before it has ever connected', async () => {
    const node = new RedisPubSub<TestTopics>({ url, namespace, shapes: TEST_SHAPES, log: new TestLog() });
    await node.close();
    expect(node.healthy).toBe(false);
  });
});

describe('the module', () => {
  test.each([
    ['the in-process doorbell without REDIS_URL', () => undefined, InProcessPubSub],
    ['the Redis doorbell with it', () => url, RedisPubSub],
  ])('gives %s, and closes it on shutdown', async (_name, redisUrl, adapter) => {
    @Module({ imports: [ConfigModule.forRoot({ redisUrl: redisUrl() } as Config), PubSubModule] })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const pubSub = app.get<PubSub>(PUB_SUB);
    expect(pubSub).toBeInstanceOf(adapter);
    await app.close();
    pubSub.publish('log', { log: 'a', pos: '1' });
    expect(pubSub.stats.dropped).toBe(1);
  });
});
