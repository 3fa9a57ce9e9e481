// CSRF: requests that a hostile site makes a browser send with cookies are refused as a whole, before anything is
// executed.
import { randomBytes } from 'node:crypto';
import { AuditRepetitions } from '../src/engine/audit/audit-repetitions.js';
import { loadConfig } from '../src/engine/config/config.js';
import { SessionCookies } from '../src/engine/sessions/session-cookies.js';
import { bearer, CLEARED_COOKIES, SESSION_COOKIES, Page, strangeOrigins, usePages } from './support/page.js';
import { RawSocket } from './support/socket-client.js';
import { PASSWORD, type Person, TestTidings, useTidings } from './support/tidings.js';
import { service } from '../src/boot/service.js';

const SITE = 'https://tidings.example';
const ME = '{ me { id } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken session { id } } }';

const tidings = useTidings();
const pages = usePages(tidings);
const { query, page, signedIn, login, sessionRow, lastAudit, auditSince } = pages;

const STRANGE = strangeOrigins('http://OWN').map(([what], index) => [what, index] as const);
const origin = (index: number) => strangeOrigins(tidings.current.url)[index]![1];

/** Headers of a request that no page of ours sends. */
const TAMPERED: readonly (readonly [string, () => Record<string, string>])[] = [
  ...STRANGE.map(([what, index]) => [what, () => ({ origin: origin(index) })] as const),
  ['no header of ours', () => ({ 'x-tidings-csrf': '' })],
  ['our header with another value', () => ({ 'x-tidings-csrf': 'true' })],
  ['our header twice', () => ({ 'x-tidings-csrf': '1, 1' })],
  ["Apollo's header in its place", () => ({ 'x-tidings-csrf': '', 'apollo-require-preflight': '1' })],
];

describe('a request with cookies from another origin', () => {
  let own: Page & { session: string };
  beforeAll(async () => {
    own = await signedIn();
  });

  it.each(TAMPERED)('is refused: %s', async (_what, headers) => {
    const since = await lastAudit();
    const documents = [ME, '{ __typename }', 'mutation { logout }', REFRESH, LOGIN, '{ projects { nodes { name } } }'];
    for (const document of documents) {
      const { data, errors, set, status } = await own.send(document, login(), headers());
      expect([status, data, set, errors?.map(({ extensions }) => extensions.code)]).toEqual([
        200,
        undefined,
        [],
        ['FORBIDDEN'],
      ]);
    }
    const strict = await own.send(ME, {}, { ...headers(), accept: 'application/graphql-response+json' });
    expect([strict.status, strict.errors?.[0]?.message]).toEqual([403, expect.stringContaining('x-tidings-csrf: 1')]);
    expect(await sessionRow(own.session)).toMatchObject({ generation: 1, ended_at: null });
    expect(await auditSince(since)).toEqual([]);
  });

  it('is refused with valid and invalid cookies', async () => {
    for (const cookie of ['tidings-access=', 'tidings-refresh=x', `other=1; ${own.cookie}`])
      expect((await own.send('{ __typename }', {}, { cookie, 'x-tidings-csrf': '' })).code).toBe('FORBIDDEN');
    for (const cookie of [
      'other=1',
      'tidings-access',
      '=tidings-access',
      'Tidings-Access=x',
      '__Host-tidings-access=x',
    ])
      expect((await own.send('{ __typename }', {}, { cookie, 'x-tidings-csrf': '' })).code).toBeUndefined();
  });

  it.each([
    ['application/x-www-form-urlencoded', 'query=mutation%7Blogout%7D'],
    [
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="query"\r\n\r\nmutation{logout}\r\n--x--',
    ],
    ['text/plain', '{"query": "mutation { logout }"}'],
  ])('is refused as %s, even with the required header and origin', async (type, body) => {
    for (const headers of [{ cookie: own.cookie, origin: own.url }, own.headers]) {
      const response = await fetch(`${own.url}/graphql`, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body,
      });
      expect([response.status, response.headers.getSetCookie()]).toEqual([400, []]);
      expect(await response.text()).toContain('BAD_USER_INPUT');
    }
    expect(await sessionRow(own.session)).toMatchObject({ ended_at: null });
  });

  it('by GET is treated as anonymous', async () => {
    const get = (document: string) =>
      fetch(`${own.url}/graphql?query=${encodeURIComponent(document)}`, { headers: own.headers });
    expect(await (await get(ME)).text()).toContain('UNAUTHENTICATED');
    const logout = await get('mutation { logout }');
    expect([logout.status, logout.headers.getSetCookie(), await logout.text()]).toEqual([405, [], expect.anything()]);
    expect(await sessionRow(own.session)).toMatchObject({ ended_at: null });
  });
});

