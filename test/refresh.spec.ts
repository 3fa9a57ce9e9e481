// Refresh tokens: each is exchanged once, its predecessor stays valid for a short reuse window, and older tokens end
// the session.
import { randomUUID } from 'node:crypto';
import { RefreshTokens } from '../src/engine/sessions/refresh-tokens.js';
import type { Reply } from './support/graphql-client.js';
import { Page } from './support/page.js';
import { fewestStatementsOf, statementsOf } from './support/statements.js';
import { startTcpProxy } from './support/tcp-proxy.js';
import { type Person, SECRET, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const query = (sql: string, parameters: unknown[] = []) =>
  tidings.current.database.query<Record<string, string>>(sql, parameters);

const REFRESH = `mutation ($t: String) { refresh(refreshToken: $t) {
  accessToken refreshToken accessTokenExpiresAt user { id email } session { id current } } }`;

const refresh = (token: string, at = tidings.current): Promise<Reply> => at.anonymous.send(REFRESH, { t: token });
const refreshed = async (token: string, at = tidings.current) =>
  (await at.anonymous.data(REFRESH, { t: token })).refresh;
const refusal = async (token: string, at = tidings.current) =>
  (await at.anonymous.error(REFRESH, { t: token })).extensions;
const rowOf = async ({ sessionId }: Person) => (await query('select * from session where id = $1', [sessionId]))[0]!;
const endings = async ({ id }: Person) =>
  query(`select facts from event where resource_id = $1 and kind = 'SESSIONS_ENDED'`, [id]);

const WAITING = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

/** The token with one part of it changed. */
function altered(token: string, part: number, change: (text: string) => string): string {
  return token
    .split('.')
    .map((text, at) => (at === part ? change(text) : text))
    .join('.');
}

/** The last rotation, as if it had been `ms` earlier. */
const ageRotation = ({ sessionId }: Person, ms: number) =>
  query(`update session set rotated_at = rotated_at - $2 * interval '1 ms' where id = $1`, [sessionId, ms]);

/** Whether `person` can neither use nor renew the session, and the log said so once. */
async function expectEnded(person: Person, reason: string): Promise<void> {
  expect((await person.error('{ me { id } }')).extensions.code).toBe('UNAUTHENTICATED');
  expect(await rowOf(person)).toMatchObject({ end_reason: reason });
  expect(await endings(person)).toEqual([{ facts: { reason, sessionIds: [person.sessionId] } }]);
}

describe('a refresh token', () => {
  it('is exchanged for new tokens of the same session', async () => {
    const user = await tidings.current.asUser();
    const next = await refreshed(user.refreshToken);
    expect(next.session).toEqual({ id: user.sessionId, current: true });
    expect(next.user).toEqual({ id: user.id, email: user.email });
    expect(next.refreshToken).not.toBe(user.refreshToken);
    expect(next.accessToken).not.toBe(user.accessToken);
    expect((await refreshed(next.refreshToken)).session.id).toBe(user.sessionId);
    expect(await user.data('{ me { id } }')).toEqual({ me: { id: user.id } });
  });

  it('returns the same result again within the reuse window', async () => {
    const user = await tidings.current.asUser();
    const first = await refreshed(user.refreshToken);
    const second = await refreshed(user.refreshToken);
    expect([second.refreshToken, second.session.id]).toEqual([first.refreshToken, user.sessionId]);
    expect((await rowOf(user))['generation']).toBe(2);
  });

  it.each([
    ['in the body', 'BODY'],
    ['in a cookie', 'COOKIE'],
  ] as const)(
    'sent %s whose reply was lost with the connection returns the same result again',
    async (_way, transport) => {
      const { app, url, database } = tidings.current;
      const { id, email } = await tidings.current.asUser();
      const user = await tidings.current.signIn(id, email, url, transport);
      const proxy = await startTcpProxy(Number(new URL(url).port));
      const page = new Page(`http://127.0.0.1:${proxy.port}`, url);
      if (transport === 'COOKIE') page.setSessionCookies(user.accessToken!, user.refreshToken);
      const send = () => page.send(REFRESH, transport === 'BODY' ? { t: user.refreshToken } : {});
      // Held up at the account's row until nothing gets back any more, then committed, then cut off.
      await database.query('begin');
      await database.query('select 1 from account where id = $1 for no key update', [id]);
      const lost = send();
      await until(async () => (await query(WAITING)).length > 0, 'the refresh waits for the account');
      proxy.blackhole();
      await database.query('commit');
      await until(async () => Number((await rowOf(user))['generation']) === 2, 'the refresh is committed');
      proxy.cut();
      await expect(lost).rejects.toMatchObject({ code: 'ECONNRESET' });
      proxy.open();
      const { data, set } = await send();
      const given = transport === 'BODY' ? data.refresh.refreshToken : set[1]?.value;
      const row = await rowOf(user);
      expect(row).toMatchObject({ generation: 2, ended_at: null });
      expect(given).toBe(app.get(RefreshTokens).make(user.sessionId, 2, row['seed'] as unknown as Buffer));
      expect(await endings(user)).toEqual([]);
      // And that is the present one.
      const next = await page.send(REFRESH, transport === 'BODY' ? { t: given } : {});
      expect(next.data.refresh.session.id).toBe(user.sessionId);
      expect(await rowOf(user)).toMatchObject({ generation: 3, ended_at: null });
      await proxy.stop();
    },
  );

  it('is exchanged once by 50 concurrent requests with equal results', async () => {
    const user = await tidings.current.asUser();
    const replies = await Promise.all(Array.from({ length: 50 }, () => refreshed(user.refreshToken)));
    expect(new Set(replies.map((reply) => reply.refreshToken)).size).toBe(1);
    expect(new Set(replies.map((reply) => reply.session.id))).toEqual(new Set([user.sessionId]));
    expect(await rowOf(user)).toMatchObject({ generation: 2, ended_at: null });
  });

  it('reused after the reuse window is theft and ends the session once', async () => {
    const user = await tidings.current.asUser();
    const next = await refreshed(user.refreshToken);
    await ageRotation(user, 10_001);
    const replies = await Promise.all(Array.from({ length: 10 }, () => refresh(user.refreshToken)));
    const codes = replies.map(({ errors }) => errors?.[0]?.extensions.code ?? 'none').toSorted();
    expect(codes).toEqual(['REFRESH_TOKEN_REUSED', ...Array.from({ length: 9 }, () => 'UNAUTHENTICATED')]);
    await expectEnded(user, 'TOKEN_REUSED');
    expect(await refusal(next.refreshToken)).toEqual({ code: 'UNAUTHENTICATED' });
  });

  it('has a reuse window that further uses do not extend', async () => {
    const user = await tidings.current.asUser();
    await refreshed(user.refreshToken);
    await ageRotation(user, 6_000);
    await refreshed(user.refreshToken);
    await ageRotation(user, 6_000);
    expect(await refusal(user.refreshToken)).toEqual({ code: 'REFRESH_TOKEN_REUSED' });
  });

  it('older than the previous one is theft at once', async () => {
    const user = await tidings.current.asUser();
    const second = await refreshed(user.refreshToken);
    await refreshed(second.refreshToken);
    expect(await refusal(user.refreshToken)).toEqual({ code: 'REFRESH_TOKEN_REUSED' });
    await expectEnded(user, 'TOKEN_REUSED');
  });

  it('judged stolen ends no other session of the account', async () => {
    const user = await tidings.current.asUser();
    const other = await tidings.current.signIn(user.id, user.email);
    await refreshed(user.refreshToken);
    await ageRotation(user, 60_000);
    await refusal(user.refreshToken);
    expect(await other.data('{ me { id } }')).toEqual({ me: { id: user.id } });
  });

  it.each([
    ['nothing', () => ''],
    ['garbage', () => 'tr1.garbage'],
    ['another MAC', (token: string) => altered(token, 3, (mac) => (mac.startsWith('A') ? 'B' : 'A') + mac.slice(1))],
    [
      'another spelling of its MAC',
      (token: string) => token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1),
    ],
    ['a shorter MAC', (token: string) => token.slice(0, -1)],
    ['a later generation', (token: string) => altered(token, 2, () => '2')],
    ['generation 0', (token: string) => altered(token, 2, () => '0')],
    ['a generation beyond integers', (token: string) => altered(token, 2, () => '9999999999')],
    ['a session that is not there', (token: string) => altered(token, 1, () => randomUUID())],
    ['the session in capitals', (token: string) => altered(token, 1, (id) => id.toUpperCase())],
    ['another version', (token: string) => altered(token, 0, () => 'tr2')],
    ['something after it', (token: string) => `${token}\n`],
    ['SQL', (token: string) => altered(token, 1, () => "' or true --")],
  ])('with %s is refused without changes', async (_what, change) => {
    const user = await tidings.current.asUser();
    const before = await rowOf(user);
    expect(await refusal(change(user.refreshToken))).toEqual({ code: 'UNAUTHENTICATED' });
    expect(await rowOf(user)).toEqual(before);
    await refreshed(user.refreshToken);
  });

  it('with the id of another session is refused', async () => {
    const [user, other] = [await tidings.current.asUser(), await tidings.current.asUser()];
    const own = await tidings.current.signIn(user.id, user.email);
    for (const victim of [other, own]) {
      const before = await rowOf(victim);
      expect(await refusal(altered(user.refreshToken, 1, () => victim.sessionId))).toEqual({ code: 'UNAUTHENTICATED' });
      expect(await rowOf(victim)).toEqual(before);
    }
  });

  it('is not an access token, nor an access token a refresh token', async () => {
    const user = await tidings.current.asUser();
    expect(await refusal(user.accessToken!.slice(0, 512))).toEqual({ code: 'UNAUTHENTICATED' });
    const bearer = { authorization: `Bearer ${user.refreshToken}` };
    const { errors } = await tidings.current.anonymous.send('{ me { id } }', {}, bearer);
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  it('is required and bounded in length', async () => {
    expect(await refusal(null as unknown as string)).toEqual({ code: 'UNAUTHENTICATED' });
    expect(await refusal('x'.repeat(100_000))).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'refreshToken' }],
    });
  });

  it.each([
    ['was unused for too long', `update session set idle_expires_at = now() where id = $1`],
    ['is too old', `update session set expires_at = now() where id = $1`],
    ['has ended', `update session set ended_at = now(), end_reason = 'LOGOUT' where id = $1`],
    [
      'belongs to a disabled account',
      `update account set disabled_at = now() where id = (select account_id from session where id = $1)`,
    ],
  ])('is refused when its session %s, the current and the previous generation alike', async (_what, change) => {
    const user = await tidings.current.asUser();
    const next = await refreshed(user.refreshToken);
    await query(change, [user.sessionId]);
    const before = await rowOf(user);
    for (const token of [next.refreshToken, user.refreshToken])
      expect(await refusal(token)).toEqual({ code: 'UNAUTHENTICATED' });
    await ageRotation(user, 60_000);
    expect(await refusal(user.refreshToken)).toEqual({ code: 'UNAUTHENTICATED' });
    expect(await rowOf(user)).toMatchObject({ generation: before['generation'], ended_at: before['ended_at'] });
    expect(await endings(user)).toEqual([]);
  });

  it('extends the idle time-out, never the maximum age', async () => {
    const user = await tidings.current.asUser();
    await query(`update session set idle_expires_at = now() + '1 hour', expires_at = now() + '1 day' where id = $1`, [
      user.sessionId,
    ]);
    await refreshed(user.refreshToken);
    const [row] = await query('select idle_expires_at = expires_at as capped from session where id = $1', [
      user.sessionId,
    ]);
    expect(row).toEqual({ capped: true });
  });

  it('returns no access token that outlives the session', async () => {
    const user = await tidings.current.asUser();
    await query(`update session set expires_at = now() + '5 min' where id = $1`, [user.sessionId]);
    const { accessTokenExpiresAt } = await refreshed(user.refreshToken);
    expect(Date.parse(accessTokenExpiresAt) - Date.now()).toBeLessThan(301_000);
  });

  it.each([
    ['ended', `update session set ended_at = now(), end_reason = 'LOGOUT' where id = $1`, 'UNAUTHENTICATED'],
    [
      'belongs to an account then disabled',
      `update account set disabled_at = now() where id = (select account_id from session where id = $1)`,
      'UNAUTHENTICATED',
    ],
    ['was rotated twice', `update session set generation = 3 where id = $1`, 'REFRESH_TOKEN_REUSED'],
  ])(
    'waits for the lock of the account and judges the committed state: a session that %s',
    async (_what, change, code) => {
      const user = await tidings.current.asUser();
      await query('begin');
      await query('select 1 from account where id = $1 for no key update', [user.id]);
      const waiting = refusal(user.refreshToken);
      await until(async () => (await query(WAITING)).length > 0, 'the refresh waits for the account');
      await query(change, [user.sessionId]);
      const { generation } = await rowOf(user);
      await query('commit');
      expect(await waiting).toEqual({ code });
      expect((await rowOf(user))['generation']).toBe(generation);
    },
  );

  it('takes one statement, which locks, judges and rotates, and one more at an instance that did not rotate it last', async () => {
    let { refreshToken } = await tidings.current.asUser();
    const sent = await fewestStatementsOf(async () => {
      ({ refreshToken } = await refreshed(refreshToken));
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatch(/from rotate_session_v1\(/);
    const { refreshToken: first } = await tidings.current.asUser();
    const both = await statementsOf(() => refreshed(first));
    expect(both.filter((sql) => /session/.test(sql))).toEqual([expect.stringMatching(/^select account_id/), sent[0]]);
  });

  it('is refused after its session was deleted elsewhere, by the instance that rotated it last', async () => {
    const user = await tidings.current.asUser();
    const { refreshToken } = await refreshed(user.refreshToken);
    await query('delete from session where id = $1', [user.sessionId]);
    expect(await refusal(refreshToken, tidings.current)).toEqual({ code: 'UNAUTHENTICATED' });
  });

  it('is not stored in the database', async () => {
    const user = await tidings.current.asUser();
    const mac = user.refreshToken.split('.')[3]!;
    const [row] = await query('select session::text || encode(seed, $2) as all from session where id = $1', [
      user.sessionId,
      'base64',
    ]);
    expect(row!['all']).toContain(user.sessionId);
    expect(row!['all']).not.toContain(mac);
    expect(row!['all']).not.toContain(Buffer.from(mac, 'base64url').toString('hex'));
  });
});

describe('refresh on another instance', () => {
  const secrets = [Buffer.alloc(32, 'the secret after the first one..').toString('base64'), SECRET].join(',');
  let strict: TestTidings;
  let brief: TestTidings;

  beforeAll(async () => {
    const { database } = tidings.current;
    strict = await TestTidings.start({ database, env: { REFRESH_REUSE_WINDOW: '0', APP_SECRET: secrets } });
    brief = await TestTidings.start({ database, env: { ACCESS_TOKEN_TTL: '10m', SESSION_IDLE_TTL: '30s' } });
  });
  afterAll(() => Promise.all([strict.stop(), brief.stop()]));

  it('judges a second use theft at once with REFRESH_REUSE_WINDOW=0', async () => {
    for (let round = 0; round < 10; round += 1) {
      const user = await strict.asUser();
      const replies = await Promise.all([1, 2].map(() => refresh(user.refreshToken, strict)));
      const codes = replies.map(({ errors }) => errors?.[0]?.extensions.code ?? 'none').toSorted();
      expect(codes).toEqual(['REFRESH_TOKEN_REUSED', 'none']);
      expect(await rowOf(user)).toMatchObject({ generation: 2, end_reason: 'TOKEN_REUSED' });
    }
  });

  it('accepts a token of the previous APP_SECRET and answers with one of the current', async () => {
    const user = await tidings.current.asUser();
    const next = await refreshed(user.refreshToken, strict);
    expect(await refusal(next.refreshToken, tidings.current)).toEqual({ code: 'UNAUTHENTICATED' });
    expect((await refreshed(next.refreshToken, strict)).session.id).toBe(user.sessionId);
  });

  it('limits access tokens to the idle lifetime of the session', async () => {
    const user = await brief.asUser();
    const { accessTokenExpiresAt } = await refreshed(user.refreshToken, brief);
    expect(Date.parse(accessTokenExpiresAt) - Date.now()).toBeLessThan(31_000);
  });
});
