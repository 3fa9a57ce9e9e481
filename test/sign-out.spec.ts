// Signing out: whichever of a session's tokens is still good, and what becomes of the cookies when none is.
import { connect } from 'node:net';
import { Role } from '../src/engine/access/role.js';
import { AccountBudget, OPERATIONS } from '../src/engine/limits/account-budget.js';
import { Gate } from '../src/engine/limits/gate.js';
import { MAX_MESSAGE_BYTES } from '../src/engine/limits/message-size.js';
import type { WorkBudget } from '../src/engine/limits/work-budget.js';
import { AccessTokens } from '../src/engine/sessions/access-tokens.js';
import { GraphqlClient, type Reply } from './support/graphql-client.js';
import { CLEARED, Page, usePages } from './support/page.js';
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

describe('with an access token that has expired', () => {
  it('a refresh token in the argument ends the session, its sockets and its tokens', async () => {
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

  it('so does a refresh token alone, one that was rotated away included', async () => {
    const person = await tidings.current.asUser();
    await tidings.current.anonymous.data(REFRESH, { t: person.refreshToken });
    await query(`update session set rotated_at = rotated_at - interval '1 hour' where id = $1`, [person.sessionId]);
    expect(await tidings.current.anonymous.data(LOGOUT, { t: person.refreshToken })).toEqual({ logout: true });
    expect(await endOf(person.sessionId)).toBe('LOGOUT');
  });

  it('the refresh cookie ends the session, and both cookies go', async () => {
    for (const access of ['expired', 'gone']) {
      const own = await signedIn();
      if (access === 'expired') await age(own);
      else own.jar.delete('tidings-access');
      const { data, set } = await own.send(LOGOUT);
      expect([data, set]).toEqual([{ logout: true }, CLEARED]);
      expect(await endOf(own.session)).toBe('LOGOUT');
    }
  });

  it('no token is an error, which clears the access cookie all the same', async () => {
    const own = await signedIn();
    await age(own);
    own.jar.delete('tidings-refresh');
    const { code, set } = await own.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED]);
    expect(codeOf(await tidings.current.anonymous.send(LOGOUT))).toBe('UNAUTHENTICATED');
    expect(await endOf(own.session)).toBeNull();
  });

  it('tokens do not cross over: what is for scripts does not come in a cookie, nor the other way', async () => {
    const [own, person] = [await signedIn(), await tidings.current.asUser()];
    const cookieToken = own.jar.get('tidings-refresh')!;
    expect(codeOf(await tidings.current.anonymous.send(LOGOUT, { t: cookieToken }))).toBe('UNAUTHENTICATED');
    const crossed = new Page(tidings.current.url);
    crossed.keep('', person.refreshToken);
    const { code, set } = await crossed.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED]);
    expect([await endOf(own.session), await endOf(person.sessionId)]).toEqual([null, null]);
  });
});

it('a valid access token says which session ends, whatever the argument says', async () => {
  const [person, other] = [await tidings.current.asUser(), await tidings.current.asUser()];
  expect(await person.data(LOGOUT, { t: other.refreshToken })).toEqual({ logout: true });
  expect([await endOf(person.sessionId), await endOf(other.sessionId)]).toEqual(['LOGOUT', null]);
});

