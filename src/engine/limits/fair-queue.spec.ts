import { FairQueue } from './fair-queue.js';

const modestly = (name: string) => (name === 'modest' ? 40 : 0);

const drained = <T>(queue: FairQueue<T>, points?: (name: string) => number) =>
  Array.from({ length: queue.size }, () => queue.shift(points));

describe('FairQueue', () => {
  it('serves groups in rotation, and the keys within a group, whatever their number of entries', () => {
    const queue = new FairQueue<string>();
    for (let at = 0; at < 3; at += 1) queue.push({ group: 'a', key: 'a1' }, `a1-${at}`);
    queue.push({ group: 'a', key: 'a2' }, 'a2-0');
    queue.push({ group: 'b', key: 'b1' }, 'b1-0');
    queue.push({ group: 'b', key: 'b1' }, 'b1-1');
    expect(drained(queue)).toEqual(['a1-0', 'b1-0', 'a2-0', 'b1-1', 'a1-1', 'a1-2']);
    expect(queue.shift()).toBeUndefined();
  });

  it('serves the group and the key with the least recent cost first', () => {
    const queue = new FairQueue<string>();
    const spent: Record<string, number> = { greedy: 9, modest: 1, g1: 8, g2: 1 };
    queue.push({ group: 'greedy', key: 'g1' }, 'g1');
    queue.push({ group: 'greedy', key: 'g2' }, 'g2');
    queue.push({ group: 'modest', key: 'm' }, 'm');
    queue.push({ group: 'new', key: 'n' }, 'n');
    expect(drained(queue, (name) => spent[name] ?? 0)).toEqual(['n', 'm', 'g2', 'g1']);
  });

  it('does not starve an owner with recent cost when new owners keep arriving', () => {
    let now = 0;
    const queue = new FairQueue<string>(() => now);
    queue.push({ group: 'modest', key: 'modest' }, 'modest');
    const order: (string | undefined)[] = [];
    // Always 32 fresh networks wait, and one of them is served every 30 ms.
    for (let at = 0; at < 32; at += 1) queue.push({ group: `fresh ${at}`, key: `fresh ${at}` }, 'fresh');
    for (let at = 32; at < 200; at += 1) {
      order.push(queue.shift(modestly));
      now += 30;
      queue.push({ group: `fresh ${at}`, key: `fresh ${at}` }, 'fresh');
    }
    expect(order).toContain('modest');
    expect(order.indexOf('modest')).toBeLessThan(60);
  });

  it('counts waiting entries, in total and of one owner', () => {
    const queue = new FairQueue<number>();
    queue.push({ group: 'a', key: 'x' }, 1, 100);
    queue.push({ group: 'a', key: 'y' }, 2, 20);
    expect(queue.waitingOf({ group: 'a', key: 'x' })).toEqual({ key: 1, group: 2, bytes: 100 });
    expect([queue.size, queue.bytes]).toEqual([2, 120]);
    drained(queue);
    expect([queue.size, queue.bytes]).toEqual([0, 0]);
    expect(queue.waitingOf({ group: 'a', key: 'x' })).toEqual({ key: 0, group: 0, bytes: 0 });
  });
});
