// Administration: role changes and disabling take effect at once on every instance, and the last ADMIN cannot be
// removed.
import { randomBytes } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GraphqlClient } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { PASSWORD, type Person, TestTidings, useTidings } from './support/tidings.js';
import { SYSTEM_ACCOUNT_ID } from '../src/engine/database/migrations/20261121000001-engine.js';
import { until } from './support/wait.js';

const SET_ROLE = 'mutation ($id: ID!, $role: Role!) { setUserRole(userId: $id, role: $role) { id role } }';
const SET_DISABLED = 'mutation ($id: ID!, $off: Boolean!) { setUserDisabled(userId: $id, disabled: $off) { id } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken } }';
const ME = '{ me { id role } }';
const NOBODY = '01920000-0000-7000-8000-00000000ffff';

const setRole = (by: GraphqlClient, id: string, role: string) => by.send(SET_ROLE, { id, role });
const setDisabled = (by: GraphqlClient, id: string, off = true) => by.send(SET_DISABLED, { id, off });
type Sent = Awaited<ReturnType<GraphqlClient['send']>>;
const codeOf = ({ errors }: Sent) => errors?.[0]?.extensions.code;
const reasonOf = ({ errors }: Sent) => errors?.[0]?.extensions['reason'];

describe('an ADMIN', () => {
  const tidings = useTidings();
  let admin: Person;
  beforeAll(async () => {
    admin = await tidings.current.asUser('ADMIN');
  });

  it('sets a role that is effective with the next request', async () => {
    const person = await tidings.current.asUser();
    const create = 'mutation ($key: String!) { createProject(input: { key: $key, name: "New" }) { id } }';
    expect((await person.error(create, { key: 'BEFORE' })).extensions.code).toBe('FORBIDDEN');
    expect((await setRole(admin, person.id, 'EDITOR')).data).toEqual({
      setUserRole: { id: person.id, role: 'EDITOR' },
    });
    expect(await person.data(ME)).toEqual({ me: { id: person.id, role: 'EDITOR' } });
    expect(await person.data(create, { key: 'AFTER' })).toBeTruthy();
    await setRole(admin, person.id, 'USER');
    expect((await person.error(create, { key: 'LATER' })).extensions.code).toBe('FORBIDDEN');
  });

  it('records no event for a repeated change', async () => {
    const person = await tidings.current.asUser();
    await setRole(admin, person.id, 'EDITOR');
    await setRole(admin, person.id, 'EDITOR');
    const events = await tidings.current.database.query(
      'select kind, facts, actor_id, session_id from event where resource_id = $1 order by pos',
      [person.id],
    );
    expect(events).toEqual([
      { kind: 'ROLE_CHANGED', facts: { role: 'EDITOR' }, actor_id: admin.id, session_id: admin.sessionId },
      { kind: 'NOTIFIED', facts: expect.anything(), actor_id: admin.id, session_id: admin.sessionId },
    ]);
  });

  it('disables an account, which refuses its tokens, sockets on every instance, and sign-ins', async () => {
    const other = await TestTidings.start({ database: tidings.current.database });
    try {
      const person = await tidings.current.asUser();
      const elsewhere = new GraphqlClient(other.url, person.accessToken);
      await elsewhere.data(ME);
      const sockets = await Promise.all(
        [tidings.current, other].map(({ url }) => RawSocket.signedIn(url, person.accessToken!)),
      );
      expect(codeOf(await setDisabled(admin, person.id))).toBeUndefined();
      expect((await person.error(ME)).extensions.code).toBe('UNAUTHENTICATED');
      for (const socket of sockets) expect(await socket.closed).toMatchObject({ code: 4401 });
      await until(async () => codeOf(await elsewhere.send(ME)) === 'UNAUTHENTICATED', 'the other node refused it');
      const input = { email: person.email, password: PASSWORD };
      expect((await other.anonymous.error(LOGIN, { input })).extensions.code).toBe('INVALID_CREDENTIALS');
      expect((await other.anonymous.error(REFRESH, { t: person.refreshToken })).extensions.code).toBe(
        'UNAUTHENTICATED',
      );
    } finally {
      await other.stop();
    }
  });

  it('enables an account, whose ended sessions stay ended', async () => {
    const person = await tidings.current.asUser();
    await setDisabled(admin, person.id);
    await setDisabled(admin, person.id, false);
    expect((await person.error(ME)).extensions.code).toBe('UNAUTHENTICATED');
    expect((await tidings.current.anonymous.error(REFRESH, { t: person.refreshToken })).extensions.code).toBe(
      'UNAUTHENTICATED',
    );
    const back = await tidings.current.signIn(person.id, person.email);
    expect(await back.data(ME)).toEqual({ me: { id: person.id, role: 'USER' } });
  });

  it('finds neither unknown accounts nor the system account', async () => {
    for (const id of [NOBODY, SYSTEM_ACCOUNT_ID]) {
      expect(codeOf(await setRole(admin, id, 'ADMIN'))).toBe('NOT_FOUND');
      expect(codeOf(await setDisabled(admin, id))).toBe('NOT_FOUND');
    }
    expect((await admin.error(SET_ROLE, { id: 'nobody', role: 'USER' })).extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'userId', message: 'is not an id' }],
    });
  });

  it('is required', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    expect(codeOf(await setRole(editor, editor.id, 'ADMIN'))).toBe('FORBIDDEN');
    expect(codeOf(await setDisabled(editor, admin.id))).toBe('FORBIDDEN');
    expect(await editor.data(ME)).toEqual({ me: { id: editor.id, role: 'EDITOR' } });
  });
});

