// Kept statements that their session no longer runs: after a migration, or behind a pooler that took the place of PostgreSQL.
import { defineEntity, type EntityManager, MikroORM, p } from '@mikro-orm/postgresql';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { nameOf } from './kept-statements.js';
import { openDatabase } from './open-database.js';
import { Reads } from './reads.js';
import { commitWith, execute, inTransaction } from './unit-of-work.js';

const JarEntity = defineEntity({ name: 'Jar', tableName: 'jar', properties: { id: p.integer().primary() } });
const content = { entities: [JarEntity], migrations: [] };

let database: TestDatabase;
let orm: MikroORM;
beforeEach(async () => {
  database = await createDatabase();
  await database.query('create table jar (id int primary key, lid int not null)');
  await database.query('insert into jar values (1, 7)');
  // One connection, which all of them use.
  ({ orm } = await openDatabase(database.url, content, 1));
});
afterEach(async () => {
  await orm.close(true);
  await database.drop();
});

const run = (sql: string) => new Reads(orm).rows(sql, []);
const read = (sql: string) => new Reads(orm).rows(sql.replace('$1', '?'), [1]);
const transaction = (work: (em: EntityManager) => Promise<unknown>) => inTransaction(orm, work);

/** How statements are sent. */
const WAYS: [string, (sql: string) => Promise<unknown>][] = [
  ['a read', read],
  ['a statement of its own', (sql) => execute(orm.em.fork(), sql, [1])],
  ['a statement in a transaction', (sql) => transaction((em) => execute(em, sql, [1]))],
  ['the last statement of a transaction', (sql) => transaction((em) => commitWith(em, sql, [1]))],
];

/** Why a session does not run a statement that it was to keep. */
const REASONS: [string, () => Promise<unknown>][] = [
  ['has results of another form', () => database.query('alter table jar alter column lid type smallint')],
  ['was lost with all others', () => run('discard all')],
];

let count = 0;

describe.each(REASONS)('a kept statement that %s', (_reason, happen) => {
  it.each(WAYS)('is run anyway, and again: %s', async (_way, send) => {
    const sql = `select lid, ${(count += 1)} as nr from jar where id = $1`;
    const found = [{ lid: 7, nr: count }];
    expect(await send(sql)).toEqual(found);
    await happen();
    expect([await send(sql), await send(sql)]).toEqual([found, found]);
  });
});

it('a name that a session has from another client is avoided', async () => {
  const sql = 'select lid + 1 as more from jar where id = $1';
  await run(`prepare "${nameOf(sql)}" as select 1`);
  expect([await read(sql), await read(sql)]).toEqual([[{ more: 8 }], [{ more: 8 }]]);
});

it('a statement that was lost is kept under another name, and after some times no more', async () => {
  const names: number[] = [];
  for (let time = 0; time < 6; time += 1) {
    for (let twice = 0; twice < 2; twice += 1) await read('select lid - 1 as less from jar where id = $1');
    const kept = await run(`select from pg_prepared_statements where statement like 'select lid - 1%'`);
    names.push(kept.length);
    await run('discard all');
  }
  expect(names).toEqual([1, 1, 1, 1, 0, 0]);
});
