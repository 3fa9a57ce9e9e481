// What DEMO does to a database: fills an empty one once, lets the three public accounts in, keeps them out without it.
import { createDatabase, type TestDatabase } from '../../test/support/database.js';
import { GraphqlClient } from '../../test/support/graphql-client.js';
import { TestTidings } from '../../test/support/tidings.js';
import { until } from '../../test/support/wait.js';
import { DEMO_ACCOUNT_IDS } from './demo-accounts.js';
import { DEMO_PASSWORD } from './people.js';
import { STORIES } from './prepare-demo.js';

const EMAILS = ['admin@example.com', 'editor@example.com', 'user@example.com'];
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken user { role } } }';

let database: TestDatabase;
let nodes: TestTidings[];

beforeEach(async () => {
  database = await createDatabase();
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await database.drop();
});

async function start(demo: boolean): Promise<TestTidings> {
  const node = await TestTidings.start({ env: { DEMO: String(demo) }, database });
  nodes.push(node);
  return node;
}

async function restart(demo: boolean): Promise<TestTidings> {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  return start(demo);
}

const login = ({ anonymous }: TestTidings, email: string) =>
  anonymous.send(LOGIN, { input: { email, password: DEMO_PASSWORD } });
const signIns = (node: TestTidings) => node['running'].demo;
const count = async (table: string): Promise<number> => {
  const [row] = await database.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return row?.count ?? -1;
};
const kindsOf = async (accountId: string): Promise<string[]> => {
  const sql = `select kind from event where resource_kind = 'account' and resource_id = $1 and kind not in ('ACCESS_CHANGED', 'NOTIFIED') order by pos`;
  return (await database.query<{ kind: string }>(sql, [accountId])).map(({ kind }) => kind);
};

it('shows each demo account its projects, as the API tells them', async () => {
  const node = await start(true);
  const query = '{ projects { edges { node { key health lead { name } latestUpdate { title } } } } }';
  const seen: Record<string, string[]> = {};
  for (const email of EMAILS) {
    const { data } = await login(node, email);
    const { projects } = await new GraphqlClient(node.url, data.login.accessToken).data(query);
    seen[data.login.user.role] = projects.edges.map(
      ({ node: { key, health } }: { node: { key: string; health: string } }) => `${key} ${health}`,
    );
  }
  expect(seen).toEqual({
    ADMIN: ['BILLING ON_TRACK', 'SWAP OFF_TRACK', 'RIDER AT_RISK', 'HARBOUR ON_TRACK'],
    EDITOR: ['SWAP OFF_TRACK', 'RIDER AT_RISK', 'HARBOUR ON_TRACK'],
    USER: ['BILLING ON_TRACK', 'SWAP OFF_TRACK', 'RIDER AT_RISK'],
  });
});

it('is created once by two instances that start concurrently', async () => {
  await Promise.all([start(true), start(true)]);
  expect(await count('project')).toBe(STORIES.length);
  // Each membership is an event of its project, and one of its account.
  expect(await count('event')).toBe(
    2 * (await count('project_member')) +
      (await count('project_update')) +
      (await count('comment')) +
      (await count('notification')),
  );
});

it('is not created again, nor are deleted parts', async () => {
  await start(true);
  await database.query(`delete from project where key = 'SWAP'`);
  await database.query(`update project set name = 'Mine now' where key = 'RIDER'`);
  await restart(true);
  expect(await database.query(`select key, name from project where key in ('SWAP', 'RIDER')`)).toEqual([
    { key: 'RIDER', name: 'Mine now' },
  ]);
});

it('is not created beside other accounts', async () => {
  const node = await start(false);
  await node.asUser();
  expect(signIns(await restart(true))).toEqual([]);
  expect(await count('project')).toBe(0);
});

it('disables the demo accounts while DEMO is false, ends their sessions, and enables them again', async () => {
  const first = await start(true);
  const { data } = await login(first, 'user@example.com');
  const off = await restart(false);
  for (const email of EMAILS)
    expect((await login(off, email)).errors?.[0]?.extensions.code).toBe('INVALID_CREDENTIALS');
  const before = new GraphqlClient(off.url, data.login.accessToken);
  expect((await before.error('{ me { id } }')).extensions.code).toBe('UNAUTHENTICATED');
  expect(await kindsOf(DEMO_ACCOUNT_IDS.uma)).toEqual(['DISABLED', 'SESSIONS_ENDED']);

  expect(signIns(off)).toEqual([]);

  const on = await restart(true);
  expect(signIns(on)).toEqual(EMAILS);
  for (const email of EMAILS) expect((await login(on, email)).errors).toBeUndefined();
  expect(await kindsOf(DEMO_ACCOUNT_IDS.uma)).toEqual(['DISABLED', 'SESSIONS_ENDED', 'ENABLED']);
});

it('disables them with a changed password too, also on running instances', async () => {
  const running = await start(true);
  const { data } = await login(running, 'admin@example.com');
  const visitor = new GraphqlClient(running.url, data.login.accessToken);
  await database.query(`update account set password_hash = 'changed' where email = 'admin@example.com'`);
  await start(false);
  const refused = async () => (await visitor.send('{ me { id } }')).errors?.[0]?.extensions.code === 'UNAUTHENTICATED';
  await until(refused, 'the other node had followed the log');
  expect(await refused()).toBe(true);
});

it('leaves an account disabled that an ADMIN has disabled', async () => {
  await start(true);
  await database.query(`update account set disabled_at = now() where email = 'user@example.com'`);
  await restart(false);
  const on = await restart(true);
  expect(signIns(on)).toEqual(['admin@example.com', 'editor@example.com']);
  expect((await login(on, 'user@example.com')).errors?.[0]?.extensions.code).toBe('INVALID_CREDENTIALS');
  expect((await login(on, 'editor@example.com')).errors).toBeUndefined();
});

const told = async ({ url }: TestTidings) =>
  (await (await fetch(`${url}/demo.json`)).json()) as { readonly accounts: readonly unknown[] };

describe('GET /demo.json', () => {
  it('returns the accounts that can sign in, and their password', async () => {
    const node = await start(true);
    expect(await told(node)).toEqual({
      accounts: [
        { email: 'admin@example.com', name: 'Ada Moreau', role: 'ADMIN' },
        { email: 'editor@example.com', name: 'Elias Brandt', role: 'EDITOR' },
        { email: 'user@example.com', name: 'Uma Reyes', role: 'USER' },
      ],
      password: DEMO_PASSWORD,
    });
    await database.query(`update account set disabled_at = now() where email = 'admin@example.com'`);
    expect((await told(node)).accounts).toHaveLength(2);
  });

  it('returns no accounts and no password if there are none', async () => {
    expect(await told(await start(false))).toEqual({ accounts: [], password: null });
    await nodes[0]!.asUser();
    expect(await told(await restart(true))).toEqual({ accounts: [], password: null });
  });
});
