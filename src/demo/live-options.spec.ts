import { readOptions, UsageError } from './live-options.js';

describe('the command line of the live demo', () => {
  it('has sensible defaults', () => {
    expect(readOptions([])).toEqual({ url: 'http://localhost:4000', every: 4_000, count: Number.POSITIVE_INFINITY });
  });

  it('takes a server, a pace and an end', () => {
    const args = ['--url', 'https://tidings.example.com/', '--every=750ms', '--count', '3'];
    expect(readOptions(args)).toEqual({ url: 'https://tidings.example.com', every: 750, count: 3 });
  });

  it('explains itself', () => {
    expect(readOptions(['--help'])).toBe('help');
    expect(readOptions(['-h', '--every', 'whenever'])).toBe('help');
  });

  it.each([
    [['--every', '499ms'], '--every'],
    [['--every', '2'], '--every'],
    [['--every', '2h'], '--every'],
    [['--count', '0'], '--count'],
    [['--count', '1.5'], '--count'],
    [['--url', 'localhost:4000'], '--url'],
    [['--url', 'ftp://localhost'], '--url'],
    [['--fast'], '--fast'],
    [['now'], 'now'],
  ])('refuses %j, and says what is wrong', (args, word) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(word);
  });
});