describe('the cookies go with an error too', () => {
  it.each([
    ['has ended', `update session set ended_at = now(), end_reason = 'REVOKED' where id = $1`],
    ['was idle for too long', `update session set idle_expires_at = now() - interval '1 second' where id = $1`],
    ['is too old', `update session set expires_at = now() - interval '1 second' where id = $1`],
    ['was forgotten', `delete from session where id = $1`],
  ])('of a session that %s', async (_what, sql) => {
    const own = await signedIn();
    await age(own);
    await query(sql, [own.session]);
    const { code, set } = await own.send(LOGOUT);
    expect([code, set]).toEqual(['UNAUTHENTICATED', CLEARED]);
  });

  it('of the service, which has not ended the session then', async () => {
    const own = await signedIn();
    await query('alter table audit_entry rename to audit_entry_away');
    try {
      const { code, set } = await own.send(LOGOUT);
      expect([code, set]).toEqual(['INTERNAL_SERVER_ERROR', CLEARED]);
    } finally {
      await query('alter table audit_entry_away rename to audit_entry');
    }
    expect(await endOf(own.session)).toBeNull();
  });

  it('of a limit, which nobody meets who is signed in', async () => {
    const own = await signedIn();
    const rubbish = RUBBISH(own.session);
    for (let at = 0; at < 60; at += 1) await tidings.current.anonymous.send(LOGOUT, { t: rubbish });
    await age(own);
    const limited = await own.send(LOGOUT);
    expect([limited.code, limited.set]).toEqual(['RATE_LIMITED', CLEARED]);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await endOf(own.session)).toBeNull();
    const { accessToken } = await tidings.current.signIn(pages.ada.id, pages.ada.email, own.url, 'COOKIE');
    own.keep(accessToken!, rubbish);
    expect((await own.send(LOGOUT)).data).toEqual({ logout: true });
  });
});

describe('an account that has asked for too much, whoever did so with its token', () => {
  it.each<[string, (id: string) => unknown]>([
    ['of its operations', (id) => tidings.current.app.get(AccountBudget).operation(id, OPERATIONS.points)],
    ['of work', (id) => budgets().accounts.charge(id, 1e6)],
  ])('signs out all the same: %s', async (_what, exhaust) => {
    const person = await tidings.current.asUser();
    const [own, among, skipped] = [await signedIn(person), await signedIn(person), await signedIn(person)];
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    exhaust(person.id);
    expect((await own.send(ME)).code).toBe('RATE_LIMITED');
    expect((await skipped.send('mutation { logout @skip(if: true) }')).code).toBe('RATE_LIMITED');
    const refused = await among.send('mutation { logout again: logout }');
    expect([refused.code, refused.set]).toEqual(['RATE_LIMITED', CLEARED]);
    const { data, set } = await own.send(LOGOUT);
    expect([data, set]).toEqual([{ logout: true }, CLEARED]);
    socket.send({ type: 'subscribe', id: '1', payload: { query: LOGOUT } });
    expect(await socket.closed).toMatchObject({ code: 4401 });
    const ends = await Promise.all([own.session, person.sessionId, among.session].map(endOf));
    expect(ends).toEqual(['LOGOUT', 'LOGOUT', null]);
  });
});

it('a network that has asked for too much is refused, and the cookies of our pages go', async () => {
  const own = await signedIn();
  await age(own);
  const kept = new Map(own.jar);
  budgets().networks.charge('127.0.0.1', 1e6);
  try {
    const strange = await own.send(LOGOUT, {}, { origin: 'https://evil.example' });
    expect([strange.code, strange.set]).toEqual(['RATE_LIMITED', []]);
    expect(own.jar).toEqual(kept);
    const ours = await own.send(LOGOUT);
    expect([ours.code, ours.set]).toEqual(['RATE_LIMITED', CLEARED]);
  } finally {
    budgets().networks.charge('127.0.0.1', -1e6);
  }
  expect(await endOf(own.session)).toBeNull();
});

it('a network whose request bodies take too much memory is refused before its body is read, and the cookies of our pages go', async () => {
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
    expect([ours.code, ours.set]).toEqual(['RATE_LIMITED', CLEARED]);
  } finally {
    for (const socket of announced) socket.destroy();
    await until(async () => (await held()) === 0, 'they were forgotten');
  }
  expect(await endOf(own.session)).toBeNull();
});

describe('a page that is not ours', () => {
  it.each([
    ['without the header', { 'x-tidings-csrf': '' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from no origin', { origin: '' }],
  ])('signs nobody out: %s', async (_what, headers) => {
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

it('over a socket it ends the session of the socket, as ever', async () => {
  const person = await tidings.current.asUser();
  const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
  socket.send({ type: 'subscribe', id: '1', payload: { query: LOGOUT } });
  expect(await socket.closed).toMatchObject({ code: 4401 });
  expect(await endOf(person.sessionId)).toBe('LOGOUT');
  expect((await person.error(ME)).extensions.code).toBe('UNAUTHENTICATED');
});
