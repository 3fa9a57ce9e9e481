// Transactions over a real PostgreSQL that deadlocks, refuses to serialize, or goes away; and the batches of one operation.
import { defineEntity, type EntityManager, MikroORM, p } from '@mikro-orm/postgresql';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { until } from '../../../test/support/wait.js';
import { inKeyOrder, Loader, Loaders } from './loaders.js';
import { Reads } from './reads.js';
import { ormOptions } from './orm-options.js';
import { inTransaction, isDatabaseUnavailable, sqlState, violatesUnique } from './unit-of-work.js';

const BoxEntity = defineEntity({
  name: 'Box',
  tableName: 'box',
  properties: { id: p.integer().primary(), content: p.integer() },
});
const content = { entities: [BoxEntity], migrations: [] };

let database: TestDatabase;
let orm: MikroORM;

beforeAll(async () => {
  database = await createDatabase();
  await database.query('create table box (id int primary key, content int not null)');
  orm = await MikroORM.init(ormOptions(database.url, content, 6));
});
beforeEach(async () => {
  await database.query('truncate box');
  await database.query('insert into box values (1, 0), (2, 0)');
});
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

const contents = async (): Promise<number[]> =>
  (await database.query<{ content: number }>('select content from box order by id')).map((row) => row.content);
/** Resolves for everyone when so many have come. */
function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    come += 1;
    if (come >= count) resolve();
    return promise;
  };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'nothing failed',
    (error: unknown) => error,
  );
