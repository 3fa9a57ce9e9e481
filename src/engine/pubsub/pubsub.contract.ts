// What every adapter of pub/sub does: run by pubsub.spec.ts against each adapter.
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { z } from 'zod';
import { TOPICS, type PubSub, type PubSubLog, type Schemas, type Topics } from './pubsub.port.js';

export interface TestTopics extends Topics {
  tick: { readonly n: number };
}

export const TEST_SCHEMAS: Schemas<TestTopics> = {
  ...TOPICS,
  tick: z.object({ n: z.number() }),
};

/** Keeps its lines and emits 'warn' and 'info', so that tests can wait for them. */
export class TestLog extends EventEmitter implements PubSubLog {
  readonly lines: string[] = [];
  warn = (message: string) => this.add('warn', message);
  info = (message: string) => this.add('info', message);

  private add(level: string, message: string): void {
    this.lines.push(`${level} ${message}`);
    this.emit(level, message);
  }
}

/** Received messages, and a promise for a number of them. */
export class TestListener<M = TestTopics, T extends keyof M = keyof M> {
  readonly heard: M[T][] = [];
  private readonly waiting: { count: number; resolve: (heard: M[T][]) => void }[] = [];

  readonly listen = (message: M[T]): void => {
    this.heard.push(message);
    for (const { count, resolve } of this.waiting) if (this.heard.length >= count) resolve(this.heard);
  };

  atLeast(count: number): Promise<M[T][]> {
    if (this.heard.length >= count) return Promise.resolve(this.heard);
    return new Promise((resolve) => this.waiting.push({ count, resolve }));
  }
}

export function listener<T extends keyof TestTopics>(
  instance: PubSub<TestTopics>,
  topic: T,
): TestListener<TestTopics, T> {
  const result = new TestListener<TestTopics, T>();
  instance.subscribe(topic, result.listen);
  return result;
}

/** A new instance of one installation, connected. The harness closes it. */
export type NewInstance = (log?: PubSubLog) => Promise<PubSub<TestTopics>>;

export function describePubSub(adapter: string, newInstance: NewInstance): void {
  describe(`the ${adapter} pub/sub`, () => {
    test('tells its own process, in order, after the present call stack', async () => {
      const instance = await newInstance();
      const heard = listener(instance, 'tick');
      for (let n = 0; n < 100; n += 1) instance.publish('tick', { n });
      expect(heard.heard).toEqual([]);
      await heard.atLeast(100);
      expect(heard.heard.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n));
      expect(instance.stats).toEqual({ dropped: 0, malformed: 0, reconnects: 0 });
      expect(instance.healthy).toBe(true);
    });

    test('tells every listener of the topic and nobody else', async () => {
      const instance = await newInstance();
      const [one, two, other] = [listener(instance, 'log'), listener(instance, 'log'), listener(instance, 'tick')];
      instance.publish('log', { log: 'a', pos: '7', events: [{ kind: 'updatePosted' }] });
      instance.publish('tick', { n: 1 });
      await other.atLeast(1);
      expect(one.heard).toEqual([{ log: 'a', pos: '7', events: [{ kind: 'updatePosted' }] }]);
      expect(two.heard).toEqual(one.heard);
      expect(other.heard).toEqual([{ n: 1 }]);
    });

    test('tells nothing to whoever unsubscribed, even between publication and delivery', async () => {
      const instance = await newInstance();
      const [gone, removed, stays] = [
        new TestListener<TestTopics, 'tick'>(),
        new TestListener<TestTopics, 'tick'>(),
        new TestListener<TestTopics, 'tick'>(),
      ];
      const leave = instance.subscribe('tick', gone.listen);
      let remove: (() => void) | undefined;
      instance.subscribe('tick', () => remove?.());
      remove = instance.subscribe('tick', removed.listen);
      instance.subscribe('tick', stays.listen);
      instance.publish('tick', { n: 1 });
      leave();
      leave();
      await stays.atLeast(1);
      expect([gone.heard, removed.heard]).toEqual([[], []]);
    });

    test('hears twice when subscribed twice, and loses one subscription at a time', async () => {
      const instance = await newInstance();
      const twice = new TestListener<TestTopics, 'tick'>();
      const leave = instance.subscribe('tick', twice.listen);
      instance.subscribe('tick', twice.listen);
      instance.publish('tick', { n: 1 });
      await twice.atLeast(2);
      leave();
      instance.publish('tick', { n: 2 });
      await twice.atLeast(3);
      expect(twice.heard).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);
    });

    test('reports a listener that throws, and the others still hear', async () => {
      const log = new TestLog();
      const instance = await newInstance(log);
      instance.subscribe('tick', () => {
        throw new Error('broken listener');
      });
      const heard = listener(instance, 'tick');
      instance.publish('tick', { n: 1 });
      instance.publish('tick', { n: 2 });
      await heard.atLeast(2);
      expect(log.lines).toEqual(Array(2).fill('warn A listener of "tick" threw: Error: broken listener'));
    });

    test("runs listeners in the context they subscribed in, not in the publisher's", async () => {
      const instance = await newInstance();
      const request = new AsyncLocalStorage<string>();
      const seen = new Promise((resolve) => {
        request.run('boot', () => instance.subscribe('tick', () => resolve(request.getStore())));
      });
      request.run('mutation', () => instance.publish('tick', { n: 1 }));
      expect(await seen).toBe('boot');
    });

    test('is silent and unhealthy once closed, and may be closed twice', async () => {
      const instance = await newInstance();
      const heard = listener(instance, 'tick');
      instance.publish('tick', { n: 1 });
      await Promise.all([instance.close(), instance.close()]);
      await instance.close();
      instance.subscribe('tick', heard.listen);
      instance.onRecovered(() => heard.listen({ n: 0 }));
      instance.publish('tick', { n: 2 });
      await new Promise(setImmediate);
      expect(heard.heard).toEqual([]);
      expect(instance.healthy).toBe(false);
      expect(instance.stats).toMatchObject({ dropped: 1 });
    });
  });
}

