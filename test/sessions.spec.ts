// Accounts and sessions: sign-up, sign-in, listing and revocation, which is effective everywhere.
import { tries } from './support/extent.js';
import { GraphqlClient, type GraphqlError } from './support/graphql-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { PASSWORD, type Person, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const query = (sql: string, parameters: unknown[] = []) =>
  tidings.current.database.query<Record<string, string>>(sql, parameters);

const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) {
  accessToken refreshToken accessTokenExpiresAt user { id name email role sessions { id current } } session { id current transport } } }`;
const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken user { id email } session { id current } } }`;
const ME = '{ me { id } }';
const SESSIONS = '{ sessions { id current transport address userAgent device createdAt lastUsedAt expiresAt } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken session { id } } }';
const EVERYWHERE = 'mutation ($keep: Boolean) { logoutEverywhere(keepCurrent: $keep) }';
const REVOKE = 'mutation ($id: ID!) { revokeSession(id: $id) }';

/** Of requests and a refresh with the end of their session. */
const RACES = tries(100);

let count = 0;
const newcomer = (more: Record<string, unknown> = {}) => ({
  name: 'Ada Löwe',
  email: `ada${(count += 1)}@example.com`,
  password: PASSWORD,
  ...more,
});
const withToken = (token: string, url = tidings.current.url) => new GraphqlClient(url, token);
const again = (person: Person) => tidings.current.signIn(person.id, person.email);
const code = async (client: GraphqlClient, document = ME) => (await client.error(document)).extensions.code;

const login = (email: string, password = PASSWORD) => ({ input: { email, password } });

/** What a client can tell one refusal from another by. */
const told = ({ message, path, extensions }: GraphqlError) => ({ message, path, extensions });

const codesOf = (errors: readonly { path?: unknown; extensions?: Record<string, unknown> }[] = []) =>
  errors.map(({ path, extensions }) => [path, extensions?.['code']]);
/** The errors of `document`, each with its path, over either way. */
const errorsOf = async (person: Person, document: string, way: 'HTTP' | 'a socket') => {
  if (way === 'HTTP') return codesOf((await person.send(document)).errors);
  return codesOf((await person.socket().subscribe(document).next()).errors);
};
const create = (key: string) => `createProject(input: { key: "${key}", name: "x" }) { id }`;

describe('register', () => {
  it('creates an account and signs it in', async () => {
    const input = newcomer({ name: '  Ada Löwe ', email: 'Ada@Example.COM' });
    const { register } = await tidings.current.anonymous.data(REGISTER, { input });
    expect(register.user).toMatchObject({ name: 'Ada Löwe', email: 'Ada@Example.COM', role: 'USER' });
    expect(register.user.sessions).toEqual([{ id: register.session.id, current: true }]);
    expect(register.session).toMatchObject({ current: true, transport: 'BODY' });
    expect(Date.parse(register.accessTokenExpiresAt) - Date.now()).toBeGreaterThan(890_000);
    expect(await withToken(register.accessToken).data(ME)).toEqual({ me: { id: register.user.id } });
  });

  it('accepts an e-mail once, regardless of case, under concurrency', async () => {
    const input = newcomer();
    const attempts = Array.from({ length: 8 }, (_, at) => {
      const email = at % 2 ? input.email.toUpperCase() : input.email;
      return tidings.current.anonymous.send(REGISTER, { input: { ...input, email } });
    });
    const replies = await Promise.all(attempts);
    expect(replies.filter(({ errors }) => !errors)).toHaveLength(1);
    for (const { errors } of replies.filter((reply) => reply.errors)) {
      expect(errors![0]!.extensions).toEqual({ code: 'CONFLICT', reason: 'EMAIL_TAKEN' });
    }
    expect(await query('select id from account where lower(email) = lower($1)', [input.email])).toHaveLength(1);
  });

  it.each([
    ['email', 'not an address'],
    ['email', `${'a'.repeat(290)}@example.com`],
    ['email', ''],
    ['name', '   '],
    ['name', 'x'.repeat(101)],
    ['name', 'two\nlines'],
    ['password', 'seven77'],
    ['password', '😀'.repeat(7)],
    ['password', 'x'.repeat(129)],
  ])('names the invalid field: %s (%j)', async (field, value) => {
    const before = await query('select count(*) from account');
    const { extensions } = await tidings.current.anonymous.error(REGISTER, { input: newcomer({ [field]: value }) });
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: `input.${field}` }] });
    expect(JSON.stringify(extensions)).not.toContain(value.trim() || 'nothing to see');
    expect(await query('select count(*) from account')).toEqual(before);
  });

  it('accepts passwords of any characters and equates their Unicode forms', async () => {
    const input = newcomer({ password: 'Schlüssel 🔑 \u0000 tab\t' });
    await tidings.current.anonymous.data(REGISTER, { input });
    const decomposed = { email: input.email, password: input.password.normalize('NFD') };
    expect(await tidings.current.anonymous.data(LOGIN, { input: decomposed })).toMatchObject({
      login: { user: { email: input.email } },
    });
  });

  it('is refused when registration is closed, while sign-in works', async () => {
    const { database } = tidings.current;
    const closed = await TestTidings.start({ database, env: { REGISTRATION: 'closed' } });
    try {
      const input = newcomer();
      expect((await closed.anonymous.error(REGISTER, { input })).extensions.code).toBe('FORBIDDEN');
      expect(await query('select 1 from account where email = $1', [input.email])).toEqual([]);
      await closed.asUser('USER');
    } finally {
      await closed.stop();
    }
  });
});