async function sleepers(): Promise<number> {
  return (
    await database.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`)
  ).length;
}

describe('inTransaction', () => {
  it('retries after a deadlock, from the beginning and with a new entity manager', async () => {
    const bothHaveOne = meeting(2);
    const managers = new Set<unknown>();
    let tries = 0;
    const add = (first: number, second: number): Promise<void> =>
      inTransaction(orm, async (em) => {
        tries += 1;
        managers.add(em);
        await em.execute(`update box set content = content + 1 where id = ${first}`);
        await bothHaveOne();
        await em.execute(`update box set content = content + 10 where id = ${second}`);
      });
    await Promise.all([add(1, 2), add(2, 1)]);
    // PostgreSQL may end both, if both notice at the same moment.
    expect(tries).toBeGreaterThan(2);
    expect([managers.size, await contents()]).toEqual([tries, [11, 11]]);
  });

  it('retries after a serialization failure', async () => {
    let tries = 0;
    const total = await inTransaction(orm, async (em) => {
      tries += 1;
      await em.execute('set transaction isolation level repeatable read');
      const [before] = await em.execute<{ content: number }[]>('select content from box where id = 1');
      if (tries === 1) await database.query('update box set content = 5 where id = 1');
      await em.execute('update box set content = content + 1 where id = 1');
      return before?.content;
    });
    expect([tries, total, await contents()]).toEqual([2, 5, [6, 0]]);
  });

  it('retries when only the commit fails', async () => {
    const bothHaveRead = meeting(2);
    let tries = 0;
    const copySum = (id: number): Promise<void> =>
      inTransaction(orm, async (em) => {
        tries += 1;
        await em.execute('set transaction isolation level serializable');
        const [row] = await em.execute<{ sum: number }[]>('select sum(content)::int as sum from box');
        await em.execute(`update box set content = ${(row?.sum ?? 0) + 1} where id = ${id}`);
        await bothHaveRead();
      });
    await Promise.all([copySum(1), copySum(2)]);
    expect(tries).toBe(3);
    expect(new Set(await contents())).toEqual(new Set([1, 2])); // as one after the other
  });

  it('gives up after the last attempt, with the error of PostgreSQL', async () => {
    let tries = 0;
    const hopeless = inTransaction(orm, async (em) => {
      tries += 1;
      await em.execute(`update box set content = content + 1`);
      await em.execute(`do $$ begin raise exception 'no' using errcode = '40001'; end $$`);
    });
    await expect(hopeless).rejects.toMatchObject({ code: '40001' });
    expect([tries, await contents()]).toEqual([6, [0, 0]]);
  });

  it('does not retry other errors, and rolls back', async () => {
    for (const [statement, code] of [
      ['insert into box values (1, 1)', '23505'],
      ['select 1/0', '22012'],
      ['nonsense', '42601'],
    ] as const) {
      let tries = 0;
      const failing = inTransaction(orm, async (em) => {
        tries += 1;
        await em.execute('update box set content = 9');
        await em.execute(statement);
      });
      const error = await failing.catch((thrown: unknown) => thrown);
      expect([sqlState(error), isDatabaseUnavailable(error), tries]).toEqual([code, false, 1]);
    }
    const own = new Error('of our own');
    await expect(inTransaction(orm, () => Promise.reject(own))).rejects.toBe(own);
    expect(await contents()).toEqual([0, 0]);
  });

  it('names the violated constraint, through entities and through SQL', async () => {
    const works: ((em: EntityManager) => unknown)[] = [
      (em) => em.create(BoxEntity, { id: 1, content: 1 }),
      (em) => em.execute('insert into box values (1, 1)'),
    ];
    for (const work of works) {
      const error = await failure(inTransaction(orm, async (em) => void (await work(em))));
      expect([violatesUnique(error, 'box_pkey'), violatesUnique(error, 'account_email_key')]).toEqual([true, false]);
    }
    for (const nothing of [undefined, null, '23505', new Error('23505')])
      expect(violatesUnique(nothing, 'box_pkey')).toBe(false);
  });
});

describe('isDatabaseUnavailable', () => {
  it('recognizes a connection lost during a statement, between two, or before the commit; the pool recovers', async () => {
    const ends = Array.from({ length: 3 }, () => [
      (em: { execute(sql: string): Promise<unknown> }) => em.execute('select pg_sleep(20)'),
      (em: { execute(sql: string): Promise<unknown> }) => em.execute('select 1'),
      () => Promise.resolve(),
    ]).flat(); // more than the pool holds
    for (const [place, end] of ends.entries()) {
      let tries = 0;
      const error = await failure(
        inTransaction(orm, async (em) => {
          tries += 1;
          const [row] = await em.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
          const ending = place % 3 === 0 ? end(em) : undefined;
          if (ending) await until(async () => (await sleepers()) > 0, 'the statement ran');
          await database.query('select pg_terminate_backend($1, 5000)', [row?.pid]);
          await (ending ?? end(em));
        }),
      );
      expect([isDatabaseUnavailable(error) || error, tries]).toEqual([true, 1]);
      expect(await orm.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
    }
  });

  it('a connection lost while idle is replaced without an error', async () => {
    await Promise.all([1, 2, 3].map(() => orm.em.fork().execute('select pg_sleep(0.01)')));
    await database.query(
      'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await until(
      async () => (await failure(orm.em.fork().execute('select 1'))) === 'nothing failed',
      'the pool mended itself',
    );
    expect(await orm.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('recognizes an unreachable server and a missing database', async () => {
    const elsewhere = new URL(database.url);
    elsewhere.port = '1';
    const nowhere = new URL(database.url);
    nowhere.hostname = 'no-such-host.invalid';
    for (const url of [elsewhere, nowhere]) {
      const away = await MikroORM.init(ormOptions(url.toString(), content, 2));
      const error = await failure(inTransaction(away, (em) => em.execute('select 1')));
      expect(isDatabaseUnavailable(error) || error).toBe(true);
      await away.close(true);
    }
  });
});

describe('Loaders', () => {
  const batches: (readonly number[])[] = [];
  const boxes = new Loader<number, { id: number } | undefined>(async (reader, keys) => {
    batches.push(keys);
    const rows = await reader.rows<{ id: number }>(
      `select id from box where id = any(string_to_array(?, ',')::int[])`,
      [keys.join(',')],
    );
    return inKeyOrder(keys, rows, (row) => row.id);
  });
  beforeEach(() => void batches.splice(0));

  it('batch keys in one statement, each once, in the order of the keys', async () => {
    const loaders = new Loaders(new Reads(orm));
    const found = await Promise.all([2, 7, 1, 2].map((id) => loaders.load(boxes, id)));
    expect(found).toEqual([{ id: 2 }, undefined, { id: 1 }, { id: 2 }]);
    expect(batches).toEqual([[2, 7, 1]]);
    await loaders.load(boxes, 1);
    expect(batches).toHaveLength(1);
  });

  it('share no cache with another operation', async () => {
    await new Loaders(new Reads(orm)).load(boxes, 1);
    await new Loaders(new Reads(orm)).load(boxes, 1);
    expect(batches).toEqual([[1], [1]]);
  });

  it('split a batch that is too large for one statement', async () => {
    const loaders = new Loaders(new Reads(orm));
    await Promise.all(Array.from({ length: 1_001 }, (_, id) => loaders.load(boxes, id)));
    expect(batches.map((keys) => keys.length)).toEqual([500, 500, 1]);
  });
});