const sent = (topic: unknown, message: unknown) => JSON.stringify({ node: 'stranger', topic, message });

/** For an adapter that reaches other processes. `inject` puts a text on the wire as any stranger could. */
export function describeInstances(
  adapter: string,
  newInstance: NewInstance,
  inject: (text: string) => Promise<void>,
): void {
  describe(`${adapter} instances`, () => {
    test('hear each other in order, and themselves once', async () => {
      const [a, b] = await Promise.all([newInstance(), newInstance()]);
      const [atA, atB] = [listener(a, 'tick'), listener(b, 'tick')];
      for (let n = 0; n < 100; n += 1) a.publish('tick', { n });
      await atB.atLeast(100);
      b.publish('tick', { n: 100 });
      await atA.atLeast(101);
      const inOrder = Array.from({ length: 101 }, (_, n) => ({ n }));
      expect([atA.heard, atB.heard]).toEqual([inOrder, inOrder]);
      expect(a.stats).toEqual({ dropped: 0, malformed: 0, reconnects: 0 });
      expect(b.stats).toEqual({ dropped: 0, malformed: 0, reconnects: 0 });
    });

    test('drop and count what is not a wake-up, and hear the next one', async () => {
      const [a, b] = await Promise.all([newInstance(), newInstance()]);
      const [log, ticks] = [listener(b, 'log'), listener(b, 'tick')];
      const bad = [
        'not json',
        '',
        '"a string"',
        'null',
        '[]',
        '{}',
        sent('unknown', {}),
        sent('constructor', {}),
        sent('__proto__', {}),
        sent(['log'], { log: 'a', pos: '1' }),
        sent('log', null),
        sent('log', { pos: 1 }),
        sent('log', { log: 'a', pos: '-1' }),
        sent('log', { log: 'a', pos: '1', events: {} }),
        sent('tick', { n: '1' }),
        JSON.stringify({ topic: 'tick', message: { n: 1 } }),
      ];
      for (const text of bad) await inject(text);
      a.publish('log', { log: 'a', pos: '2' });
      await log.atLeast(1);
      expect([log.heard, ticks.heard]).toEqual([[{ log: 'a', pos: '2' }], []]);
      expect(b.stats).toMatchObject({ malformed: bad.length });
    });

    test('never throw on what is not JSON after all: dropped and counted', async () => {
      const instance = await newInstance();
      const heard = listener(instance, 'tick');
      instance.publish('tick', { n: 1n } as never);
      await heard.atLeast(1);
      await new Promise(setImmediate);
      expect(instance.stats).toMatchObject({ dropped: 1 });
    });
  });
}
