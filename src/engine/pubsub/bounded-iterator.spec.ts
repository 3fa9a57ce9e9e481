import { BoundedIterator } from './bounded-iterator.js';

describe('a bounded iterator', () => {
  test('hands over in order, whoever comes first', async () => {
    const iterator = new BoundedIterator<number>(2);
    const waiting = [iterator.next(), iterator.next()];
    expect([1, 2, 3, 4].map((n) => iterator.push(n))).toEqual([true, true, true, true]);
    waiting.push(iterator.next(), iterator.next());
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual([1, 2, 3, 4]);
  });

  test('refuses what does not fit, and takes more once something was read', async () => {
    const iterator = new BoundedIterator<number>(2);
    expect([1, 2, 3].map((n) => iterator.push(n))).toEqual([true, true, false]);
    await iterator.next();
    expect(iterator.push(4)).toBe(true);
    iterator.end();
    const rest: number[] = [];
    for await (const value of iterator) rest.push(value);
    expect(rest).toEqual([2, 4]);
  });

  test('refuses a reader that asks without end', async () => {
    const iterator = new BoundedIterator<number>(1);
    const first = iterator.next();
    await expect(iterator.next()).rejects.toThrow('too many pending calls');
    iterator.push(1);
    expect(await first).toEqual({ value: 1, done: false });
  });

  test('ends after what was pushed, and takes nothing more', async () => {
    const iterator = new BoundedIterator<number | undefined>(2);
    iterator.push(undefined);
    iterator.end();
    expect(iterator.push(1)).toBe(false);
    expect(await iterator.next()).toEqual({ value: undefined, done: false });
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });

  test('fails at once: discards what is pending, throws once, then is done', async () => {
    const iterator = new BoundedIterator<number>(2);
    iterator.push(1);
    iterator.fail(new Error('rights lost'));
    iterator.fail(new Error('too late'));
    await expect(iterator.next()).rejects.toThrow('rights lost');
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });

  test('wakes a waiting reader when it fails, and the others with the end', async () => {
    const iterator = new BoundedIterator<number>(2);
    const [first, second] = [iterator.next(), iterator.next()];
    iterator.fail(new Error('rights lost'));
    await expect(first).rejects.toThrow('rights lost');
    expect(await second).toEqual({ value: undefined, done: true });
  });

  test('wakes a waiting reader when it is returned', async () => {
    const iterator = new BoundedIterator<number>(1);
    const waiting = iterator.next();
    expect(await iterator.return()).toEqual({ value: undefined, done: true });
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  test.each<[string, (iterator: BoundedIterator<number>) => unknown]>([
    ['returned', (iterator) => iterator.return()],
    ['thrown into', (iterator) => iterator.throw(new Error('given up')).catch(() => undefined)],
    ['failed', (iterator) => iterator.fail(new Error('broken'))],
    ['ended', (iterator) => iterator.end()],
  ])('tells exactly once that it is over when %s', async (_how, finish) => {
    let told = 0;
    const iterator = new BoundedIterator<number>(1, () => (told += 1));
    expect(told).toBe(0);
    await finish(iterator);
    await iterator.return();
    iterator.end();
    iterator.fail(new Error('too late'));
    expect(told).toBe(1);
    expect(await iterator.next().catch(() => undefined)).toEqual({ value: undefined, done: true });
  });

  test('needs a capacity', () => {
    for (const capacity of [0, -1, 1.5, Number.POSITIVE_INFINITY]) {
      expect(() => new BoundedIterator(capacity)).toThrow(RangeError);
    }
  });
});
