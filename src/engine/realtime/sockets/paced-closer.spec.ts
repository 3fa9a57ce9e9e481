import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { PacedCloser, CLOSES_PER_ITERATION } from './paced-closer.js';

function connections(count: number) {
  const endings = new PacedCloser();
  const ended: number[] = [];
  const streams = Array.from({ length: count }, (_, number) => {
    const stream = new Duplex({
      read: () => undefined,
      destroy: (error, done) => {
        ended.push(number);
        done(error);
      },
    });
    endings.attach(stream);
    return stream;
  });
  return { streams, ended };
}

describe('PacedCloser', () => {
  it('closes connections that are lost at once in order, a few per iteration of the event loop', async () => {
    const { streams, ended } = connections(5 * CLOSES_PER_ITERATION + 1);
    for (const stream of streams) stream.destroy();
    let before = 0;
    let most = ended.length;
    while (ended.length < streams.length) {
      before = ended.length;
      await nextIteration();
      most = Math.max(most, ended.length - before);
    }
    expect(most).toBe(CLOSES_PER_ITERATION);
    expect(ended).toEqual([...streams.keys()]);
  });

  it('closes a single connection at once, also after many', async () => {
    const { streams, ended } = connections(CLOSES_PER_ITERATION + 2);
    const [last, ...crowd] = streams;
    const closed = Promise.all(crowd.map((stream) => once(stream, 'close')));
    for (const stream of crowd) stream.destroy();
    await closed;
    await nextIteration();
    await nextIteration();
    last!.destroy();
    expect(ended.at(-1)).toBe(0);
  });

  it('passes on the error of a destroyed connection', async () => {
    const { streams } = connections(CLOSES_PER_ITERATION + 1);
    const heard = streams.map((stream) => once(stream, 'error'));
    for (const [number, stream] of streams.entries()) stream.destroy(new Error(`lost ${number}`));
    const errors = (await Promise.all(heard)).map(([error]) => (error as Error).message);
    expect(errors).toEqual(streams.map((_, number) => `lost ${number}`));
  });
});
