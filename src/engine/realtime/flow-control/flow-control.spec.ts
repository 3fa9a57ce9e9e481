// How work is held back, and who goes first.
import { ServiceUnavailableError } from '../../errors/service-error.js';
import { AccountBudgets } from './account-budgets.js';
import { FlowControl } from './flow-control.js';
import { GrowingTimeout, retryWhileUnavailable } from './retries.js';
import { WeightedSemaphore } from './weighted-semaphore.js';

const other = () => Promise.reject(new Error('another'));
const away = () => Promise.reject(new ServiceUnavailableError());
const attempt = (ms: number) => ({ cost: 5_000, accounts: [], timeout: new GrowingTimeout(ms) });
const nextIteration = () => new Promise((resolve) => setImmediate(resolve));

describe('WeightedSemaphore', () => {
  it('admits by rank, then in order of arrival; an item above its capacity runs alone', async () => {
    const semaphore = new WeightedSemaphore(10);
    const entered: string[] = [];
    const ask = (name: string, weight: number, rank: number) =>
      void semaphore.acquire(weight, rank).then(() => entered.push(name));
    ask('first', 10, 5);
    for (const [name, rank] of [
      ['spent', 900],
      ['fair', 20],
      ['later', 20],
      ['least', 1],
    ] as const)
      ask(name, 5, rank);
    ask('heavy', 50, 2_000);
    await nextIteration();
    expect([entered, semaphore.queued]).toEqual([['first'], 5]);
    semaphore.release(10);
    await nextIteration();
    expect(entered).toEqual(['first', 'least', 'fair']);
    semaphore.release(5);
    semaphore.release(5);
    await nextIteration();
    expect(entered.slice(3)).toEqual(['later', 'spent']);
    semaphore.release(5);
    semaphore.release(5);
    await nextIteration();
    expect([entered.at(-1), semaphore.queued, semaphore.tryAcquire(1)]).toEqual(['heavy', 0, false]);
    semaphore.release(50);
    expect(semaphore.tryAcquire(1)).toBe(true);
  });
});

describe('AccountBudgets', () => {
  const options = { perSecond: 100, burst: 50, instancePerSecond: 1_000, instanceBurst: 500, scarceBurst: 5 };

  it('rank the least spending first, and report exhausted accounts until time has passed', () => {
    let now = 0;
    const budgets = new AccountBudgets(options, () => now);
    const ranks = [1, 2, 3, 4, 5, 6].map(() => budgets.charge(['busy'], 10));
    expect(ranks).toEqual([0, 100, 200, 300, 400, 500]);
    expect(budgets.charge(['calm'], 10)).toBe(0);
    expect(budgets.charge(['busy', 'calm'], 10)).toBe(100);
    expect([budgets.areExhausted(['busy']), budgets.areExhausted(['calm']), budgets.areExhausted([])]).toEqual([
      true,
      false,
      false,
    ]);
    // A group pays together: it goes on as long as one of its accounts may.
    expect(budgets.areExhausted(['busy', 'calm'])).toBe(false);
    now = 200;
    expect(budgets.areExhausted(['busy'])).toBe(false);
  });

  it('leave each account a smaller burst when the budget of the instance is exhausted', () => {
    const budgets = new AccountBudgets(options, () => 0);
    for (let n = 0; n < 60; n += 1) budgets.charge([`account ${n}`], 10);
    expect(budgets.areExhausted(['account 1'])).toBe(true);
    expect(budgets.areExhausted(['new'])).toBe(false);
  });
});

describe('Lane', () => {
  it('splits items into chunks that it can admit together, of at least one', () => {
    const { live } = new FlowControl();
    expect([...live.chunksOf([1, 2, 3, 4, 5], 2_000)]).toEqual([[1, 2], [3, 4], [5]]);
    expect([...live.chunksOf([1, 2], 9_000)]).toEqual([[1], [2]]);
  });

  it('admits the next execution when one was written or has timed out', async () => {
    const { live } = new FlowControl();
    const { promise: written, resolve: write } = Promise.withResolvers<string>();
    const first = live.run(
      attempt(1_000),
      () => Promise.resolve('executed'),
      () => written,
    );
    const hanging = live.run(attempt(1), () => new Promise<string>(() => {}), other);
    const last = live.run(
      attempt(1_000),
      () => Promise.resolve('last'),
      (result) => Promise.resolve(result),
    );
    await nextIteration();
    expect(live.queued).toBe(2);
    write('written');
    expect(await first).toBe('written');
    await expect(hanging).rejects.toThrow('not answered within 1 ms');
    expect(await last).toBe('last');
  });
});

describe('retryWhileUnavailable', () => {
  it('retries until the work succeeds, fails for another reason, or is cancelled', async () => {
    let attempts = 0;
    const work = () => {
      attempts += 1;
      return attempts < 2 ? Promise.reject(new ServiceUnavailableError()) : Promise.resolve('done');
    };
    expect(await retryWhileUnavailable(work, () => false)).toBe('done');
    await expect(retryWhileUnavailable(other, () => false)).rejects.toThrow('another');
    await expect(retryWhileUnavailable(away, () => true)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });
});
