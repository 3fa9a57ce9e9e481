// Cookie sessions: which cookies browsers receive and send, over HTTP and WebSocket, and their effect.
import { request as rawRequest } from 'node:http';
import { Role } from '../src/engine/access/role.js';
import { OpenSockets } from '../src/engine/realtime/sockets/open-sockets.js';
import { AccessTokens } from '../src/engine/sessions/access-tokens.js';
import { bearer, CLEARED_COOKIES, webSocketOf, SESSION_COOKIES, Page, usePages } from './support/page.js';
import { RawSocket, SocketClient } from './support/socket-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { PASSWORD, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const ME = '{ me { id } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken refreshToken session { id } } }';
const PAYLOAD = 'accessToken refreshToken user { id } session { id current transport }';
const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) { ${PAYLOAD} } }`;
const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) { ${PAYLOAD} } }`;
const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { ${PAYLOAD} } }`;

const tidings = useTidings();
const pages = usePages(tidings);
const { page, signedIn, login, sessionRow, lastAudit, auditSince } = pages;
const endOf = async (id: string) => (await sessionRow(id))['end_reason'];
/** An access token of ours whose time is over. */
const expired = (accountId: string, sessionId: string) =>
  tidings.current.app.get(AccessTokens).issue(accountId, sessionId, Role.EDITOR, new Date(Date.now() - 60_000)).token;

/** The reply to `{ me { id } }` with headers that no client library would send. */
function raw({ url, headers }: Page, more: Record<string, string | string[]>): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, 'content-type': 'application/json', ...more };
    const request = rawRequest(`${url}/graphql`, { method: 'POST', headers: all, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    });
    request.on('error', reject).end(JSON.stringify({ query: ME }));
  });
}

describe('a cookie session', () => {
  it('is opened by a sign-in that returns no token, in HttpOnly cookies with its lifetime', async () => {
    const own = page();
    const { data, set, headers } = await own.send(LOGIN, login());
    expect(data.login).toMatchObject({ accessToken: null, refreshToken: null, user: { id: pages.ada.id } });
    expect(data.login.session).toMatchObject({ current: true, transport: 'COOKIE' });
    expect(set.map(({ name }) => name)).toEqual(SESSION_COOKIES);
    for (const cookie of set) {
      const { name: _name, value, maxAge, ...attributes } = cookie;
      expect(attributes).toEqual({ path: '/', httpOnly: true, sameSite: 'strict' });
      expect(value).toMatch(/^(ey|tr1\.)/);
      // The life of the session, not that of the access token: that it has expired must be seen.
      expect(Math.abs(maxAge! - 30 * 86_400)).toBeLessThan(60);
    }
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await own.send(ME)).data).toEqual({ me: { id: pages.ada.id } });
    expect(await sessionRow(data.login.session.id)).toMatchObject({ transport: 'COOKIE', ended_at: null });
  });

  it('is opened by registration as well', async () => {
    const own = page();
    const input = { name: 'Grace', email: 'grace@example.com', password: PASSWORD, transport: 'COOKIE' };
    const { data, set } = await own.send(REGISTER, { input });
    expect([data.register.accessToken, data.register.refreshToken, set.length]).toEqual([null, null, 2]);
    const { sessions } = (await own.send('{ sessions { id current transport } }')).data;
    expect(sessions).toEqual([{ id: data.register.session.id, current: true, transport: 'COOKIE' }]);
  });

  it('is refreshed without an argument, with equal results for concurrent tabs', async () => {
    const own = await signedIn();
    const cookie = own.cookie;
    const tabs = await Promise.all([1, 2, 3].map(() => own.send(REFRESH, {}, { cookie })));
    const given = tabs.map(({ set }) => set.find(({ name }) => name === 'tidings-refresh')?.value);
    expect(new Set(given)).toEqual(new Set([own.jar.get('tidings-refresh')]));
    expect(cookie).not.toContain(given[0]!);
    const { data } = tabs[0]!;
    expect(data.refresh).toEqual({ accessToken: null, refreshToken: null, session: { id: own.session } });
    expect((await own.send(ME)).data).toEqual({ me: { id: pages.ada.id } });
  });

  it('coexists with a bearer session, and `Authorization` takes precedence even when invalid', async () => {
    const [own, other] = [await signedIn(), await tidings.current.asUser()];
    const current = '{ me { id } sessions { id current } }';
    const as = async (headers: Record<string, string>) => {
      const { data, code } = await own.send(current, {}, headers);
      return code ?? [data.me.id, data.sessions.find((session: { current: boolean }) => session.current).id];
    };
    expect(await as({})).toEqual([pages.ada.id, own.session]);
    expect(await as(bearer(pages.ada.accessToken!))).toEqual([pages.ada.id, pages.ada.sessionId]);
    expect(await as(bearer(other.accessToken!))).toEqual([other.id, other.sessionId]);
    // The cookies are not looked at then, so nothing has to show whose page it is.
    expect(await as({ ...bearer(other.accessToken!), origin: '', 'x-tidings-csrf': '' })).toEqual([
      other.id,
      other.sessionId,
    ]);
    for (const bad of [
      'Bearer',
      'Bearer nonsense',
      `Basic ${pages.ada.accessToken}`,
      'null',
      bearer(`${pages.ada.accessToken}x`).authorization,
    ])
      expect(await as({ authorization: bad })).toBe('UNAUTHENTICATED');
    const { code } = await own.send(REFRESH, {}, bearer('nonsense'));
    expect([code, (await sessionRow(own.session))['generation']]).toEqual(['UNAUTHENTICATED', 1]);
  });

  it('keeps its transport over a password change', async () => {
    const user = await tidings.current.asUser();
    const own = await signedIn(user);
    const input = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, another` };
    const { data, set } = await own.send(CHANGE, { input });
    expect(data.changePassword).toMatchObject({
      accessToken: null,
      refreshToken: null,
      session: { transport: 'COOKIE' },
    });
    expect(set.map(({ name }) => name)).toEqual(SESSION_COOKIES);
    expect(await endOf(own.session)).toBe('PASSWORD_CHANGED');
    expect((await own.send('{ sessions { id } }')).data).toEqual({
      sessions: [{ id: data.changePassword.session.id }],
    });
  });

  it.each([
    ['logout', 'mutation { logout }', 'LOGOUT'],
    ['logoutEverywhere', 'mutation { logoutEverywhere }', 'LOGOUT'],
    ['revokeSession', 'mutation ($id: ID!) { revokeSession(id: $id) }', 'REVOKED'],
  ])('ends with its cookies by %s', async (_what, mutation, reason) => {
    const user = await tidings.current.asUser();
    const own = await signedIn(user);
    const cookie = own.cookie;
    expect((await own.send(mutation, { id: own.session })).set).toEqual(CLEARED_COOKIES);
    expect([own.jar.size, await endOf(own.session)]).toEqual([0, reason]);
    expect((await own.send(ME, {}, { cookie })).code).toBe('UNAUTHENTICATED');
  });

  it('keeps its cookies when other sessions end', async () => {
    const user = await tidings.current.asUser();
    const own = await signedIn(user);
    const revoke = await own.send('mutation ($id: ID!) { revokeSession(id: $id) }', { id: user.sessionId });
    const others = await own.send('mutation { logoutEverywhere(keepCurrent: true) }');
    expect([revoke.set, others.set]).toEqual([[], []]);
    // Nor does the end of another session that the same browser has.
    const second = await tidings.current.signIn(user.id, user.email);
    expect((await own.send('mutation { logout }', {}, bearer(second.accessToken!))).set).toEqual([]);
    expect((await own.send(ME)).data).toEqual({ me: { id: user.id } });
  });

  it('keeps its cookies when a refresh is refused, since they may be newer when the reply arrives', async () => {
    const user = await tidings.current.asUser();
    const stolen = await signedIn(user);
    const old = stolen.cookie;
    await stolen.send(REFRESH);
    await stolen.send(REFRESH);
    const theft = await stolen.send(REFRESH, {}, { cookie: old });
    expect([theft.code, theft.set]).toEqual(['REFRESH_TOKEN_REUSED', []]);
    const ended = await stolen.send(REFRESH, {}, { cookie: old });
    expect([ended.code, ended.set]).toEqual(['UNAUTHENTICATED', []]);
    const since = await lastAudit();
    for (const document of [ME, REFRESH]) expect((await stolen.send(document)).code).toBe('UNAUTHENTICATED');
    expect((await stolen.send('{ __typename }')).data).toEqual({ __typename: 'Query' });
    expect(await auditSince(since)).toEqual([]);
    await stolen.login(user.email);
    expect((await stolen.send(ME)).data).toEqual({ me: { id: user.id } });
    const nothing = await page().send(REFRESH);
    expect([nothing.code, nothing.set]).toEqual(['UNAUTHENTICATED', []]);
  });

  it.each([
    ['a token that has expired', () => expired(pages.ada.id, pages.ada.sessionId)],
    ['garbage', () => 'garbage'],
    ['nothing', () => ''],
    ['quotes', () => `"${pages.ada.accessToken}"`],
  ])('with %s is anonymous', async (_what, token) => {
    const headers = { cookie: `tidings-access=${token()}` };
    expect((await page().send(ME, {}, headers)).code).toBe('UNAUTHENTICATED');
    expect((await page().send('{ __typename }', {}, headers)).data).toEqual({ __typename: 'Query' });
    const reset = 'mutation { requestPasswordReset(email: "nobody@example.com") }';
    expect((await page().send(reset, {}, headers)).data).toEqual({ requestPasswordReset: true });
  });

  it.each([
    ['the access cookie', (own: Page) => `${own.cookie}; tidings-access=${own.jar.get('tidings-access')}`],
    ['the refresh cookie', (own: Page) => `tidings-refresh=x; ${own.cookie}`],
    ['one of them, empty,', (own: Page) => `tidings-access=;\t${own.cookie}`],
  ])('is ignored where %s is duplicated', async (_what, cookie) => {
    const own = await signedIn();
    const headers = { cookie: cookie(own) };
    expect((await own.send(ME, {}, headers)).code).toBe('UNAUTHENTICATED');
    const { code, set } = await own.send(REFRESH, {}, headers);
    expect([code, set]).toEqual(['UNAUTHENTICATED', []]);
    expect(await sessionRow(own.session)).toMatchObject({ generation: 1, ended_at: null });
  });

  it('is ignored in duplicate headers and beside an empty `Authorization`', async () => {
    const own = await signedIn();
    expect(await raw(own, {})).toContain(pages.ada.id);
    expect(await raw(own, { cookie: [own.cookie, own.cookie] })).toContain('UNAUTHENTICATED');
    expect(await raw(own, { authorization: '' })).toContain('UNAUTHENTICATED');
  });

  it('takes no extra statement', async () => {
    const own = await signedIn();
    expect(await fewestStatementsOf(() => own.send('{ __typename }'))).toEqual([]);
    expect(await fewestStatementsOf(() => own.send(ME))).toHaveLength(
      (await fewestStatementsOf(() => pages.ada.send(ME))).length,
    );
  });
});