const sessionsOf = ({ id }: Person) => query('select id from session where account_id = $1', [id]);

/** How often each act stands in the audit trail, repetitions included. */
async function recorded(): Promise<Record<string, number>> {
  await tidings.current.app.get(AuditRepetitions).write();
  const sums = await query('select action, sum(count)::int as times from audit_entry group by action');
  return Object.fromEntries(sums.map(({ action, times }) => [action, Number(times)]));
}

describe('a cookie sign-in from another origin', () => {
  it.each(TAMPERED)('is refused before the password is verified: %s', async (_what, headers) => {
    const sessions = await sessionsOf(pages.ada);
    const input = { name: 'X', email: 'elsewhere@example.com', password: PASSWORD, transport: 'COOKIE' };
    for (const [document, variables] of [
      [LOGIN, login()],
      [LOGIN, login({ password: 'not this one' })],
      [REGISTER, { input }],
    ] as const) {
      const before = await recorded();
      const { code, data, set } = await page().send(document, variables, headers());
      expect([code, data, set]).toEqual(['FORBIDDEN', null, []]);
      // A password that was looked at and was wrong would stand here as LOGIN.
      expect(await recorded()).toEqual({ ...before, MUTATION_REFUSED: (before['MUTATION_REFUSED'] ?? 0) + 1 });
    }
    expect(await sessionsOf(pages.ada)).toEqual(sessions);
    expect(await query('select 1 from account where email = $1', [input.email])).toEqual([]);
  });

  it('without asking for cookies is accepted', async () => {
    const { data, set } = await page().send(LOGIN, login({ transport: 'BODY' }), { origin: '', 'x-tidings-csrf': '' });
    expect([data.login.accessToken, set]).toEqual([expect.any(String), []]);
  });
});