describe('login', () => {
  it('creates a new session each time, regardless of the case of the e-mail', async () => {
    const user = await tidings.current.asUser();
    const first = await tidings.current.anonymous.data(LOGIN, login(user.email.toUpperCase()));
    const second = await tidings.current.anonymous.data(LOGIN, login(` ${user.email} `));
    expect(first.login.user.id).toBe(user.id);
    expect(new Set([user.sessionId, first.login.session.id, second.login.session.id]).size).toBe(3);
  });

  it('answers a wrong password, an unknown e-mail and a disabled account alike', async () => {
    const [user, disabled] = [await tidings.current.asUser(), await tidings.current.asUser()];
    await query('update account set disabled_at = now() where id = $1', [disabled.id]);
    const wrong = await tidings.current.anonymous.error(LOGIN, login(user.email, 'another password'));
    const unknown = await tidings.current.anonymous.error(LOGIN, login('nobody@example.com'));
    const off = await tidings.current.anonymous.error(LOGIN, login(disabled.email));
    expect(wrong.extensions).toEqual({ code: 'INVALID_CREDENTIALS' });
    expect([told(unknown), told(off)]).toEqual([told(wrong), told(wrong)]);
    expect(await query('select 1 from session where account_id = $1', [disabled.id])).toHaveLength(1);
  });

  it('refuses the system account', async () => {
    const [system] = await query('select id from account where is_system');
    await expect(
      query(`update account set email = 'system@example.com' where id = $1`, [system!['id']]),
    ).rejects.toThrow('account_can_sign_in');
  });

  it.each([
    ['the password is changed', `update account set password_hash = 'another' where id = $1`],
    ['the account is disabled', 'update account set disabled_at = now() where id = $1'],
  ])('creates no session when %s during the verification', async (_what, change) => {
    const user = await tidings.current.asUser();
    await query('begin');
    await query(change, [user.id]);
    const reply = tidings.current.anonymous.error(LOGIN, login(user.email));
    await until(async () => (await tidings.current.database.waiting()) > 0, 'the sign-in waits');
    await query('commit');
    expect((await reply).extensions.code).toBe('INVALID_CREDENTIALS');
    expect(await query('select 1 from session where account_id = $1', [user.id])).toHaveLength(1);
  });

  it('runs once per operation, however it is spelled', async () => {
    const { email } = await tidings.current.asUser();
    const one = `login(input: { email: "${email}", password: "wrong" }) { accessToken }`;
    for (const document of [
      `mutation { a: ${one} b: ${one} }`,
      `mutation { ...F } fragment F on Mutation { a: ${one} b: ${one} }`,
      `mutation { ${one} logout }`,
    ]) {
      expect(await code(tidings.current.anonymous, document)).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });
});

describe('the list of sessions', () => {
  it('shows device, address and times, most recently used first', async () => {
    const user = await tidings.current.asUser();
    const phone = await again(user);
    const { sessions } = await user.data(SESSIONS);
    expect(sessions.map(({ id, current }: Record<string, unknown>) => ({ id, current }))).toEqual([
      { id: phone.sessionId, current: false },
      { id: user.sessionId, current: true },
    ]);
    expect(sessions[0]).toMatchObject({ transport: 'BODY', address: '127.0.0.1', userAgent: 'node', device: 'node' });
    expect(Date.parse(sessions[0].expiresAt) - Date.parse(sessions[0].createdAt)).toBe(90 * 86_400_000);
    await user.data(REFRESH, { t: user.refreshToken });
    expect((await user.data(SESSIONS)).sessions[0].id).toBe(user.sessionId);
  });

  it('leaves out expired sessions', async () => {
    const user = await tidings.current.asUser();
    const [idle, old] = [await again(user), await again(user)];
    await query(`update session set idle_expires_at = now() where id = $1`, [idle.sessionId]);
    await query(`update session set expires_at = now() where id = $1`, [old.sessionId]);
    expect((await user.data('{ sessions { id } }')).sessions).toEqual([{ id: user.sessionId }]);
  });

  it('is visible to the account itself and to ADMINs only', async () => {
    const [user, admin] = [await tidings.current.asUser(), await tidings.current.asUser('ADMIN')];
    const document = 'query ($id: ID!) { user(id: $id) { id sessions { id current } } }';
    const own = { user: { id: user.id, sessions: [{ id: user.sessionId, current: true }] } };
    expect(await user.data(document, { id: user.id })).toEqual(own);
    const seen = { user: { id: user.id, sessions: [{ id: user.sessionId, current: false }] } };
    expect(await admin.data(document, { id: user.id })).toEqual(seen);
    const editor = await tidings.current.asUser('EDITOR');
    const { createProject } = await editor.data(
      'mutation { createProject(input: { key: "SEEN", name: "Seen" }) { id } }',
    );
    const join = 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }';
    await editor.data(join, { p: createProject.id, u: user.id });
    const { data, errors } = await editor.send(document, { id: user.id });
    expect(data).toEqual({ user: { id: user.id, sessions: null } });
    expect(errors).toMatchObject([
      { path: ['user', 'sessions'], extensions: { code: 'FORBIDDEN', requires: 'ADMIN' } },
    ]);
  });

  it('is truncated per account', async () => {
    const [busy, quiet, admin] = [
      await tidings.current.asUser(),
      await tidings.current.asUser(),
      await tidings.current.asUser('ADMIN'),
    ];
    await query(
      `insert into session (id, account_id, seed, transport, address, last_used_at, idle_expires_at, expires_at)
       select gen_random_uuid(), account_id, seed, transport, address, now() + n * interval '1 s', idle_expires_at, expires_at
         from session, generate_series(1, 1100) as n where id = $1`,
      [busy.sessionId],
    );
    const document =
      'query ($a: ID!, $b: ID!) { a: user(id: $a) { sessions { lastUsedAt } } b: user(id: $b) { sessions { id } } }';
    const { a, b } = await admin.data(document, { a: busy.id, b: quiet.id });
    const times = a.sessions.map(({ lastUsedAt }: { lastUsedAt: string }) => Date.parse(lastUsedAt));
    expect([times.length, b.sessions]).toEqual([100, [{ id: quiet.sessionId }]]);
    expect(times).toEqual(times.toSorted((one: number, other: number) => other - one));
  });

  it('is read for a page of accounts in one statement', async () => {
    const admin = await tidings.current.asUser('ADMIN');
    const document = 'query ($n: Int) { users(first: $n) { nodes { id sessions { id } } } }';
    const page = (n: number) => fewestStatementsOf(() => admin.data(document, { n }));
    expect((await page(10)).length).toBe((await page(2)).length);
  });
});

