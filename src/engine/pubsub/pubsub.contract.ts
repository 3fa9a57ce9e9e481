// What every doorbell does, whatever carries it: run by pubsub.spec.ts against each adapter.
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { SHAPES, type PubSub, type PubSubLog, type Shapes, type Topics } from './doorbell.port.js';

export interface TestTopics extends Topics {
  tick: { readonly n: number };
}

export const TEST_SHAPES: Shapes<TestTopics> = {
  ...SHAPES,
  tick: (message): message is TestTopics['tick'] => typeof (message as { n?: unknown } | null)?.n === 'number',
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

/** Everything heard, and a promise of having heard so many. */
export class Ears<M = TestTopics, T extends keyof M = keyof M> {
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

export function ears<T extends keyof TestTopics>(node: PubSub<TestTopics>, topic: T): Ears<TestTopics, T> {
  const result = new Ears<TestTopics, T>();
  node.subscribe(topic, result.listen);
  return result;
}

/** A new node of one and the same installation, ready to ring. The harness closes it. */
export type NewNode = (log?: PubSubLog) => Promise<PubSub<TestTopics>>;

export function describeDoorbell(adapter: string, newNode: NewNode): void {
  describe(`the ${adapter} doorbell`, () => {
    test('tells its own process, in order, after the present call stack', async () => {
      const node = await newNode();
      const heard = ears(node, 'tick');
      for (let n = 0; n < 100; n += 1) node.publish('tick', { n });
      expect(heard.heard).toEqual([]);
      await heard.atLeast(100);
      expect(heard.heard.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n));
      expect(node.stats).toEqual({ published: 100, dropped: 0, received: 0, malformed: 0, reconnects: 0 });
      expect(node.healthy).toBe(true);
    });

    test('tells every listener of the topic and nobody else', async () => {
      const node = await newNode();
      const [one, two, other] = [ears(node, 'log'), ears(node, 'log'), ears(node, 'tick')];
      node.publish('log', { log: 'a', pos: '7', events: [{ kind: 'updatePosted' }] });
      node.publish('tick', { n: 1 });
      await other.atLeast(1);
      expect(one.heard).toEqual([{ log: 'a', pos: '7', events: [{ kind: 'updatePosted' }] }]);
      expect(two.heard).toEqual(one.heard);
      expect(other.heard).toEqual([{ n: 1 }]);
    });

    test('tells nothing to whoever unsubscribed, even between ring and delivery', async () => {
      const node = await newNode();
      const [gone, removed, stays] = [
        new Ears<TestTopics, 'tick'>(),
        new Ears<TestTopics, 'tick'>(),
        new Ears<TestTopics, 'tick'>(),
      ];
      const leave = node.subscribe('tick', gone.listen);
      let remove: (() => void) | undefined;
      node.subscribe('tick', () => remove?.());
      remove = node.subscribe('tick', removed.listen);
      node.subscribe('tick', stays.listen);
      node.publish('tick', { n: 1 });
      leave();
      leave();
      await stays.atLeast(1);
      expect([gone.heard, removed.heard]).toEqual([[], []]);
    });

    test('hears twice when subscribed twice, and loses one subscription at a time', async () => {
      const node = await newNode();
      const twice = new Ears<TestTopics, 'tick'>();
      const leave = node.subscribe('tick', twice.listen);
      node.subscribe('tick', twice.listen);
      node.publish('tick', { n: 1 });
      await twice.atLeast(2);
      leave();
      node.publish('tick', { n: 2 });
      await twice.atLeast(3);
      expect(twice.heard).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);
    });

    test('reports a listener that throws, and the others still hear', async () => {
      const log = new TestLog();
      const node = await newNode(log);
      node.subscribe('tick', () => {
        throw new Error('broken listener');
      });
      const heard = ears(node, 'tick');
      node.publish('tick', { n: 1 });
      node.publish('tick', { n: 2 });
      await heard.atLeast(2);
      expect(log.lines).toEqual(Array(2).fill('warn A listener of "tick" threw: Error: broken listener'));
    });

    test("runs listeners in the context they subscribed in, not in the publisher's", async () => {
      const node = await newNode();
      const request = new AsyncLocalStorage<string>();
      const seen = new Promise((resolve) => {
        request.run('boot', () => node.subscribe('tick', () => resolve(request.getStore())));
      });
      request.run('mutation', () => node.publish('tick', { n: 1 }));
      expect(await seen).toBe('boot');
    });

    test('is silent and unhealthy once closed, and may be closed twice', async () => {
      const node = await newNode();
      const heard = ears(node, 'tick');
      node.publish('tick', { n: 1 });
      await Promise.all([node.close(), node.close()]);
      await node.close();
      node.subscribe('tick', heard.listen);
      node.onRecovered(() => heard.listen({ n: 0 }));
      node.publish('tick', { n: 2 });
      await new Promise(setImmediate);
      expect(heard.heard).toEqual([]);
      expect(node.healthy).toBe(false);
      expect(node.stats).toMatchObject({ published: 2, dropped: 1 });
    });
  });
}

const ring = (topic: unknown, message: unknown) => JSON.stringify({ node: 'stranger', topic, message });

/** For an adapter that reaches other processes. `inject` puts a text on the wire as any stranger could. */
export function describeNodes(adapter: string, newNode: NewNode, inject: (text: string) => Promise<void>): void {
  describe(`${adapter} nodes`, () => {
    test('hear each other in order, and themselves once', async () => {
      const [a, b] = await Promise.all([newNode(), newNode()]);
      const [atA, atB] = [ears(a, 'tick'), ears(b, 'tick')];
      for (let n = 0; n < 100; n += 1) a.publish('tick', { n });
      await atB.atLeast(100);
      b.publish('tick', { n: 100 });
      await atA.atLeast(101);
      const inOrder = Array.from({ length: 101 }, (_, n) => ({ n }));
      expect([atA.heard, atB.heard]).toEqual([inOrder, inOrder]);
      expect(a.stats).toEqual({ published: 100, dropped: 0, received: 1, malformed: 0, reconnects: 0 });
      expect(b.stats).toEqual({ published: 1, dropped: 0, received: 100, malformed: 0, reconnects: 0 });
    });

    test('drop and count what is no ring, and hear the next one', async () => {
      const [a, b] = await Promise.all([newNode(), newNode()]);
      const [log, ticks] = [ears(b, 'log'), ears(b, 'tick')];
      const bad = [
        'not json',
        '',
        '"a string"',
        'null',
        '[]',
        '{}',
        ring('unknown', {}),
        ring('constructor', {}),
        ring('__proto__', {}),
        ring(['log'], { log: 'a', pos: '1' }),
        ring('log', null),
        ring('log', { pos: 1 }),
        ring('log', { log: 'a', pos: '-1' }),
        ring('log', { log: 'a', pos: '1', events: {} }),
        ring('tick', { n: '1' }),
        JSON.stringify({ topic: 'tick', message: { n: 1 } }),
      ];
      for (const text of bad) await inject(text);
      a.publish('log', { log: 'a', pos: '2' });
      await log.atLeast(1);
      expect([log.heard, ticks.heard]).toEqual([[{ log: 'a', pos: '2' }], []]);
      expect(b.stats).toMatchObject({ malformed: bad.length, received: 1 });
    });

    test('never throw on what is not JSON after all: dropped and counted', async () => {
      const node = await newNode();
      const heard = ears(node, 'tick');
      node.publish('tick', { n: 1n } as never);
      await heard.atLeast(1);
      await new Promise(setImmediate);
      expect(node.stats).toMatchObject({ published: 1, dropped: 1 });
    });
  });
}
