// Sign-out with any valid token of a session, and the cookies when no token is valid.
import { connect } from 'node:net';
import { Role } from '../src/engine/access/role.js';
import { AccountBudget, OPERATIONS } from '../src/engine/limits/account-budget.js';
import { Gate } from '../src/engine/limits/gate.js';
import { MAX_MESSAGE_BYTES } from '../src/engine/limits/message-size.js';
import type { WorkBudget } from '../src/engine/limits/work-budget.js';
import { AccessTokens } from '../src/engine/sessions/access-tokens.js';
import { GraphqlClient, type Reply } from './support/graphql-client.js';
import { CLEARED_COOKIES, Page, usePages } from './support/page.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const ME = '{ me { id } }';
const LOGOUT = 'mutation ($t: String) { logout(refreshToken: $t) }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { refreshToken } }';
const RUBBISH = (sessionId: string) => `tr1.${sessionId}.1.${'A'.repeat(43)}`;

const tidings = useTidings(() => ({ env: { RATE_LIMITS: 'on' } }));
const pages = usePages(tidings);
const { query, signedIn, sessionRow } = pages;
/** What the gate lets callers spend. */
const budgets = () => tidings.current.app.get<Gate, Record<'accounts' | 'networks', WorkBudget>>(Gate);
const endOf = async (id: string) => (await sessionRow(id))['end_reason'];
const codeOf = ({ errors }: Reply) => errors?.[0]?.extensions.code;
const expired = (accountId: string, sessionId: string) =>
  tidings.current.app.get(AccessTokens).issue(accountId, sessionId, Role.EDITOR, new Date(Date.now() - 60_000)).token;
/** The same person, whose access token has expired. */
const late = ({ id, sessionId }: Person) => new GraphqlClient(tidings.current.url, expired(id, sessionId));
/** Makes the access cookie of a page one that has expired. */
async function age(own: Page & { session: string }): Promise<void> {
  own.jar.set('tidings-access', expired((await sessionRow(own.session))['account_id']!, own.session));
}

describe('logout with an expired access token', () => {
  it('ends the session, its sockets and tokens by the refresh token in the argument', async () => {
    const person = await tidings.current.asUser();
    const { closed } = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    expect((await late(person).send(LOGOUT, { t: person.refreshToken })).data).toEqual({ logout: true });
    expect(await closed).toMatchObject({ code: 4401 });
    expect(await endOf(person.sessionId)).toBe('LOGOUT');
    expect((await tidings.current.anonymous.error(REFRESH, { t: person.refreshToken })).extensions.code).toBe(
      'UNAUTHENTICATED',
    );
    const trail = await query('select action, outcome, actor_id, address from audit_entry where actor_id = $1', [
      person.id,
    ]);
    expect(trail).toEqual([{ action: 'LOGOUT', outcome: 'SUCCESS', actor_id: person.id, address: '127.0.0.1' }]);
  });

  it('ends the session by a refresh token alone, even a rotated one', async () => {
    const person = await tidings.current.asUser();
    await tidings.current.anonymous.data(REFRESH, { t: person.refreshToken });
    await query(`update session set rotated_at = rotated_at - interval '1 hour' where id = $1`, [person.sessionId]);
    expect(await tidings.current.anonymous.data(LOGOUT, { t: person.refreshToken })).toEqual({ logout: true });
    expect(await endOf(person.sessionId)).toBe('LOGOUT');
  });

  it('ends the session by the refresh cookie and clears both cookies', async () => {
    for (const access of ['expired', 'gone']) {
      const own = await signedIn();
      if (access === 'expired') await age(own);
      else own.jar.delete('tidings-access');
      const { data, set } = await own.send(LOGOUT);
      expect([data, set]).toEqual([{ logout: true }, CLEARED_COOKIES]);
      expect(await endOf(own.session)).toBe('LOGOUT');
    }
  });

  it('answers an error without any token and clears the access cookie', async () => {
    const own = await signedIn();
    await age(own);
    own.jar.delete('tidings-refresh');
    const { code, set } = await own.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED_COOKIES]);
    expect(codeOf(await tidings.current.anonymous.send(LOGOUT))).toBe('UNAUTHENTICATED');
    expect(await endOf(own.session)).toBeNull();
  });

  it('does not accept a token of the other transport', async () => {
    const [own, person] = [await signedIn(), await tidings.current.asUser()];
    const cookieToken = own.jar.get('tidings-refresh')!;
    expect(codeOf(await tidings.current.anonymous.send(LOGOUT, { t: cookieToken }))).toBe('UNAUTHENTICATED');
    const crossed = new Page(tidings.current.url);
    crossed.setSessionCookies('', person.refreshToken);
    const { code, set } = await crossed.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED_COOKIES]);
    expect([await endOf(own.session), await endOf(person.sessionId)]).toEqual([null, null]);
  });
});

