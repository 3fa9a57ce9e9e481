// Which accounts pay for the executions of a group.
import { GroupAccounts } from './group-accounts.js';

describe('GroupAccounts.payers', () => {
  it('returns all accounts of a small group, and rotates in a large one', () => {
    const accounts = new GroupAccounts();
    for (const name of ['a', 'b', 'a']) accounts.add(name);
    expect(accounts.payers()).toEqual(['a', 'b']);
    accounts.remove('a');
    accounts.remove('b');
    expect(accounts.payers()).toEqual(['a']);
    for (let n = 0; n < 40; n += 1) accounts.add(`n${n}`);
    const seen = new Set([1, 2, 3].flatMap(() => [...accounts.payers()]));
    expect(seen.size).toBe(41);
  });
});
