// Timeouts through a network that drops everything, over real connections to PostgreSQL.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.js';
import { until } from '../../../test/support/wait.js';
import { withTimeout } from './with-timeout.js';
import { removeLostConnections } from './lost-connections.js';
import { ormOptions } from './orm-options.js';
import { isDatabaseUnavailable } from './unit-of-work.js';

/** ms in which an available PostgreSQL answers, however busy the machine; and a timeout that expires soon. */
const [AMPLE, SHORT] = [10_000, 200];
/** A timeout that is long enough for PostgreSQL to answer the statements before the one that does not return. */
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
  const onPoolCreated = removeLostConnections(heldMs);
  return MikroORM.init({ ...options, driverOptions: { ...driverOptions, onPoolCreated } });
}

const select = (sql = 'select 1 as one') => orm.em.fork().execute(sql);
const away = (work: Promise<unknown>): Promise<boolean> => work.then(() => false, isDatabaseUnavailable);
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
const both = () => withTimeout(AMPLE, () => Promise.all([select(), select()]));
const WORK: [string, () => Promise<unknown>][] = [
  ['a statement', () => select()],
  ['a transaction', () => orm.em.fork().transactional((em) => em.execute('select 1'))],
];

describe('withTimeout', () => {
  it.each(WORK)('replaces connections that the network has dropped: %s', async (_what, work) => {
    await pids();
    swallow();
    expect(await away(withTimeout(SHORT, work))).toBe(true);
    // The idle connection is replaced as well.
    expect(await both()).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  it('cancels the statement in PostgreSQL', async () => {
    const work = away(withTimeout(ROOMY, () => select('select pg_sleep(600)')));
    await until(() => sleeping(1), 'the statement ran');
    expect(await work).toBe(true);
    await until(() => sleeping(0), 'the statement was cancelled');
  });

  it('hands out no connection after the timeout', async () => {
    const late = Promise.withResolvers<void>();
    let rest: Promise<unknown> | undefined;
    const work = withTimeout(SHORT, () => (rest = late.promise.then(() => select())));
    expect(await away(work)).toBe(true);
    late.resolve();
    await expect(rest).rejects.toThrow('has not answered');
  });

  it('includes a statement that still runs when another one has failed', async () => {
    let behind: Promise<unknown> | undefined;
    const work = withTimeout(ROOMY, () => {
      behind = select('select pg_sleep(600)');
      return Promise.race([behind, select('select 1 / 0')]);
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
    expect(await away(behind!)).toBe(true);
  });

  it('does not affect other work', async () => {
    const others = select('select 1 as one, pg_sleep(1)');
    await until(() => sleeping(1), 'the other work ran');
    expect(await away(withTimeout(SHORT, () => select('select pg_sleep(600)')))).toBe(true);
    expect(await others).toMatchObject([{ one: 1 }]);
  });

  it('keeps an idle connection that is alive', async () => {
    const before = await pids();
    let used = 0;
    const slow = async () => {
      const em = orm.em.fork();
      await em.begin();
      const [row] = await em.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
      used = row!.pid;
      await em.execute('select pg_sleep(600)');
    };
    expect(await away(withTimeout(ROOMY, slow))).toBe(true);
    const other = before.find((pid) => pid !== used);
    await until(async () => (await pids()).includes(other!), 'the idle connection was used again');
  });
});

describe('work without a timeout', () => {
  const HELD = 1_000;
  beforeEach(async () => {
    await orm.close(true);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    orm = await connected(url.toString(), HELD);
  });

  it.each(WORK)('also has its lost connection replaced: %s', async (_what, work) => {
    await pids();
    swallow();
    expect(await Promise.all([away(work()), away(work())])).toEqual([true, true]);
    expect(await both()).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  });

  it('keeps its connections while it is answered', async () => {
    const before = await pids();
    for (const end = performance.now() + 1.5 * HELD; performance.now() < end;) await select();
    expect(new Set(await pids())).toEqual(new Set(before));
  });
});