describe('logout with a refresh token in the argument beside cookies', () => {
  it.each([
    ['whose access token has expired', (own: Page & { session: string }) => age(own)],
    ['without an access token', (own: Page) => void own.jar.delete('tidings-access')],
    [
      'without an access token, which are of another account than the page shows',
      (own: Page) => void own.jar.delete('tidings-access'),
      true,
    ],
  ])('ends the session of the argument and keeps the cookies: %s', async (_what, change, says = false) => {
    const [own, person] = [await signedIn(), await tidings.current.asUser()];
    await change(own);
    const headers: Record<string, string> = says ? { 'x-tidings-account': person.id } : {};
    const good = await own.send(LOGOUT, { t: person.refreshToken }, headers);
    expect([good.data, good.set]).toEqual([{ logout: true }, []]);
    const bad = await own.send(LOGOUT, { t: person.refreshToken }, headers);
    expect([bad.code, bad.set]).toEqual(['UNAUTHENTICATED', []]);
    expect([await endOf(person.sessionId), await endOf(own.session)]).toEqual(['LOGOUT', null]);
    expect((await own.send(REFRESH)).data.refresh).toEqual({ refreshToken: null });
  });

  it('ignores the argument and ends the cookie session while its access token is valid', async () => {
    const [own, person] = [await signedIn(), await tidings.current.asUser()];
    const { data, set } = await own.send(LOGOUT, { t: person.refreshToken });
    expect([data, set]).toEqual([{ logout: true }, CLEARED_COOKIES]);
    expect([await endOf(person.sessionId), await endOf(own.session)]).toEqual([null, 'LOGOUT']);
  });
});

it('logout with a valid access token ignores the argument', async () => {
  const [person, other] = [await tidings.current.asUser(), await tidings.current.asUser()];
  expect(await person.data(LOGOUT, { t: other.refreshToken })).toEqual({ logout: true });
  expect([await endOf(person.sessionId), await endOf(other.sessionId)]).toEqual(['LOGOUT', null]);
});

describe('logout clears the cookies when it answers an error', () => {
  it.each([
    ['has ended', `update session set ended_at = now(), end_reason = 'REVOKED' where id = $1`],
    ['was idle for too long', `update session set idle_expires_at = now() - interval '1 second' where id = $1`],
    ['is too old', `update session set expires_at = now() - interval '1 second' where id = $1`],
    ['was forgotten', `delete from session where id = $1`],
  ])('when the session %s', async (_what, sql) => {
    const own = await signedIn();
    await age(own);
    await query(sql, [own.session]);
    const { code, set } = await own.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED_COOKIES]);
  });

  it('keeps the session alive when the service fails', async () => {
    const own = await signedIn();
    await query('alter table audit_entry rename to audit_entry_away');
    try {
      const { code, set } = await own.send(LOGOUT);
      expect([code, set]).toEqual(['INTERNAL_SERVER_ERROR', CLEARED_COOKIES]);
    } finally {
      await query('alter table audit_entry_away rename to audit_entry');
    }
    expect(await endOf(own.session)).toBeNull();
  });

  it('never meets a rate limit while signed in', async () => {
    const own = await signedIn();
    const rubbish = RUBBISH(own.session);
    for (let at = 0; at < 60; at += 1) await tidings.current.anonymous.send(LOGOUT, { t: rubbish });
    await age(own);
    const limited = await own.send(LOGOUT);
    expect([limited.code, limited.set]).toEqual(['RATE_LIMITED', CLEARED_COOKIES]);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await endOf(own.session)).toBeNull();
    const { accessToken } = await tidings.current.signIn(pages.ada.id, pages.ada.email, own.url, 'COOKIE');
    own.setSessionCookies(accessToken!, rubbish);
    expect((await own.send(LOGOUT)).data).toEqual({ logout: true });
  });
});

describe('logout of an account that has spent its budget', () => {
  it.each<[string, (id: string) => unknown]>([
    ['of its operations', (id) => tidings.current.app.get(AccountBudget).operation(id, OPERATIONS.points)],
    ['of work', (id) => budgets().accounts.charge(id, 1e6)],
  ])('succeeds: %s', async (_what, exhaust) => {
    const person = await tidings.current.asUser();
    const [own, among, skipped] = [await signedIn(person), await signedIn(person), await signedIn(person)];
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    exhaust(person.id);
    expect((await own.send(ME)).code).toBe('RATE_LIMITED');
    expect((await skipped.send('mutation { logout @skip(if: true) }')).code).toBe('RATE_LIMITED');
    const refused = await among.send('mutation { logout again: logout }');
    expect([refused.code, refused.set]).toEqual(['RATE_LIMITED', CLEARED_COOKIES]);
    const { data, set } = await own.send(LOGOUT);
    expect([data, set]).toEqual([{ logout: true }, CLEARED_COOKIES]);
    socket.send({ type: 'subscribe', id: '1', payload: { query: LOGOUT } });
    expect(await socket.closed).toMatchObject({ code: 4401 });
    const ends = await Promise.all([own.session, person.sessionId, among.session].map(endOf));
    expect(ends).toEqual(['LOGOUT', 'LOGOUT', null]);
  });
});

