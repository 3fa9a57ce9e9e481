// Landed migrations never change, and databases of every earlier schema are migrated to the same schema.
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import { databaseContent } from '../src/database-content.js';
import { migrate } from '../src/engine/database/migrate.js';
import { ormOptions } from '../src/engine/database/orm-options.js';
import { createEmptyDatabase, type TestDatabase } from './support/database.js';
import { schemaObjects } from './support/schema-objects.js';
import { TestTidings } from './support/tidings.js';

const LANDED = 'test/fixtures/landed-migrations.sha256';
const EARLY = 'test/fixtures/early-installations';
/** Rows that an early installation may hold: notifications that the checks of today refuse, and others. */
const ROWS = readFileSync(`${EARLY}/rows.sql`, 'utf8');

const databases: TestDatabase[] = [];
afterAll(() => Promise.all(databases.map((database) => database.drop())));

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  databases.push(database);
  return database;
}

async function upgrade({ url }: TestDatabase): Promise<string[]> {
  const orm = await MikroORM.init(ormOptions(url, databaseContent, 2));
  try {
    return await migrate(orm);
  } finally {
    await orm.close(true);
  }
}

/** A database as the first migrations made it, each as it was then or as it is now. */
async function earlyDatabase(files: readonly (readonly [file: string, name: string])[]): Promise<TestDatabase> {
  const database = await emptyDatabase();
  await database.query(`create table migration (
    id serial primary key, name varchar(255) not null, executed_at timestamptz(6) not null default current_timestamp(6))`);
  for (const [sql, name] of files) {
    await database.query(sql);
    await database.query('insert into migration (name) values ($1)', [name]);
  }
  return database;
}

const early = (file: string) => readFileSync(`${EARLY}/${file}.sql`, 'utf8');

/** What today's migration of this name does. */
function presentSql(name: string): string {
  const { class: Migration } = databaseContent.migrations.find((one) => one.name === name)!;
  const migration = new (Migration as new (...parts: unknown[]) => { up(): void; getQueries(): unknown[] })();
  migration.up();
  return migration.getQueries().join('\n');
}

const [ENGINE, DOMAIN] = ['20261121000001-engine', '20261121000002-domain'];

describe('landed migrations', () => {
  it('equal their recorded checksums, and each is recorded', () => {
    const files = globSync(['src/engine/**/migrations/*.ts', 'src/domain/**/migrations/*.ts']);
    const sums = files.map((file) => {
      const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
      return `${sum}  ${basename(file)}`;
    });
    const listed = readFileSync(LANDED, 'utf8').trim().split('\n');
    expect(sums.toSorted((one, other) => one.slice(64).localeCompare(other.slice(64)))).toEqual(listed);
  });

  it('are applied in the order of their names', () => {
    const files = globSync(['src/engine/**/migrations/*.ts', 'src/domain/**/migrations/*.ts']);
    const names = files.map((file) => basename(file, '.ts')).toSorted();
    expect(databaseContent.migrations.map(({ name }) => name)).toEqual(names);
  });
});

describe('an upgraded database', () => {
  const forms = [
    ['of the very first version', [early('engine'), ENGINE], [early('domain'), DOMAIN]],
    ['whose log was made later than that', [presentSql(ENGINE), ENGINE], [early('domain'), DOMAIN]],
    ['of today’s first migrations', [presentSql(ENGINE), ENGINE], [presentSql(DOMAIN), DOMAIN]],
  ] as const;

  it.each(forms)('from %s has the schema of a new one and keeps its rows', async (_form, engine, domain) => {
    const [made, old] = [await emptyDatabase(), await earlyDatabase([engine, domain])];
    await upgrade(made);
    const isEarly = domain[0] === early('domain');
    if (isEarly) await old.query(ROWS);
    await upgrade(old);
    expect(await schemaObjects(old)).toEqual(await schemaObjects(made));
    expect(await upgrade(old)).toEqual([]);
    if (!isEarly) return;
    expect(
      await old.query(
        'select id::text, kind, project_id is null as nowhere, subject_kind from notification order by id',
      ),
    ).toEqual([
      { id: '00000000-0000-7000-8000-000000000001', kind: 'MENTION', nowhere: false, subject_kind: 'UPDATE' },
      { id: '00000000-0000-7000-8000-000000000002', kind: 'MENTION', nowhere: false, subject_kind: 'COMMENT' },
      { id: '00000000-0000-7000-8000-000000000003', kind: 'MEMBERSHIP', nowhere: false, subject_kind: null },
      { id: '00000000-0000-7000-8000-000000000004', kind: 'ROLE', nowhere: true, subject_kind: null },
    ]);
  });

  it('of the first version serves: roles are converted and their holders notified', async () => {
    const old = await earlyDatabase([
      [early('engine'), ENGINE],
      [early('domain'), DOMAIN],
    ]);
    await old.query(ROWS);
    await upgrade(old);
    const tidings = await TestTidings.start({ database: old });
    try {
      const [admin, user] = [await tidings.asUser('ADMIN'), await tidings.asUser('USER')];
      await admin.data('mutation ($id: ID!) { setUserRole(userId: $id, role: EDITOR) { role } }', { id: user.id });
      const { notifications } = await user.data('{ notifications { nodes { kind role } } }');
      expect(notifications.nodes).toEqual([{ kind: 'ROLE', role: 'EDITOR' }]);
    } finally {
      await tidings.stop();
    }
  });
});