describe('last-admin protection', () => {
  const tidings = useTidings();
  const enabledAdmins = async (): Promise<string[]> => {
    const sql = `select id from account where role = 'ADMIN' and disabled_at is null`;
    return (await tidings.current.database.query<{ id: string }>(sql)).map(({ id }) => id);
  };
  afterEach(() => tidings.current.database.query(`update account set role = 'USER'`));

  it('keeps the last enabled ADMIN', async () => {
    const [admin, other] = [await tidings.current.asUser('ADMIN'), await tidings.current.asUser('ADMIN')];
    await setDisabled(admin, other.id);
    for (const refused of [await setRole(admin, admin.id, 'EDITOR'), await setDisabled(admin, admin.id)]) {
      expect([codeOf(refused), reasonOf(refused)]).toEqual(['CONFLICT', 'LAST_ADMIN']);
    }
    expect(await admin.data(ME)).toEqual({ me: { id: admin.id, role: 'ADMIN' } });
    await setDisabled(admin, other.id, false);
    expect(codeOf(await setRole(admin, admin.id, 'EDITOR'))).toBeUndefined();
    expect(await enabledAdmins()).toEqual([other.id]);
  });

  it('refuses a demoted ADMIN who restores itself concurrently', async () => {
    const [admin, other] = [await tidings.current.asUser('ADMIN'), await tidings.current.asUser('ADMIN')];
    const { database } = tidings.current;
    // The request passes its check as ADMIN, and waits for the row that the demotion has locked.
    await database.query('begin');
    await database.query(`update account set role = 'EDITOR' where id = $1`, [admin.id]);
    const raising = setRole(admin, admin.id, 'ADMIN');
    await until(async () => (await database.waiting()) > 0, 'the request waits');
    await database.query('commit');
    expect(codeOf(await raising)).toBe('FORBIDDEN');
    expect(await enabledAdmins()).toEqual([other.id]);
  });
});

describe('the first ADMIN', () => {
  const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id role } } }';
  let database: TestDatabase;
  let node: TestTidings | undefined;
  let count = 0;
  const start = async (env: Record<string, string> = {}) => (node = await TestTidings.start({ database, env }));
  const register = async (at: TestTidings): Promise<string> => {
    const input = { name: 'New', email: `new${(count += 1)}@example.com`, password: PASSWORD };
    return (await at.anonymous.data(REGISTER, { input })).register.user.role;
  };

  beforeEach(async () => {
    database = await createDatabase();
    await database.query('delete from first_admin');
  });
  afterEach(async () => {
    await node?.stop();
    await database.drop();
  });

  it('is one of fifty concurrent registrations', async () => {
    const at = await start();
    const roles = await Promise.all(Array.from({ length: 50 }, () => register(at)));
    expect(roles.filter((role) => role === 'ADMIN')).toHaveLength(1);
    expect(roles.filter((role) => role === 'USER')).toHaveLength(49);
  });

  it('is not a registration beside a disabled ADMIN or the demo', async () => {
    const at = await start({ DEMO: 'true' });
    expect(await register(at)).toBe('USER');
    await database.query(`update account set disabled_at = now() where role = 'ADMIN'`);
    expect(await register(at)).toBe('USER');
  });

  it('is not claimed by a failed registration', async () => {
    const at = await start();
    await database.query(
      `insert into account (id, email, name, role, password_hash) values ($1, 'taken@example.com', 'T', 'USER', 'x')`,
      [NOBODY],
    );
    const input = { name: 'New', email: 'taken@example.com', password: PASSWORD };
    expect((await at.anonymous.error(REGISTER, { input })).extensions.code).toBe('CONFLICT');
    expect(await register(at)).toBe('ADMIN');
    expect(await register(at)).toBe('USER');
  });

  it('is not a registration in production', async () => {
    const at = await start({
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://tidings.example.com',
      RATE_LIMITS: 'on',
      HOST: '127.0.0.1',
      APP_SECRET: randomBytes(32).toString('base64'),
    });
    expect(await register(at)).toBe('USER');
  });
});