describe('a sign-out in the middle of a mutation', () => {
  it.each(['HTTP', 'a socket'] as const)('over %s skips the remaining root fields', async (way) => {
    for (const end of ['logout', 'logoutEverywhere']) {
      const person = await tidings.current.asUser('EDITOR');
      const key = `AFTER-${(count += 1)}`;
      const errors = await errorsOf(person, `mutation { ${end} late: ${create(key)} }`, way);
      expect(errors).toEqual([[['late'], 'UNAUTHENTICATED']]);
      expect(await query('select 1 from project where key = $1', [key])).toEqual([]);
    }
  });

  it('stops operations in progress and later ones, for every way a session can end', async () => {
    const admin = await tidings.current.asUser('ADMIN');
    for (const end of [
      (person: Person) => `revokeSession(id: "${person.sessionId}")`,
      (person: Person) => `setUserDisabled(userId: "${person.id}", disabled: true) { id }`,
    ]) {
      const person = await tidings.current.asUser('EDITOR');
      const [first, second] = [`A-${(count += 1)}`, `A-${(count += 1)}`];
      // The first of both waits for the table, until the session has ended.
      await query('begin');
      await query('lock table project in share mode');
      const running = person.send(`mutation { first: ${create(first)} second: ${create(second)} }`);
      await until(async () => (await tidings.current.database.waiting()) > 0, 'the first waits');
      const by = end(person).startsWith('revoke') ? again(person) : Promise.resolve(admin);
      await (await by).data(`mutation { ${end(person)} }`);
      await query('commit');
      expect(codesOf((await running).errors)).toEqual([[['first'], 'UNAUTHENTICATED']]);
      expect(await query('select key from project where key in ($1, $2)', [first, second])).toEqual([]);
    }
  });
});

