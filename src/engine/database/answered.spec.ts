// What is waited for so long and no longer, through a network that swallows it: over real connections to PostgreSQL.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.js';
import { until } from '../../../test/support/wait.js';
import { answered } from './answered.js';
import { giveBackLost } from './lost-connections.js';
import { ormOptions } from './orm-options.js';
import { isDatabaseAway } from './unit-of-work.js';

/** ms in which a PostgreSQL that is there answers, however busy the machine; and ms in which it has not. */
const [AMPLE, SHORT] = [10_000, 200];
/** ms in which it answers what is asked before, and is waited for in vain after that. */
const ROOMY = 2_000;

const BoxEntity = defineEntity({ name: 'Box', tableName: 'box', properties: { id: p.integer().primary() } });

let database: TestDatabase;
let proxy: TcpProxy;
let orm: MikroORM;

beforeAll(async () => {
  database = await createDatabase();
});
beforeEach(async () => {
  const url = new URL(database.url);
  proxy = await startTcpProxy(Number(url.port), url.hostname);
  url.port = String(proxy.port);
  orm = await connected(url.toString());
});
afterEach(async () => {
  proxy.cut();
  await orm.close(true);
  await proxy.stop();
});
afterAll(() => database.drop());

/** Over two connections. `heldMs`: how long work without a limit may hold one, if not as long as it does. */
function connected(url: string, heldMs?: number): Promise<MikroORM> {
  const { driverOptions, ...options } = ormOptions(url, { entities: [BoxEntity], migrations: [] }, 2);
  const onPoolCreated = giveBackLost(heldMs);
  return MikroORM.init({ ...options, driverOptions: { ...driverOptions, onPoolCreated } });
}

const select = (sql = 'select 1 as one') => orm.em.fork().execute(sql);
const away = (work: Promise<unknown>): Promise<boolean> => work.then(() => false, isDatabaseAway);
/** Connections that are made from now on pass. */
const swallow = () => proxy.blackhole(() => true);
const sleeping = async (count: number) => {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
  return (await database.query(sql)).length === count;
};

/** Of the connections, as many as there may be. */
const pids = async () => {
  const all = await Promise.all([1, 2].map(() => select('select pg_backend_pid() as pid, pg_sleep(0.1)')));
  return all.flat().map(({ pid }) => Number(pid));
};
const both = () => answered(AMPLE, () => Promise.all([select(), select()]));
const WORK: [string, () => Promise<unknown>][] = [
  ['a statement', () => select()],
  ['a transaction', () => orm.em.fork().transactional((em) => em.execute('select 1'))],
];

describe('what is given up', () => {
  it.each(WORK)('makes room for new connections, whatever has swallowed the old ones: %s', async (_what, work) => {
    await pids();
    swallow();
    expect(await away(answered(SHORT, work))).toBe(true);
    // The other one too, though nobody has asked it anything.
    expect(await both()).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  it('is not worked on any more by PostgreSQL', async () => {
    const work = away(answered(SHORT, () => select('select pg_sleep(600)')));
    await until(() => sleeping(1), 'it was being worked on');
    expect(await work).toBe(true);
    await until(() => sleeping(0), 'it was not');
  });

  it('is given no more connections', async () => {
    const late = Promise.withResolvers<void>();
    let rest: Promise<unknown> | undefined;
    const work = answered(SHORT, () => (rest = late.promise.then(() => select())));
    expect(await away(work)).toBe(true);
    late.resolve();
    await expect(rest).rejects.toThrow('has not answered');
  });

  it('includes a statement that was left behind when the rest had failed', async () => {
    let behind: Promise<unknown> | undefined;
    const work = answered(ROOMY, () => {
      behind = select('select pg_sleep(600)');
      return Promise.race([behind, select('select 1 / 0')]);
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
    expect(await away(behind!)).toBe(true);
  });

  it('has nothing to do with what others wait for', async () => {
    const others = select('select 1 as one, pg_sleep(1)');
    await until(() => sleeping(1), 'they waited');
    expect(await away(answered(SHORT, () => select('select pg_sleep(600)')))).toBe(true);
    expect(await others).toMatchObject([{ one: 1 }]);
  });

  it('leaves alone what nobody uses, if it lives', async () => {
    const before = await pids();
    let used = 0;
    const slow = async () => {
      const em = orm.em.fork();
      await em.begin();
      const [row] = await em.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
      used = row!.pid;
      await em.execute('select pg_sleep(600)');
    };
    expect(await away(answered(ROOMY, slow))).toBe(true);
    const other = before.find((pid) => pid !== used);
    await until(async () => (await pids()).includes(other!), 'it was used again');
  });
});

describe('what has no limit of its own', () => {
  const HELD = 1_000;
  beforeEach(async () => {
    await orm.close(true);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    orm = await connected(url.toString(), HELD);
  });

  it.each(WORK)('is given up too, and makes room: %s', async (_what, work) => {
    await pids();
    swallow();
    expect(await Promise.all([away(work()), away(work())])).toEqual([true, true]);
    expect(await both()).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  it('loses nothing by being answered', async () => {
    const before = await pids();
    for (const end = performance.now() + 1.5 * HELD; performance.now() < end;) await select();
    expect(new Set(await pids())).toEqual(new Set(before));
  });
});
