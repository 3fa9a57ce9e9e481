// Reads over a real PostgreSQL: what arrives, what shares a connection, and what becomes of plans that are kept.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { until } from '../../../test/support/wait.js';
import { openDatabase } from './open-database.js';
import { ormOptions } from './orm-options.js';
import { Reads } from './reads.js';
import { isDatabaseUnavailable } from './unit-of-work.js';

const JarEntity = defineEntity({ name: 'Jar', tableName: 'jar', properties: { id: p.integer().primary() } });
const content = { entities: [JarEntity], migrations: [] };
const PID = 'select pg_backend_pid() as pid';

interface Pooled {
  readonly connection: NodeJS.EventEmitter;
}

let database: TestDatabase;
let orm: MikroORM;
let reads: Reads;

beforeAll(async () => {
  database = await createDatabase();
  await database.query('create table jar (id int primary key, lid text not null)');
  await database.query(`insert into jar values (1, 'red'), (2, 'blue')`);
  ({ orm } = await openDatabase(database.url, content, 4));
});
beforeEach(() => void (reads = new Reads(orm)));
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

it('returns times, numbers and documents as entities have them', async () => {
  const [row] = await reads.rows<Record<string, unknown>>(
    `select timestamptz '2026-02-03 04:05:06.789+01' as at, timestamptz '12026-01-01 00:00Z' as late, null::timestamptz as never,
            12.50::numeric as budget, 7 as count, '{"a": [1]}'::jsonb as details, ?::text as text`,
    ["it's ü"],
  );
  expect(row).toEqual({
    at: new Date('2026-02-03T03:05:06.789Z'),
    late: new Date('+012026-01-01T00:00:00.000Z'),
    never: null,
    budget: 12.5,
    count: 7,
    details: { a: [1] },
    text: "it's ü",
  });
});

it('sends what is asked for together over one connection, and later ones again', async () => {
  const pids = await Promise.all(Array.from({ length: 3 }, () => reads.rows<{ pid: number }>(PID, [])));
  expect(new Set(pids.map(([row]) => row!.pid)).size).toBe(1);
  expect(await reads.rows(PID, [])).toHaveLength(1);
});

it('hands on all results of a flush before anything that follows them is sent', async () => {
  const slow = reads.rows('select pg_sleep(0.05)', []).then(() => reads.rows<{ pid: number }>(PID, []));
  const fast = reads.rows('select 1', []).then(() => reads.rows<{ pid: number }>(PID, []));
  const [[one], [other]] = await Promise.all([slow, fast]);
  expect(one!.pid).toBe(other!.pid);
});

it('fails alone, and returns the connection', async () => {
  const failing = () => reads.rows('select 1 / ?::int as x', [0]);
  const asked = await Promise.allSettled([reads.rows('select 1 as x', []), failing(), reads.rows('select 2 as x', [])]);
  expect(asked).toMatchObject([
    { status: 'fulfilled', value: [{ x: 1 }] },
    { status: 'rejected', reason: { code: '22012' } },
    { status: 'fulfilled', value: [{ x: 2 }] },
  ]);
  for (let time = 0; time < 6; time += 1) await expect(failing()).rejects.toMatchObject({ code: '22012' });
  expect(await reads.rows('select 1 as x', [])).toEqual([{ x: 1 }]);
});

it('keeps the plans of statements, one for all values, and their results while columns are added', async () => {
  const lids = (id: number) => reads.rows<{ lid: string }>('select lid from jar where id = ?', [id]);
  expect([await lids(1), await lids(2), await lids(1)]).toEqual([
    [{ lid: 'red' }],
    [{ lid: 'blue' }],
    [{ lid: 'red' }],
  ]);
  const kept = await reads.rows<{ generic: number; custom: number }>(
    `select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements where statement like ?`,
    ['select lid from jar%'],
  );
  expect(kept).toEqual([{ generic: 3, custom: 0 }]);
  await database.query('alter table jar add column label text');
  expect(await lids(2)).toEqual([{ lid: 'blue' }]);
});

it('keeps none without that setting, as behind a pooler', async () => {
  const pooled = await MikroORM.init(ormOptions(database.url, content, 1));
  const others = new Reads(pooled);
  const kept = async () =>
    others.rows('select name from pg_prepared_statements where statement like ?', ['%prepared_statements%']);
  expect([await kept(), await kept()]).toEqual([[], []]);
  await pooled.close(true);
});

it('rejects all that waits for a connection that is lost, and goes on with another', async () => {
  const waiting = ['select pg_sleep(60)', 'select 1'].map((sql) => reads.rows(sql, []));
  const outcomes = Promise.allSettled(waiting);
  await until(async () => {
    const sql = `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'`;
    return (await database.query(sql)).length > 0;
  }, 'PostgreSQL reads');
  const reasons = (await outcomes).map(
    (outcome) => outcome.status === 'rejected' && isDatabaseUnavailable(outcome.reason),
  );
  expect(reasons).toEqual([true, true]);
  expect(await reads.rows('select 1 as x', [])).toEqual([{ x: 1 }]);
});

it('does not use a connection again that PostgreSQL has ended', async () => {
  const waiting = reads.rows('select pg_sleep(60)', []).catch((error: unknown) => error);
  await until(async () => {
    const sql = `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'`;
    return (await database.query(sql)).length > 0;
  }, 'PostgreSQL reads');
  expect(await waiting).toMatchObject({ code: '57P01' });
  expect(await reads.rows('select 1 as x', [])).toEqual([{ x: 1 }]);
});

it('rejects what was to be sent over a connection that has just failed', async () => {
  const { orm: single } = await openDatabase(database.url, content, 1);
  const pool = await single.em.getDriver().getConnection('write').getNativeClient();
  const ended = Object.assign(new Error('out of memory'), { code: '53200' });
  // As if PostgreSQL had sent it together with the end of the start-up.
  pool.once('acquire', (client) =>
    queueMicrotask(() => (client as unknown as Pooled).connection.emit('errorMessage', ended)),
  );
  const others = new Reads(single);
  await expect(others.rows('select 1 as x', [])).rejects.toBe(ended);
  expect(await others.rows('select 1 as x', [])).toEqual([{ x: 1 }]);
  await single.close(true);
});