describe('logout and revokeSession', () => {
  it('ends this session only, its access token and its refresh token alike', async () => {
    const user = await tidings.current.asUser();
    const other = await again(user);
    expect(await user.data('mutation { logout }')).toEqual({ logout: true });
    expect(await code(user)).toBe('UNAUTHENTICATED');
    expect((await user.error(REFRESH, { t: user.refreshToken })).extensions.code).toBe('UNAUTHENTICATED');
    expect(await other.data(ME)).toEqual({ me: { id: user.id } });
    expect(await query('select end_reason from session where id = $1', [user.sessionId])).toEqual([
      { end_reason: 'LOGOUT' },
    ]);
  });

  it('logoutEverywhere ends all sessions, or all but this one, and returns the count', async () => {
    const user = await tidings.current.asUser();
    const [second, third] = [await again(user), await again(user)];
    const stranger = await tidings.current.asUser();
    expect(await user.data(EVERYWHERE, { keep: true })).toEqual({ logoutEverywhere: 2 });
    expect([await code(second), await code(third)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    const fourth = await again(user);
    expect(await user.data('mutation { logoutEverywhere }')).toEqual({ logoutEverywhere: 2 });
    expect([await code(user), await code(fourth)]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(await stranger.data(ME)).toEqual({ me: { id: stranger.id } });
  });

  it('logoutEverywhere ends any number of sessions', async () => {
    const user = await tidings.current.asUser();
    await query(
      `insert into session (id, account_id, seed, transport, address, idle_expires_at, expires_at)
       select gen_random_uuid(), $1, decode(repeat('00', 32), 'hex'), 'BODY', '::1', now() + '1 day', now() + '1 day'
         from generate_series(1, 700)`,
      [user.id],
    );
    expect(await user.data(EVERYWHERE, { keep: null })).toEqual({ logoutEverywhere: 701 });
    expect(await query('select 1 from session where account_id = $1 and ended_at is null', [user.id])).toEqual([]);
  });

  it('revokeSession ends one session of the own account, once', async () => {
    const user = await tidings.current.asUser();
    const lost = await again(user);
    expect(await user.data(REVOKE, { id: lost.sessionId.toUpperCase() })).toEqual({ revokeSession: true });
    expect(await code(lost)).toBe('UNAUTHENTICATED');
    expect(await user.data(REVOKE, { id: lost.sessionId })).toEqual({ revokeSession: false });
  });

  it('revokeSession answers the same for a session of another account and for an unknown one', async () => {
    const [user, other] = [await tidings.current.asUser('ADMIN'), await tidings.current.asUser()];
    const foreign = await user.send(REVOKE, { id: other.sessionId });
    const absent = await user.send(REVOKE, { id: '0192aaaa-0000-7000-8000-000000000000' });
    expect([foreign.data, absent.data]).toEqual([{ revokeSession: false }, { revokeSession: false }]);
    expect(await other.data(ME)).toEqual({ me: { id: other.id } });
    expect((await user.error(REVOKE, { id: 'x' })).extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'id' }],
    });
  });

  it('requires a sign-in', async () => {
    for (const document of ['mutation { logout }', 'mutation { logoutEverywhere }', '{ sessions { id } }']) {
      expect(await code(tidings.current.anonymous, document)).toBe('UNAUTHENTICATED');
    }
  });

  it(`wins ${RACES} races with requests and refreshes of the same session`, async () => {
    const user = await tidings.current.asUser();
    for (let round = 0; round < RACES; round += 1) {
      const racer = await again(user);
      // The first sight of a session reads it; half of the rounds end it during that very read.
      if (round % 2) await racer.data(ME);
      const early = [racer.send(ME), racer.send(ME)];
      const renewal = racer.send(REFRESH, { t: racer.refreshToken });
      const end = racer.send(round % 4 < 2 ? 'mutation { logout }' : 'mutation { logoutEverywhere }');
      const late = [racer.send(ME), racer.send(ME)];
      expect((await end).errors).toBeUndefined();
      expect(await code(racer)).toBe('UNAUTHENTICATED');
      for (const { data, errors } of await Promise.all([...early, ...late])) {
        expect(data?.me?.id ?? errors?.[0]?.extensions.code).toMatch(new RegExp(`^(${user.id}|UNAUTHENTICATED)$`));
      }
      // Whichever came first, what the refresh was given is of no use.
      const renewed = (await renewal).data?.refresh?.accessToken ?? '';
      expect(await code(withToken(renewed))).toBe('UNAUTHENTICATED');
    }
  });
});
