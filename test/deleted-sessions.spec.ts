// Deletion of ended sessions: clients cannot tell deleted sessions from ended ones, no request waits for the deletion,
// and deleted sessions stay unusable.
import { randomUUID } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { EventRetention, type Pruning } from '../src/engine/events/retention.js';
import { SessionRetention } from '../src/engine/sessions/session.retention.js';
import { Page } from './support/page.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const query = (sql: string, parameters: unknown[] = []) =>
  tidings.current.database.query<Record<string, unknown>>(sql, parameters);

const REFRESH = `mutation ($t: String) { refresh(refreshToken: $t) { refreshToken session { id } } }`;
const SESSIONS = '{ sessions { id } }';

const refreshed = async (token: string) => (await tidings.current.anonymous.data(REFRESH, { t: token })).refresh;
const refusal = async (token: string) => tidings.current.anonymous.error(REFRESH, { t: token });
const sweep = () => tidings.current.app.get(EventRetention).sweep();
const isThere = async ({ sessionId }: Person) =>
  (await query('select 1 from session where id = $1', [sessionId])).length > 0;
/** As if it had ended, or fallen idle, so long ago. */
const endedAgo = ({ sessionId }: Person, days: number) =>
  query(`update session set ended_at = now() - $2 * interval '1 day', end_reason = 'LOGOUT' where id = $1`, [
    sessionId,
    days,
  ]);
const idleSince = ({ sessionId }: Person, days: number) =>
  query(`update session set idle_expires_at = now() - $2 * interval '1 day' where id = $1`, [sessionId, days]);
/** What theft leaves behind. */
const traces = async ({ id }: Person) => [
  await query('select kind from event where resource_id = $1', [id]),
  await query('select action from audit_entry where subject_id = $1', [id]),
];

describe('a refresh token of a deleted session', () => {
  it.each([
    ['ended', endedAgo],
    ['fell idle', idleSince],
  ])('is refused like one that never existed when the session %s', async (_how, over) => {
    const person = await tidings.current.asUser();
    const other = await tidings.current.signIn(person.id, person.email);
    const { refreshToken: present } = await refreshed(person.refreshToken);
    await query(`update session set rotated_at = rotated_at - interval '1 hour' where id = $1`, [person.sessionId]);
    await over(person, 31);
    const unknown = await refusal(person.refreshToken.replace(person.sessionId, randomUUID()));
    const before = [await refusal(person.refreshToken), await refusal(present)];
    await sweep();
    expect(await isThere(person)).toBe(false);
    const after = [await refusal(person.refreshToken), await refusal(present)];
    for (const { message, extensions } of [...before, ...after]) {
      expect({ message, extensions }).toEqual({ message: unknown.message, extensions: { code: 'UNAUTHENTICATED' } });
    }
    expect((await person.error(SESSIONS)).extensions.code).toBe('UNAUTHENTICATED');
    expect(await isThere(person)).toBe(false);
    expect(await traces(person)).toEqual([[], []]);
    expect(await other.data(SESSIONS)).toEqual({ sessions: [{ id: other.sessionId }] });
  });

  it('is refused when the session is deleted concurrently', async () => {
    const person = await tidings.current.asUser();
    await idleSince(person, 31);
    // Held up where the session has been read and the account is to be locked.
    await query('begin');
    await query('select 1 from account where id = $1 for no key update', [person.id]);
    const pending = refusal(person.refreshToken);
    await until(async () => (await tidings.current.database.waiting()) > 0, 'the refresh waits for the account');
    await sweep();
    await query('commit');
    expect((await pending).extensions).toEqual({ code: 'UNAUTHENTICATED' });
    expect(await isThere(person)).toBe(false);
  });

  it('in a cookie does not prevent signing in', async () => {
    const { id, email } = await tidings.current.asUser();
    const person = await tidings.current.signIn(id, email, tidings.current.url, 'COOKIE');
    const page = new Page(tidings.current.url, tidings.current.url);
    page.setSessionCookies(person.accessToken!, person.refreshToken);
    await endedAgo(person, 31);
    await sweep();
    expect(await isThere(person)).toBe(false);
    expect((await page.send(SESSIONS)).code).toBe('UNAUTHENTICATED');
    const next = await page.login(email);
    expect((await page.send(SESSIONS)).data.sessions).toContainEqual({ id: next });
  });
});

describe('a live session', () => {
  it('is used, listed, refreshed and theft-checked after the deletion of old rows', async () => {
    const person = await tidings.current.asUser();
    await query(
      `update session set created_at = now() - interval '400 days', last_used_at = created_at, expires_at = now() + interval '1 hour',
              idle_expires_at = now() + interval '1 hour' where id = $1`,
      [person.sessionId],
    );
    await sweep();
    expect(await person.data(SESSIONS)).toEqual({ sessions: [{ id: person.sessionId }] });
    expect((await refreshed(person.refreshToken)).session).toEqual({ id: person.sessionId });
    await query(`update session set rotated_at = rotated_at - interval '1 hour' where id = $1`, [person.sessionId]);
    await sweep();
    expect((await refusal(person.refreshToken)).extensions.code).toBe('REFRESH_TOKEN_REUSED');
    await sweep();
    expect(await isThere(person)).toBe(true);
  });
});

describe('an account whose old rows are being deleted', () => {
  it('signs in, refreshes and ends sessions without waiting', async () => {
    const person = await tidings.current.asUser();
    const old = await tidings.current.signIn(person.id, person.email);
    await endedAgo(old, 31);
    const prunings: Pruning[] = [];
    const added: Pick<EventRetention, 'add'> = { add: (pruning) => prunings.push(pruning) };
    new SessionRetention(added as EventRetention).onModuleInit();
    await tidings.current.app
      .get(MikroORM)
      .em.fork()
      .transactional(async (em) => {
        for (const pruning of prunings) await pruning(em, 100);
        // Nothing is committed yet: whoever needed what is deleted here would wait for ever.
        const next = await tidings.current.login(person);
        expect((await refreshed(person.refreshToken)).session).toEqual({ id: person.sessionId });
        expect((await refusal(old.refreshToken)).extensions.code).toBe('UNAUTHENTICATED');
        expect(await next.data('mutation { logoutEverywhere }')).toEqual({ logoutEverywhere: 2 });
      });
    expect(await isThere(old)).toBe(false);
  });
});
