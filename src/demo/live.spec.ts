// The program of `npm run demo:live`, as a process of its own, against a real service with demo data.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createDatabase, type TestDatabase } from '../../test/support/database.js';
import { TestTidings } from '../../test/support/tidings.js';

interface Exit {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (...args: string[]): Promise<Exit> =>
  promisify(execFile)(process.execPath, ['dist/bin/demo-live.js', ...args], { timeout: 60_000 }).catch(
    (error: Exit) => error,
  );

describe('demo:live', () => {
  let database: TestDatabase;

  beforeAll(async () => void (database = await createDatabase()));
  afterAll(() => database.drop());

  const posts = async (): Promise<number> => {
    const sql = `select ((select count(*) from project_update) + (select count(*) from comment))::int as count`;
    return (await database.query<{ count: number }>(sql))[0]?.count ?? 0;
  };

  it('posts as often as --count says, reports each post, and ends its sessions', async () => {
    const service = await TestTidings.start({ env: { DEMO: 'true' }, database });
    try {
      const before = await posts();
      const { code, stdout, stderr } = await run('--url', service.url, '--every', '500ms', '--count', '4');
      expect([code, stderr]).toEqual([undefined, '']);
      expect(stdout.trim().split('\n')).toHaveLength(4);
      expect(stdout).toMatch(/^(\d\d:\d\d:\d\d {2}\S+@example\.com +\S+ {2}(update \(\w+\)|reply|chat): [^{}]+\n){4}$/);
      expect(await posts()).toBe(before + 4);
      expect(await database.query('select 1 from session where ended_at is null')).toEqual([]);
    } finally {
      await service.stop();
    }
  });

  it.each([
    [['--every', '499ms'], '500ms to 1h'],
    [['--every', '2'], '500ms to 1h'],
    [['--every', '2h'], '500ms to 1h'],
    [['--count', '0'], 'whole number'],
    [['--count', '1.5'], 'whole number'],
    [['--url', 'localhost:4000'], 'http(s)://host'],
    [['--url', 'ftp://localhost'], 'http(s)://host'],
    [['--fast'], '--fast'],
    [['now'], 'arguments'],
  ])('refuses %j with a reason', async (args, reason) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
  });

  it('explains its options', async () => {
    expect((await run('--help')).stdout).toMatch(/--url <url>[^]+--every <time>[^]+--count <n>/);
  });
});