describe('signing in with an existing cookie session', () => {
  it.each<[string, string, (own: Page & { session: string }) => void]>([
    ['again, by cookie', 'COOKIE', () => {}],
    ['again, by body', 'BODY', () => {}],
    [
      'when the access token has expired',
      'COOKIE',
      ({ jar, session }) => jar.set(SESSION_COOKIES[0]!, expired(pages.ada.id, session)),
    ],
    ['with the access cookie alone', 'COOKIE', ({ jar }) => jar.delete(SESSION_COOKIES[1]!)],
  ])('ends the previous session once: %s', async (_what, transport, change) => {
    const own = await signedIn();
    const socket = await own.socket();
    change(own);
    const since = await lastAudit();
    const { data, set } = await own.send(LOGIN, login({ transport }));
    expect((await socket.closed).code).toBe(4401);
    expect(await endOf(own.session)).toBe('REPLACED');
    expect(await endOf(data.login.session.id)).toBeNull();
    expect(await auditSince(since)).toEqual([
      { action: 'LOGIN', outcome: 'SUCCESS', details: { endedSessionIds: [own.session] } },
    ]);
    expect(set.map(({ name }) => name)).toEqual(SESSION_COOKIES);
    const now = transport === 'BODY' ? bearer(data.login.accessToken) : {};
    expect([own.jar.size, (await own.send(ME, {}, now)).data]).toEqual([
      transport === 'BODY' ? 0 : 2,
      { me: { id: pages.ada.id } },
    ]);
  });

  it('ends the session of another account too, by login and by register', async () => {
    const [own, user] = [await signedIn(), await tidings.current.asUser()];
    const second = await own.login(user.email);
    expect([await endOf(own.session), await endOf(second)]).toEqual(['REPLACED', null]);
    const input = { name: 'New', email: 'new@example.com', password: PASSWORD };
    const { set } = await own.send(REGISTER, { input });
    expect([await endOf(second), set]).toEqual(['REPLACED', CLEARED_COOKIES]);
  });

  it('succeeds concurrently for two sessions', async () => {
    const user = await tidings.current.asUser();
    const both = [await signedIn(), await signedIn(user)];
    const ids = await Promise.all(both.map((own, at) => own.login(at === 0 ? user.email : pages.ada.email)));
    expect(await Promise.all(both.map(({ session }) => endOf(session)))).toEqual(['REPLACED', 'REPLACED']);
    expect(await Promise.all(ids.map(endOf))).toEqual([null, null]);
  });

  it('ends no session when it fails or when the cookies are forged', async () => {
    const own = await signedIn();
    expect((await own.send(LOGIN, login({ password: 'not this one' }))).code).toBe('INVALID_CREDENTIALS');
    expect((await own.send(ME)).data).toEqual({ me: { id: pages.ada.id } });
    const refresh = own.jar.get('tidings-refresh')!;
    const forged = `${refresh.slice(0, -2)}${refresh.endsWith('AA') ? 'BA' : 'AA'}`;
    // Nor by tokens that crossed over, or that have expired with nothing beside them.
    for (const cookie of [
      `tidings-refresh=${forged}`,
      `tidings-access=${expired(pages.ada.id, own.session)}`,
      `tidings-access=${pages.ada.accessToken}; tidings-refresh=${pages.ada.refreshToken}`,
    ]) {
      expect((await page().send(LOGIN, login(), { cookie })).set.map(({ name }) => name)).toEqual(SESSION_COOKIES);
    }
    expect([await endOf(own.session), await endOf(pages.ada.sessionId)]).toEqual([null, null]);
  });
});