it('logout from a network that is rate limited answers RATE_LIMITED and clears the cookies of its pages', async () => {
  const own = await signedIn();
  await age(own);
  const kept = new Map(own.jar);
  budgets().networks.charge('127.0.0.1', 1e6);
  try {
    const strange = await own.send(LOGOUT, {}, { origin: 'https://evil.example' });
    expect([strange.code, strange.set]).toEqual(['RATE_LIMITED', []]);
    expect(own.jar).toEqual(kept);
    const ours = await own.send(LOGOUT);
    expect([ours.code, ours.set]).toEqual(['RATE_LIMITED', CLEARED_COOKIES]);
  } finally {
    budgets().networks.charge('127.0.0.1', -1e6);
  }
  expect(await endOf(own.session)).toBeNull();
});

it('logout from a rate-limited network with X-Tidings-Account keeps the cookies, whose owner is not verified yet', async () => {
  const own = await signedIn();
  own.jar.delete('tidings-access');
  const other = await tidings.current.asUser();
  budgets().networks.charge('127.0.0.1', 1e6);
  try {
    for (const shown of [other.id, pages.ada.id]) {
      const refused = await own.send(LOGOUT, {}, { 'x-tidings-account': shown });
      expect([refused.code, refused.set]).toEqual(['RATE_LIMITED', []]);
    }
    const silent = await own.send(LOGOUT);
    expect([silent.code, silent.set]).toEqual(['RATE_LIMITED', CLEARED_COOKIES]);
  } finally {
    budgets().networks.charge('127.0.0.1', -1e6);
  }
  expect(await endOf(own.session)).toBeNull();
});

it('logout from a network with too many request bytes in memory is refused before the body is read and clears the cookies', async () => {
  const own = await signedIn();
  const kept = new Map(own.jar);
  const { hostname, port } = new URL(tidings.current.url);
  const announced = Array.from({ length: 8 }, () => connect(Number(port), hostname));
  for (const socket of announced) {
    socket.on('error', () => {});
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${MAX_MESSAGE_BYTES}\r\n\r\n`,
    );
  }
  const held = async () => {
    const metrics = await (await fetch(`${tidings.current.url}/metrics`)).text();
    return Number(/^tidings_request_body_bytes (\d+)$/m.exec(metrics)?.[1]);
  };
  try {
    await until(async () => (await held()) === 8 * MAX_MESSAGE_BYTES, 'their bodies were known');
    expect((await own.send(ME)).set).toEqual([]);
    const strange = await own.send(LOGOUT, {}, { origin: 'https://evil.example' });
    expect([strange.code, strange.set]).toEqual(['RATE_LIMITED', []]);
    expect(own.jar).toEqual(kept);
    const ours = await own.send(LOGOUT);
    expect([ours.code, ours.set]).toEqual(['RATE_LIMITED', CLEARED_COOKIES]);
  } finally {
    for (const socket of announced) socket.destroy();
    await until(async () => (await held()) === 0, 'they were forgotten');
  }
  expect(await endOf(own.session)).toBeNull();
});

describe('logout sent by a page of another origin', () => {
  it.each([
    ['without the header', { 'x-tidings-csrf': '' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from no origin', { origin: '' }],
  ])('is refused: %s', async (_what, headers) => {
    for (const valid of [true, false]) {
      const own = await signedIn();
      if (!valid) await age(own);
      const { code, set } = await own.send(LOGOUT, {}, headers);
      expect([code, set]).toEqual(['FORBIDDEN', []]);
      expect(await endOf(own.session)).toBeNull();
      expect((await own.send(REFRESH)).data.refresh).toEqual({ refreshToken: null });
    }
  });
});

it('logout over a socket ends the session of the socket', async () => {
  const person = await tidings.current.asUser();
  const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
  socket.send({ type: 'subscribe', id: '1', payload: { query: LOGOUT } });
  expect(await socket.closed).toMatchObject({ code: 4401 });
  expect(await endOf(person.sessionId)).toBe('LOGOUT');
  expect((await person.error(ME)).extensions.code).toBe('UNAUTHENTICATED');
});
