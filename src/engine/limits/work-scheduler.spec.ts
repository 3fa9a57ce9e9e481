import { RecentCosts } from './recent-costs.js';
import { WorkQueue, type WorkItem, WorkScheduler } from './work-scheduler.js';

const OWNER = { group: 'g', key: 'k' };

/** Keeps the event loop busy. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** A piece, and a promise of when it was done. */
function pieceOf(ms: number, charged?: number): { piece: WorkItem; done: Promise<number> } {
  const { promise, resolve } = Promise.withResolvers<number>();
  const settle = (measured: number) => {
    resolve(measured);
    return charged ?? measured;
  };
  return {
    piece: { wanted: () => true, start: () => void Promise.resolve().then(() => work(ms)), settle },
    done: promise,
  };
}

describe('WorkQueue', () => {
  it('is delayed by its share of idle time, four times longer while the event loop is busy', () => {
    let [now, idle] = [0, 0];
    const lane = new WorkQueue('one', 0.25, () => ({ now, idle }));
    lane.charge(10, 14);
    // 10 ms beyond what it may do without a rest.
    expect(lane.delay).toBe(40);
    now += 40;
    expect(lane.delay).toBe(30);
    [now, idle] = [now + 29, idle + 29];
    expect(lane.delay).toBe(1);
    [now, idle] = [now + 2, idle + 2];
    expect(lane.delay).toBe(0);
  });
});

describe('WorkScheduler', () => {
  it('starts nothing after it was stopped, also while an item runs', async () => {
    const lane = new WorkQueue('one', 1);
    const turns = new WorkScheduler([lane], new RecentCosts());
    const started: string[] = [];
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const piece = (name: string, start = () => {}): WorkItem => ({
      wanted: () => true,
      start: () => {
        started.push(name);
        start();
      },
      settle: () => {
        resolve();
        return 0;
      },
    });
    turns.add(
      lane,
      OWNER,
      piece('first', () => turns.stop()),
      0,
    );
    turns.add(lane, OWNER, piece('second'), 0);
    await settled;
    for (let turn = 0; turn < 10; turn += 1) await new Promise((next) => setImmediate(next));
    expect(started).toEqual(['first']);
  });

  it('measures an item with its microtasks, and runs one item per iteration of the event loop', async () => {
    const lane = new WorkQueue('one', 1);
    const turns = new WorkScheduler([lane], new RecentCosts());
    const [first, second] = [pieceOf(3), pieceOf(0)];
    turns.add(lane, OWNER, first.piece, 0);
    turns.add(lane, OWNER, second.piece, 0);
    let polled = 0;
    const poll = (): void => {
      polled += 1;
      if (lane.items.size > 0) setImmediate(poll);
    };
    setImmediate(poll);
    expect(await first.done).toBeGreaterThan(2);
    await second.done;
    expect(polled).toBeGreaterThan(0);
    expect(lane.busySeconds).toBeGreaterThan(0.002);
  });

  it('runs a queue while another one is delayed', async () => {
    const [resting, free] = [new WorkQueue('resting', 0.001), new WorkQueue('free', 1)];
    const turns = new WorkScheduler([resting, free], new RecentCosts());
    const [long, waits, quick] = [pieceOf(0, 300), pieceOf(0), pieceOf(0)];
    turns.add(resting, OWNER, long.piece, 0);
    await long.done;
    turns.add(resting, OWNER, waits.piece, 0);
    // The timer of the resting lane runs for minutes now.
    expect(resting.delay).toBeGreaterThan(60_000);
    turns.add(free, OWNER, quick.piece, 0);
    await quick.done;
    expect(resting.items.size).toBe(1);
    turns.stop();
  });

  it('drops items that are not wanted any more, without delay for others', async () => {
    const lane = new WorkQueue('one', 1);
    const turns = new WorkScheduler([lane], new RecentCosts());
    const started: string[] = [];
    const piece = (name: string, wanted: boolean): WorkItem => ({
      wanted: () => wanted,
      start: () => void started.push(name),
      settle: (ms) => ms,
    });
    turns.add(lane, OWNER, piece('dropped', false), 0);
    const last = pieceOf(0);
    turns.add(lane, OWNER, last.piece, 0);
    await last.done;
    expect(started).toEqual([]);
  });

  it('runs the item of the owner with the least recent cost first', async () => {
    const lane = new WorkQueue('one', 1);
    const standing = new RecentCosts();
    standing.add('greedy', 100);
    const turns = new WorkScheduler([lane], standing);
    const order: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const piece = (name: string): WorkItem => ({
      wanted: () => true,
      start: () => {
        if (order.push(name) === 3) resolve();
      },
      settle: (ms) => ms,
    });
    turns.add(lane, { group: 'greedy', key: 'greedy' }, piece('greedy 1'), 0);
    turns.add(lane, { group: 'greedy', key: 'greedy' }, piece('greedy 2'), 0);
    turns.add(lane, { group: 'new', key: 'new' }, piece('new'), 0);
    await promise;
    expect(order).toEqual(['new', 'greedy 1', 'greedy 2']);
  });
});
