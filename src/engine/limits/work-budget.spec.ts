import { RecentCosts } from './recent-costs.js';
import { WorkBudget } from './work-budget.js';

let now = 0;
const clock = () => now;

describe('WorkBudget', () => {
  it('can be spent at once up to the burst, and then at its rate', () => {
    const budget = new WorkBudget({ burst: 100, perSecond: 50 }, clock);
    budget.charge('a', 100);
    expect(budget.waitFor('a', 1)).toBe(20);
    expect(budget.waitFor('b', 100)).toBe(0);
    now += 1_000;
    expect(budget.waitFor('a', 50)).toBe(0);
    expect(budget.waitFor('a', 60)).toBe(200);
  });

  it('can be overdrawn by a correction, and never exceeds the burst', () => {
    const budget = new WorkBudget({ burst: 100, perSecond: 50 }, clock);
    budget.charge('a', 150);
    expect(budget.waitFor('a', 0)).toBe(1_000);
    budget.charge('a', -500);
    budget.charge('a', 100);
    expect(budget.waitFor('a', 1)).toBe(20);
  });

  it('never asks to wait for more than the burst', () => {
    const budget = new WorkBudget({ burst: 10, perSecond: 10 }, clock);
    expect(budget.waitFor('a', 1_000)).toBe(0);
  });
});

describe('RecentCosts', () => {
  it('halves every ten seconds', () => {
    const standing = new RecentCosts(clock);
    standing.add('a', 8);
    now += 10_000;
    expect(standing.of('a')).toBe(4);
    standing.add('a', 4);
    now += 20_000;
    expect(standing.of('a')).toBe(2);
    expect(standing.of('b')).toBe(0);
  });
});
