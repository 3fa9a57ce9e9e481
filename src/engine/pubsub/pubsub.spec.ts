import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { sharedRedisUrl, stopSharedRedis } from '../../../test/support/redis.js';
import type { Config } from '../config/config.js';
import { ConfigModule } from '../config/config.module.js';
import { PUB_SUB, type PubSub } from './pubsub.port.js';
import { InProcessPubSub } from './in-process.pubsub.js';
import {
  describePubSub,
  describeInstances,
  listener,
  TEST_SCHEMAS,
  TestLog,
  type NewInstance,
  type TestTopics,
} from './pubsub.contract.js';
import { createPubSub, PubSubModule } from './pubsub.module.js';
import { channelName, RedisPubSub } from './redis.pubsub.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const namespace = `test-${randomUUID()}`;
const opened: PubSub<TestTopics>[] = [];
let url: string;
let stranger: Redis;

beforeAll(async () => {
  url = await sharedRedisUrl();
  stranger = new Redis(url);
});
afterEach(async () => void (await Promise.all(opened.splice(0).map((instance) => instance.close()))));
afterAll(async () => {
  await stranger.quit();
  await stopSharedRedis();
});

const inProcess: NewInstance = (log = new TestLog()) => {
  const instance = new InProcessPubSub<TestTopics>({ log });
  opened.push(instance);
  return Promise.resolve(instance);
};

async function redisInstance(log = new TestLog() as Parameters<NewInstance>[0] & object, inNamespace = namespace) {
  const instance = new RedisPubSub<TestTopics>({ url, namespace: inNamespace, schemas: TEST_SCHEMAS, log });
  opened.push(instance);
  await new Promise<void>((resolve) => instance.onRecovered(resolve));
  return instance;
}

const channels = () => stranger.pubsub('CHANNELS', `${namespace}*`);
const inject = async (text: string) => void (await stranger.publish(channelName('rings', namespace), text));

describePubSub('in-process', inProcess);
describePubSub('Redis', redisInstance);
describeInstances('Redis', redisInstance, inject);

describe('two installations on one Redis', () => {
  test("do not receive each other's messages", async () => {
    const [a, b, foreign] = await Promise.all([
      redisInstance(),
      redisInstance(),
      redisInstance(new TestLog(), `${namespace}-2`),
    ]);
    const [atB, atForeign] = [listener(b, 'tick'), listener(foreign, 'tick')];
    a.publish('tick', { n: 1 });
    await atB.atLeast(1);
    foreign.publish('tick', { n: 2 });
    await atForeign.atLeast(1);
    expect(atForeign.heard).toEqual([{ n: 2 }]);
    expect(foreign.stats.malformed).toBe(0);
  });
});

describe('a closed Redis pub/sub', () => {
  test('leaves no subscription behind', async () => {
    const instance = await redisInstance();
    expect(await channels()).toHaveLength(2);
    await instance.close();
    expect(await channels()).toEqual([]);
  });

  test('can be closed before it has connected', async () => {
    const instance = new RedisPubSub<TestTopics>({ url, namespace, schemas: TEST_SCHEMAS, log: new TestLog() });
    await instance.close();
    expect(instance.healthy).toBe(false);
  });
});

describe('the module', () => {
  test.each([
    ['/', 'notes:'],
    ['/0', 'notes:'],
    ['/3', 'notes:3:'],
  ])('names channels by the service and the database number of REDIS_URL: "%s"', async (path, prefix) => {
    const pubSub = createPubSub({ service, redisUrl: new URL(path, url).href }, new TestLog());
    try {
      await new Promise<void>((resolve) => pubSub.onRecovered(resolve));
      expect(await stranger.pubsub('CHANNELS', `${prefix}rings`)).toEqual([`${prefix}rings`]);
    } finally {
      await pubSub.close();
    }
  });

  test.each([
    ['the in-process pub/sub without REDIS_URL', () => undefined, InProcessPubSub],
    ['Redis pub/sub with it', () => url, RedisPubSub],
  ])('provides %s, and closes it on shutdown', async (_name, redisUrl, adapter) => {
    @Module({ imports: [ConfigModule.forRoot({ service, redisUrl: redisUrl() } as Config), PubSubModule] })
    class App {}
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const pubSub = app.get<PubSub>(PUB_SUB);
    expect(pubSub).toBeInstanceOf(adapter);
    await app.close();
    pubSub.publish('log', { log: 'a', pos: '1' });
    expect(pubSub.stats.dropped).toBe(1);
  });
});
