// E-mail addresses compare alike under every collation of the database.
import { MikroORM } from '@mikro-orm/postgresql';
import { databaseContent } from '../src/database-content.js';
import { migrate } from '../src/engine/database/migrate.js';
import { ormOptions } from '../src/engine/database/orm-options.js';
import { createEmptyDatabase, type TestDatabase } from './support/database.js';
import type { Data } from './support/graphql-client.js';
import { PASSWORD, TestTidings } from './support/tidings.js';

const COLLATIONS = [
  ['Turkish', `locale_provider icu icu_locale 'tr-TR' locale 'C'`],
  ['Lithuanian', `locale_provider icu icu_locale 'lt-LT' locale 'C'`],
  ['of ICU that ignores case where it sorts', `locale_provider icu icu_locale 'und-u-ks-level2' locale 'C'`],
  ['of bytes', `locale_provider libc locale 'C'`],
] as const;

const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id email } } }';
const idOf = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { user { id email } } }';

describe.each(COLLATIONS)('with the collation %s', (_name, locale) => {
  let database: TestDatabase;
  let tidings: TestTidings;
  beforeAll(async () => {
    database = await createEmptyDatabase(locale);
    tidings = await TestTidings.start({ database });
  });
  afterAll(async () => {
    await tidings.stop();
    await database.drop();
  });

  const register = (email: string, name = 'Somebody'): Promise<Data> =>
    tidings.anonymous.send(REGISTER, { input: { name, email, password: PASSWORD } });
  const login = (email: string): Promise<Data> =>
    tidings.anonymous.send(LOGIN, { input: { email, password: PASSWORD } });

  it.each([
    ['INFO@EXAMPLE.COM', ['info@example.com', 'Info@Example.Com', ' INFO@EXAMPLE.COM ']],
    ['ilicali@iki.example', ['ILICALI@IKI.EXAMPLE', 'Ilicali@iki.example']],
    ['ada@xn--e1afmkfd.xn--p1ai', ['ada@пример.рф', 'ADA@ПРИМЕР.РФ']],
    ['Sales@İstanbul.example', ['sales@i̇stanbul.example', 'SALES@İSTANBUL.EXAMPLE']],
    ['r&d@example.com', ['R&D@example.com']],
  ])('%s is one account in any spelling', async (email, others) => {
    const { data, errors } = await register(email);
    expect(errors).toBeUndefined();
    const { id } = data.register.user;
    for (const written of [email, ...others]) {
      expect((await login(written)).data?.login.user).toEqual({ id, email });
      expect((await register(written)).errors).toMatchObject([{ extensions: { reason: 'EMAIL_TAKEN' } }]);
    }
  });

  it('users and projects are found in any case', async () => {
    const admin = await tidings.asUser('ADMIN', 'Ipek INCI');
    const input = { key: 'INBOX', name: 'INFO Island' };
    await admin.data('mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }', { input });
    const find =
      'query ($search: String) { projects(filter: { search: $search }) { nodes { key } } users(search: $search) { nodes { name } } }';
    for (const search of ['inbox', 'info isl', 'INFO ISL']) {
      expect((await admin.data(find, { search })).projects.nodes).toEqual([{ key: 'INBOX' }]);
    }
    for (const search of ['ipek inci', 'IPEK']) {
      expect((await admin.data(find, { search })).users.nodes).toEqual([{ name: 'Ipek INCI' }]);
    }
    expect(tidings.logged).toEqual([]);
  });
});

it('duplicate accounts of a Turkish database merge into one that can sign in', async () => {
  const database = await createEmptyDatabase(COLLATIONS[0][1]);
  const upgrade = async (before?: string) => {
    const migrations = databaseContent.migrations.filter(({ name }) => before === undefined || name < before);
    const orm = await MikroORM.init(ormOptions(database.url, { ...databaseContent, migrations }, 2));
    await migrate(orm);
    await orm.close(true);
  };
  await upgrade('20261128000201');
  const emails = ['INFO@EXAMPLE.COM', 'info@example.com', 'ONLY@EXAMPLE.COM', 'I@X.COM', 'i@X.COM'];
  for (const [n, email] of emails.entries()) {
    await database.query(
      `insert into account (id, email, name, role, password_hash, created_at) values ($1, $2, 'x', 'USER', 'x', $3)`,
      [idOf(n), email, new Date(2026, 0, n + 1)],
    );
  }
  await upgrade();
  const keys = await database.query('select email, email_key from account where email is not null order by id');
  expect(keys).toEqual([
    { email: 'INFO@EXAMPLE.COM', email_key: null },
    { email: 'info@example.com', email_key: 'info@example.com' },
    { email: 'ONLY@EXAMPLE.COM', email_key: 'only@example.com' },
    { email: 'I@X.COM', email_key: null },
    { email: 'i@X.COM', email_key: 'i@x.com' },
  ]);
  // An instance of the version before writes no key.
  const insert = `insert into account (id, email, name, role, password_hash) values ($1, $2, 'x', 'USER', 'x')`;
  await database.query(insert, [idOf(8), 'FIRST@EXAMPLE.COM']);
  await expect(database.query(insert, [idOf(9), 'first@example.com'])).rejects.toMatchObject({
    code: '23505',
    constraint: 'account_email_key',
  });
  await database.drop();
});
