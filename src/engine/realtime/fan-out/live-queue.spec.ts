import { CursorExpiredError } from '../../errors/service-error.js';
import { LiveQueue } from './live-queue.js';

describe('LiveQueue above its capacity', () => {
  it('drops the oldest, and calls `overflowed` each time', async () => {
    let overflows = 0;
    const queue = new LiveQueue<number>({
      capacity: 2,
      overflow: 'drop-oldest',
      overflowed: () => (overflows += 1),
      ended: () => {},
    });
    for (const item of [1, 2, 3, 4]) queue.push(item);
    expect([await queue.next(), await queue.next()].map(({ value }) => value)).toEqual([3, 4]);
    expect(overflows).toBe(2);
  });

  it('ends with an error, and calls `overflowed` once', async () => {
    let [overflows, ends] = [0, 0];
    const queue = new LiveQueue<number>({
      capacity: 1,
      overflow: () => new CursorExpiredError(),
      overflowed: () => (overflows += 1),
      ended: () => (ends += 1),
    });
    for (const item of [1, 2, 3]) queue.push(item);
    await expect(queue.next()).rejects.toBeInstanceOf(CursorExpiredError);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
    expect([overflows, ends]).toEqual([1, 1]);
  });
});