const preflight = (from: string) =>
  fetch(`${tidings.current.url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin: from,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-tidings-csrf',
    },
  });

describe('CORS', () => {
  it('allows ALLOWED_ORIGINS to send cookies and the header and to read the reply', async () => {
    const own = new Page(tidings.current.url, tidings.current.config.publicUrl);
    expect(own.origin).not.toBe(own.url);
    const { headers } = await preflight(own.origin);
    expect(headers.get('access-control-allow-origin')).toBe(own.origin);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-headers')).toContain('x-tidings-csrf');
    await own.login(pages.ada.email);
    const reply = await own.send(ME);
    expect(reply.data).toEqual({ me: { id: pages.ada.id } });
    expect(reply.headers.get('access-control-allow-origin')).toBe(own.origin);
    expect(reply.headers.get('access-control-allow-credentials')).toBe('true');
  });

  it('allows no other origin', async () => {
    for (const [, from] of strangeOrigins(tidings.current.url).filter(([, value]) => value !== '')) {
      expect((await preflight(from)).headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('a WebSocket upgrade', () => {
  let own: Page & { session: string };
  beforeAll(async () => {
    own = await signedIn();
  });

  it.each(STRANGE)('from another origin ignores cookies and accepts a token: %s', async (_what, index) => {
    const from = origin(index);
    for (const cookie of [own.cookie, 'tidings-access=x']) {
      const headers = { cookie, ...(from ? { origin: from } : {}) };
      const unsigned = await RawSocket.open(own.url, headers);
      unsigned.send({ type: 'connection_init' });
      expect(await unsigned.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
      const socket = await RawSocket.open(own.url, headers);
      const { accessToken } = await tidings.current.signIn(pages.ada.id, pages.ada.email);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } });
      await socket.next('connection_ack');
      await socket.close();
    }
    expect((await sessionRow(own.session))['ended_at']).toBeNull();
  });
});

describe('tokens and transports', () => {
  it('a token in a body is not accepted as a cookie', async () => {
    const user = await tidings.current.asUser();
    const before = await sessionRow(user.sessionId);
    const headers = { cookie: `tidings-access=${user.accessToken}; tidings-refresh=${user.refreshToken}` };
    expect((await page().send(ME, {}, headers)).code).toBe('UNAUTHENTICATED');
    for (let twice = 0; twice < 2; twice += 1)
      expect((await page().send(REFRESH, {}, headers)).code).toBe('UNAUTHENTICATED');
    expect(await sessionRow(user.sessionId)).toEqual(before);
    expect(await user.data(ME)).toEqual({ me: { id: user.id } });
  });

  it('a token in a cookie is not accepted in `Authorization` or an argument, and is not judged theft', async () => {
    const own = await signedIn();
    const [access, refresh] = SESSION_COOKIES.map((name) => own.jar.get(name)!);
    await own.send(REFRESH);
    await own.send(REFRESH);
    const before = await sessionRow(own.session);
    expect((await page().send(ME, {}, bearer(access!))).code).toBe('UNAUTHENTICATED');
    for (const t of [refresh, own.jar.get('tidings-refresh')]) {
      const { code, set } = await own.send(REFRESH, { t });
      expect([code, set]).toEqual(['UNAUTHENTICATED', []]);
    }
    expect(await sessionRow(own.session)).toEqual(before);
    expect((await own.send(ME)).data).toEqual({ me: { id: pages.ada.id } });
  });

  it('a refresh by argument answers in the body and keeps the cookies', async () => {
    const [user, own] = [await tidings.current.asUser(), await signedIn()];
    const { data, set } = await own.send(REFRESH, { t: user.refreshToken });
    expect(data.refresh).toMatchObject({ accessToken: expect.any(String), session: { id: user.sessionId } });
    expect([set, (await own.send(ME)).data]).toEqual([[], { me: { id: pages.ada.id } }]);
  });
});

describe('over HTTPS', () => {
  let secure: TestTidings;
  beforeAll(async () => {
    secure = await TestTidings.start({ database: tidings.current.database, env: { PUBLIC_URL: SITE } });
  });
  afterAll(() => secure.stop());

  it('cookies have the __Host- prefix and other names are ignored', async () => {
    const own = new Page(secure.url, SITE);
    const { set } = await own.send(LOGIN, login());
    expect(set.map(({ name }) => name)).toEqual(SESSION_COOKIES.map((name) => `__Host-${name}`));
    for (const { name: _name, value: _value, maxAge: _maxAge, ...attributes } of set)
      expect(attributes).toEqual({ path: '/', httpOnly: true, secure: true, sameSite: 'strict' });
    expect((await own.send(ME)).data).toEqual({ me: { id: pages.ada.id } });
    const socket = await own.socket();
    await socket.close();
    const plain = own.cookie.replaceAll('__Host-', '');
    expect((await own.send(ME, {}, { cookie: plain })).code).toBe('UNAUTHENTICATED');
    expect((await own.send(REFRESH, {}, { cookie: plain })).code).toBe('UNAUTHENTICATED');
    // Nor do they make a duplicate, or what somebody tossed at the browser would sign everybody out.
    expect((await own.send(ME, {}, { cookie: `${plain}; ${own.cookie}` })).data).toEqual({ me: { id: pages.ada.id } });
    expect((await own.send('mutation { logout }')).set).toEqual(
      CLEARED_COOKIES.map((cookie) => ({ ...cookie, name: `__Host-${cookie.name}`, secure: true })),
    );
  });

  it('sibling and look-alike origins are refused', async () => {
    for (const [, from] of strangeOrigins(SITE)) {
      expect((await new Page(secure.url, SITE).send(LOGIN, login(), { origin: from })).code).toBe('FORBIDDEN');
    }
  });

  const production = {
    NODE_ENV: 'production',
    DATABASE_URL: 'postgresql://db/tidings',
    APP_SECRET: randomBytes(32).toString('hex'),
  };
  it.each([
    ['a site in production', { ...production, PUBLIC_URL: SITE }, true],
    ['this machine in production', { ...production, PUBLIC_URL: 'http://localhost:4000' }, true],
    ['production without PUBLIC_URL', production, true],
    ['a site behind https outside production', { PUBLIC_URL: SITE }, true],
    ['a site over http outside production', { PUBLIC_URL: 'http://build.example' }, true],
    ['this machine', {}, false],
    ['this machine by another name', { PUBLIC_URL: 'http://[::1]:4000' }, false],
  ])('the form of cookie names is fixed at start: %s', (_what, env, isSecure) => {
    const cookies = new SessionCookies(loadConfig(env, service));
    const [right, wrong] = isSecure ? ['__Host-', ''] : ['', '__Host-'];
    expect(cookies.read(`${right}tidings-access=a; ${wrong}tidings-refresh=b`)).toEqual({ accessToken: 'a' });
    expect(cookies.read(`${wrong}tidings-access=a`)).toBeUndefined();
  });
});
