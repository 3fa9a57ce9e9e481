// The tables created by the migrations: created once, with their constraints, and matching the entities.
import { MikroORM } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import { databaseContent } from '../src/database-content.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { SYSTEM_ACCOUNT_ID } from '../src/engine/database/migrations/20261121000001-engine.js';
import { migrate } from '../src/engine/database/migrate.js';
import { ormOptions } from '../src/engine/database/orm-options.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const names = databaseContent.migrations.map((migration) => migration.name);
const open = (content = databaseContent, url = database.url): Promise<MikroORM> =>
  MikroORM.init(ormOptions(url, content, 3));

/** Names of one type, as the ORM and as PostgreSQL say it; precision counts. */
const sameType = (type: string): string => {
  const others: Record<string, string> = {
    smallint: 'int2',
    integer: 'int4',
    int: 'int4',
    bigint: 'int8',
    boolean: 'bool',
    decimal: 'numeric',
  };
  const plain = type
    .toLowerCase()
    .replace('timestamp(3) with time zone', 'timestamptz(3)')
    .replace(/^(numeric|decimal)\(.*\)$/, 'numeric');
  return others[plain] ?? plain;
};

const insert = (table: string, row: Record<string, unknown>): Promise<unknown> => {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  return database.query(
    `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
    Object.values(row),
  );
};

const account = (change: Record<string, unknown> = {}) => ({
  id: uuid(),
  email: `${uuid()}@example.com`,
  name: 'Ada',
  role: 'USER',
  password_hash: 'hash',
  ...change,
});

describe('migrations', () => {
  let empty: TestDatabase;
  beforeEach(async () => {
    empty = await createDatabase();
    await empty.query('drop schema public cascade; create schema public');
  });
  afterEach(() => empty.drop());

  it('run once when instances start together on an empty database', async () => {
    const instances = await Promise.all([1, 2, 3, 4].map(() => open(databaseContent, empty.url)));
    const applied = await Promise.all(instances.map((orm) => migrate(orm)));
    await Promise.all(instances.map((orm) => orm.close(true)));
    expect(applied.filter((list) => list.length > 0)).toEqual([names]);
    expect(await empty.query('select name, count(*)::int as times from migration group by name order by name')).toEqual(
      names.map((name) => ({ name, times: 1 })),
    );
    expect(await empty.query('select pos::int, octet_length(genesis) as bytes from log_head')).toEqual([
      { pos: 0, bytes: 6 },
    ]);
  });

  it('are not applied twice', async () => {
    const orm = await open(databaseContent, empty.url);
    expect([await migrate(orm), await migrate(orm)]).toEqual([names, []]);
    await orm.close(true);
  });

  it('have no statement timeout', async () => {
    const { EngineMigration } = await import('../src/engine/database/migrations/20261121000001-engine.js');
    class Telling extends EngineMigration {
      override name = '20991231000000-telling';
      override up(): void {
        this.addSql(`create table told as select current_setting('statement_timeout') as bound`);
      }
    }
    const migrations = [...databaseContent.migrations, { name: '20991231000000-telling', class: Telling }];
    const orm = await open({ ...databaseContent, migrations }, empty.url);
    await migrate(orm);
    await orm.close(true);
    expect(await empty.query('select bound from told')).toEqual([{ bound: '0' }]);
  });

  it('roll back as a whole and can be applied after a fix', async () => {
    const { EngineMigration } = await import('../src/engine/database/migrations/20261121000001-engine.js');
    class Broken extends EngineMigration {
      override name = '20991231000000-broken';
      override up(): void {
        this.addSql('create table half_way (id int); select 1/0');
      }
    }
    const broken = {
      ...databaseContent,
      migrations: [...databaseContent.migrations, { name: '20991231000000-broken', class: Broken }],
    };
    const orm = await open(broken, empty.url);
    await expect(migrate(orm)).rejects.toThrow('division by zero');
    await orm.close(true);
    expect(
      await empty.query(`select tablename from pg_tables where schemaname = 'public' and tablename <> 'migration'`),
    ).toEqual([]);
    const mended = await open(databaseContent, empty.url);
    expect(await migrate(mended)).toEqual(names);
    await mended.close(true);
  });
});

describe('a database constraint', () => {
  const [ada, bob, project, update] = [uuid(), uuid(), uuid(), uuid()];
  const session = (change: Record<string, unknown> = {}) => ({
    id: uuid(),
    account_id: ada,
    seed: Buffer.alloc(32),
    transport: 'BODY',
    address: '::1',
    idle_expires_at: new Date(),
    expires_at: new Date(),
    ...change,
  });
  const event = (change: Record<string, unknown> = {}) => ({
    resource_kind: 'thing',
    resource_id: ada,
    kind: 'HAPPENED',
    actor_id: ada,
    ...change,
  });
  const anUpdate = (change: Record<string, unknown> = {}) => ({
    id: uuid(),
    project_id: project,
    author_id: ada,
    title: 'Title',
    health: 'ON_TRACK',
    ...change,
  });
  const comment = (change: Record<string, unknown> = {}) => ({
    id: uuid(),
    project_id: project,
    author_id: ada,
    body: 'Hello',
    ...change,
  });

  beforeAll(async () => {
    await insert('account', account({ id: ada, email: 'Ada@Example.com' }));
    await insert('account', account({ id: bob }));
    await insert('project', { id: project, key: 'ALPHA', name: 'Alpha' });
    await insert('project_update', anUpdate({ id: update, idempotency_key: 'once' }));
    await insert('project_member', { id: uuid(), project_id: project, account_id: ada, role: 'OWNER' });
    await insert('comment', comment({ update_id: update, idempotency_key: 'once' }));
  });

  const nobody = uuid();
  const [UNIQUE, FOREIGN, CHECK, NOT_NULL] = ['23505', '23503', '23514', '23502'];
  it.each<[string, () => Promise<unknown>, string | undefined]>([
    [
      'an e-mail belongs to one account, in whatever case',
      () => insert('account', account({ email: 'aDA@example.COM' })),
      UNIQUE,
    ],
    ['an account has a role that exists', () => insert('account', account({ role: 'ROOT' })), CHECK],
    ['an account has a name', () => insert('account', account({ name: '' })), CHECK],
    [
      'an e-mail is not longer than any e-mail',
      () => insert('account', account({ email: `${'a'.repeat(251)}@b.c` })),
      CHECK,
    ],
    ['whoever is no system can sign in', () => insert('account', account({ password_hash: null })), CHECK],
    ['no system account can sign in', () => insert('account', account({ is_system: true })), CHECK],
    ['a session belongs to an account', () => insert('session', session({ account_id: nobody })), FOREIGN],
    ['a session has 32 bytes of seed', () => insert('session', session({ seed: Buffer.alloc(31) })), CHECK],
    ['a session has ended for a reason', () => insert('session', session({ ended_at: new Date() })), CHECK],
    [
      'a session that lives has no reason to have ended',
      () => insert('session', session({ end_reason: 'LOGOUT' })),
      CHECK,
    ],
    [
      'a member is a member once',
      () => insert('project_member', { id: uuid(), project_id: project, account_id: ada, role: 'VIEWER' }),
      UNIQUE,
    ],
    [
      'a member has a role that exists',
      () => insert('project_member', { id: uuid(), project_id: project, account_id: bob, role: 'GUEST' }),
      CHECK,
    ],
    [
      'a member is an account',
      () => insert('project_member', { id: uuid(), project_id: project, account_id: nobody, role: 'VIEWER' }),
      FOREIGN,
    ],
    ['a key names one project', () => insert('project', { id: uuid(), key: 'ALPHA', name: 'Beta' }), UNIQUE],
    ['a key looks like a key', () => insert('project', { id: uuid(), key: 'alpha', name: 'Beta' }), CHECK],
    ['a budget is not negative', () => insert('project', { id: uuid(), key: 'BETA', name: 'Beta', budget: -1 }), CHECK],
    [
      'a deleted project gives its key free',
      () => insert('project', { id: uuid(), key: 'ALPHA', name: 'Old', deleted_at: new Date() }),
      undefined,
    ],
    ['an update has a title', () => insert('project_update', anUpdate({ title: '' })), CHECK],
    ['an update has an author', () => insert('project_update', anUpdate({ author_id: nobody })), FOREIGN],
    [
      'an update is posted once per key of its author',
      () => insert('project_update', anUpdate({ idempotency_key: 'once' })),
      UNIQUE,
    ],
    [
      'another author may use the same key',
      () => insert('project_update', anUpdate({ author_id: bob, idempotency_key: 'once' })),
      undefined,
    ],
    [
      'a comment is posted once per key of its author',
      () => insert('comment', comment({ idempotency_key: 'once' })),
      UNIQUE,
    ],
    [
      'a comment answers an update of its own project',
      () => insert('comment', comment({ update_id: nobody })),
      FOREIGN,
    ],
    ['an event has an actor', () => insert('event', event({ actor_id: nobody })), FOREIGN],
    ['an event belongs to the log that there is', () => insert('event', event({ partition: 1 })), 'P0002'],
    ['the facts of an event are an object', () => insert('event', event({ facts: '[]' })), CHECK],
    ['an event is about something', () => insert('event', event({ resource_id: null })), NOT_NULL],
    [
      'there is one head of the log',
      () => insert('log_head', { partition: 0, pos: 9, nonce: Buffer.alloc(6), genesis: Buffer.alloc(6) }),
      UNIQUE,
    ],
    [
      'an audit entry has an outcome that exists',
      () => insert('audit_entry', { id: uuid(), action: 'X', outcome: 'MAYBE' }),
      CHECK,
    ],
    [
      'a notification has a kind that exists',
      () => insert('notification', { id: uuid(), account_id: ada, actor_id: ada, kind: 'SPAM' }),
      CHECK,
    ],
    [
      'an announcement says something',
      () => insert('announcement', { id: uuid(), author_id: ada, message: '' }),
      CHECK,
    ],
  ])('holds: %s', async (_rule, breaking, code) => {
    const outcome = await breaking().then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    expect(outcome).toBe(code);
  });

  it('keeps accounts that wrote events, and deletes others with their rows', async () => {
    const guest = uuid();
    await insert('account', account({ id: guest }));
    await insert('session', session({ account_id: guest }));
    await insert('event', event());
    await expect(database.query('delete from account where id = $1', [ada])).rejects.toMatchObject({ code: FOREIGN });
    await database.query('delete from account where id = $1', [guest]);
    expect(await database.query('select 1 from session where account_id = $1', [guest])).toEqual([]);
  });

  it('keeps a comment after its update is deleted', async () => {
    await database.query('delete from project_update where id = $1', [update]);
    expect(await database.query('select project_id, update_id from comment')).toEqual([
      { project_id: project, update_id: null },
    ]);
  });

  it('forbids changes of events', async () => {
    await insert('event', event());
    for (const change of ['pos = pos + 1000', `kind = 'OTHER'`, `facts = '{"a": 1}'`, 'at = now()']) {
      await expect(database.query(`update event set ${change}`)).rejects.toThrow('events of the log are never changed');
    }
  });

  it('keeps positions gapless for any writer', async () => {
    const head = async (): Promise<number> =>
      (await database.query<{ pos: number }>('select pos::int from log_head'))[0]?.pos ?? -1;
    const before = await head();
    const [forged, other] = [uuid(), uuid()];
    await insert('event', event({ resource_id: forged, pos: 9_999, seq: 77, at: new Date(0), nonce: Buffer.alloc(6) }));
    await expect(insert('event', event({ resource_id: forged, kind: null }))).rejects.toMatchObject({ code: NOT_NULL });
    await database.query(
      'begin; insert into event (resource_kind, resource_id, kind, actor_id) select $$thing$$, id, $$GONE$$, id from account; rollback',
    );
    await database.query(
      `insert into event (resource_kind, resource_id, kind, actor_id)
       select 'thing', (array[$1, $2])[1 + n % 2]::uuid, 'MANY', $3::uuid from generate_series(1, 6) as n`,
      [forged, other, SYSTEM_ACCOUNT_ID],
    );
    const rows = await database.query<{ pos: number; seq: number; mine: boolean; at: Date }>(
      'select pos::int, seq::int, resource_id = $1 as mine, at from event where pos > $2 order by pos',
      [forged, before],
    );
    expect(rows.map((row) => row.pos)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => before + n));
    expect(
      [rows.filter((row) => row.mine), rows.filter((row) => !row.mine)].map((own) => own.map((row) => row.seq)),
    ).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3],
    ]);
    expect([await head(), rows[0]?.at.getFullYear() === 1970]).toEqual([before + 7, false]);
    const nonces = await database.query(`select count(distinct nonce)::int = count(*)::int as differ from event`);
    expect(nonces).toEqual([{ differ: true }]);
  });
});

/** Tables that the service reads and writes by SQL alone. All others have an entity. */
const WITHOUT_ENTITY = new Set(
  'event first_admin known_address log_counter log_head node node_entry password_reset password_reset_earlier project_activity project_state'.split(
    ' ',
  ),
);

describe('entities and tables', () => {
  interface Column {
    readonly table_name: string;
    readonly column_name: string;
    readonly type: string;
    readonly nullable: boolean;
  }

  it('agree on every column: name, type, nullability', async () => {
    const orm = await open();
    const said: string[] = [];
    for (const meta of orm.getMetadata().getAll().values()) {
      for (const property of meta.props.filter((prop) => prop.persist !== false && prop.fieldNames?.length)) {
        const [type] = property.columnTypes ?? [];
        said.push(
          `${meta.tableName}.${property.fieldNames[0]} ${sameType(type ?? '?')}${property.nullable ? ' null' : ''}`,
        );
      }
    }
    await orm.close(true);
    const columns = await database.query<Column>(
      `select relname as table_name, attname as column_name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable
         from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migration' and attnum > 0 and not attisdropped`,
    );
    const mapped = columns.filter(({ table_name: table }) => !WITHOUT_ENTITY.has(table));
    const is = mapped.map(
      (column) =>
        `${column.table_name}.${column.column_name} ${sameType(column.type)}${column.nullable ? ' null' : ''}`,
    );
    expect(said.toSorted()).toEqual(is.toSorted());
  });

  it('agree on the primary keys', async () => {
    const orm = await open();
    const said = [...orm.getMetadata().getAll().values()].map(
      (meta) =>
        `${meta.tableName}: ${meta.primaryKeys.map((key) => meta.properties[key as never]?.['fieldNames']?.[0]).join(', ')}`,
    );
    await orm.close(true);
    const is = await database.query<{ key: string }>(
      `select conrelid::regclass || ': ' || string_agg(attname, ', ' order by place) as key
         from pg_constraint, unnest(conkey) with ordinality as part(number, place), pg_attribute
        where contype = 'p' and connamespace = 'public'::regnamespace and attrelid = conrelid and attnum = number and conrelid <> 'migration'::regclass
        group by conrelid`,
    );
    const mapped = is.map(({ key }) => key).filter((key) => !WITHOUT_ENTITY.has(key.split(':')[0]!));
    expect(said.toSorted()).toEqual(mapped.toSorted());
  });

  it('agree on the values of enumerations', async () => {
    const orm = await open();
    const rules = (
      await database.query<{ rule: string }>(
        `select conrelid::regclass || ' ' || pg_get_constraintdef(oid) as rule from pg_constraint where contype = 'c'`,
      )
    ).map((row) => row.rule);
    let count = 0;
    for (const meta of orm.getMetadata().getAll().values()) {
      for (const { items, fieldNames } of meta.props.filter((prop) => prop.items?.length)) {
        count += 1;
        const list = (items as string[]).map((item) => `'${item}'::text`).join(', ');
        expect(rules).toContain(`${meta.tableName} CHECK ((${fieldNames[0]} = ANY (ARRAY[${list}])))`);
      }
    }
    expect(count).toBeGreaterThan(3);
    await orm.close(true);
  });
});