const ask = async (socket: RawSocket, document: string) => {
  socket.send({ type: 'subscribe', id: '1', payload: { query: document } });
  return (await socket.next('next')).payload;
};

describe('a socket with cookies', () => {
  let signed: Page;
  beforeAll(async () => {
    signed = await signedIn();
  });

  it('is signed in by the upgrade and closed with the session', async () => {
    const own = await signedIn();
    for (const payload of [undefined, {}, { theme: 'dark' }]) {
      const socket = await own.socket(payload);
      expect(await ask(socket, '{ me { id } }')).toEqual({ data: { me: { id: pages.ada.id } } });
      if (payload) await socket.close();
      else await own.send(REFRESH);
    }
    const socket = await own.socket();
    await own.send('mutation { logout }');
    expect((await socket.closed).code).toBe(4401);
  });

  it('closes when it signs its session out, and returns no credentials', async () => {
    const own = await signedIn();
    const socket = await own.socket();
    socket.send({ type: 'subscribe', id: '1', payload: { query: 'mutation { refresh { accessToken } }' } });
    expect((await socket.next('error')).payload[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    socket.send({ type: 'subscribe', id: '2', payload: { query: 'mutation { logout }' } });
    expect((await socket.closed).code).toBe(4401);
    expect(await endOf(own.session)).toBe('LOGOUT');
  });

  it('uses `authorization` of the payload without falling back to cookies', async () => {
    const [own, other] = [await signedIn(), await tidings.current.asUser()];
    const socket = await own.socket({ authorization: `Bearer ${other.accessToken}` });
    expect(await ask(socket, '{ me { id } }')).toEqual({ data: { me: { id: other.id } } });
    await socket.close();
    const access = own.jar.get('tidings-access');
    for (const authorization of ['', 'Bearer nonsense', `Bearer ${access}`, access, null, 5, {}]) {
      for (const key of ['authorization', 'Authorization'])
        expect((await (await own.connect({ [key]: authorization })).closed).code).toBe(4401);
    }
    // Nor does a cookie count beside the header, which is no way to sign a socket in.
    const beside = await RawSocket.open(own.url, { ...own.upgrade, authorization: `Bearer ${other.accessToken}` });
    beside.send({ type: 'connection_init' });
    expect((await beside.closed).code).toBe(4401);
  });

  it('is extended by a refresh of its page without a token', async () => {
    const own = await signedIn();
    const socket = await own.socket();
    const end = [...tidings.current.app.get(OpenSockets).of(pages.ada.id)].find(
      ({ credential }) => credential?.sessionId === own.session,
    )!;
    const [before, token] = [end.deadline, own.jar.get('tidings-access')];
    const connectedAt = Date.now();
    await until(() => Date.now() > connectedAt + 1_000, 'a later token expires later');
    await own.send(REFRESH);
    await until(() => end.deadline > before, 'the deadline had moved');
    const { errors } = await ask(socket, `mutation { renewConnection(accessToken: "${token}") }`);
    expect(errors[0].extensions.code).toBe('UNAUTHENTICATED');
    await socket.close();
  });

  it('with an expired cookie closes with 4403, and a stock client reconnects after the refresh', async () => {
    const own = await signedIn();
    own.jar.set('tidings-access', expired(pages.ada.id, own.session));
    expect((await (await own.connect()).closed).code).toBe(4403);
    const codes: number[] = [];
    const client = new SocketClient(own.url, undefined, {
      url: async () => {
        if (codes.length > 0) await own.send(REFRESH);
        return `${own.url.replace(/^http/, 'ws')}/graphql`;
      },
      webSocketImpl: webSocketOf(own),
      retryAttempts: 1,
      retryWait: () => Promise.resolve(),
      on: { closed: (event) => codes.push((event as CloseEvent).code) },
    });
    expect(await client.subscribe(ME).next()).toEqual({ data: { me: { id: pages.ada.id } } });
    expect(codes).toEqual([4403]);
    await client.close();
  });

  it.each([
    ['none', () => ''],
    ['the refresh cookie alone', (own: Page) => `tidings-refresh=${own.jar.get('tidings-refresh')}`],
    ['the refresh token as access token', (own: Page) => `tidings-access=${own.jar.get('tidings-refresh')}`],
    ['garbage', () => 'tidings-access=garbage'],
    ['the same cookie twice', (own: Page) => `${own.cookie}; ${own.cookie}`],
    ['a token of a session in bodies', () => `tidings-access=${pages.ada.accessToken}`],
    ['the other name', (own: Page) => own.cookie.replaceAll('tidings', '__Host-tidings')],
  ])('ignores incomplete or invalid cookies: %s', async (_what, cookie) => {
    const cookies = cookie(signed);
    const headers = { origin: tidings.current.url, ...(cookies ? { cookie: cookies } : {}) };
    const socket = await RawSocket.open(tidings.current.url, headers);
    socket.send({ type: 'connection_init' });
    expect((await socket.closed).code).toBe(4401);
  });
});
