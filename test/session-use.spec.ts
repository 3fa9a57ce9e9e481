// What an account sees of its sessions while they are used.
import { SessionUse } from '../src/engine/sessions/session-use.js';
import { statementsOf } from './support/statements.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const SESSIONS = '{ sessions { id lastUsedAt openSockets { address since } } }';

/** The log is looked at once a second whether or not anybody asks; its events name sessions too. */
const ON_SESSIONS = /(from|join|update|into) "?session\b/;

const write = () => tidings.current.app.get(SessionUse).write();

async function age(person: Person): Promise<void> {
  await tidings.current.database.query(`update session set last_used_at = now() - interval '1 hour' where id = $1`, [
    person.sessionId,
  ]);
}

async function minutesAgo(person: Person): Promise<number> {
  const [row] = await tidings.current.database.query<{ age: number }>(
    'select (extract(epoch from now() - last_used_at) / 60)::float8 as age from session where id = $1',
    [person.sessionId],
  );
  return row!.age;
}

describe('when a session was last used', () => {
  it('is moved by a request, and only of the session that made it', async () => {
    const [user, idle] = [await tidings.current.asUser(), await tidings.current.asUser()];
    await write();
    await Promise.all([age(user), age(idle)]);
    await user.data('{ me { id } }');
    await write();
    expect(await minutesAgo(user)).toBeLessThan(1);
    expect(await minutesAgo(idle)).toBeGreaterThan(59);
    const { sessions } = await user.data(SESSIONS);
    expect(Date.now() - Date.parse(sessions[0].lastUsedAt)).toBeLessThan(60_000);
  });

  it('is moved by a socket that is open, even if it says nothing', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    await write();
    await age(user);
    await write();
    expect(await minutesAgo(user)).toBeLessThan(1);
    await socket.close();
  });

  it('costs no request a statement, and all of them one a minute', async () => {
    const people = await Promise.all([tidings.current.asUser(), tidings.current.asUser(), tidings.current.asUser()]);
    await Promise.all(people.map((person) => person.data('{ __typename }')));
    const ofRequests = await statementsOf(async () => {
      for (let at = 0; at < 50; at += 1) await Promise.all(people.map((person) => person.data('{ __typename }')));
    });
    expect(ofRequests.filter((sql) => ON_SESSIONS.test(sql))).toEqual([]);
    const ofWriting = await statementsOf(write);
    expect(ofWriting.filter((sql) => sql.includes('update session'))).toHaveLength(1);
    expect((await statementsOf(write)).filter((sql) => ON_SESSIONS.test(sql))).toEqual([]);
  });

  it('never goes back, and waits for nobody who holds the session', async () => {
    const user = await tidings.current.asUser();
    await write();
    await user.data('{ me { id } }');
    await tidings.current.database.query(`update session set last_used_at = now() + interval '1 hour' where id = $1`, [
      user.sessionId,
    ]);
    await write();
    expect(await minutesAgo(user)).toBeLessThan(-59);
    await age(user);
    await user.data('{ me { id } }');
    await tidings.current.database.query('begin');
    await tidings.current.database.query('select 1 from session where id = $1 for update', [user.sessionId]);
    try {
      await write();
    } finally {
      await tidings.current.database.query('rollback');
    }
    expect(await minutesAgo(user)).toBeGreaterThan(59);
  });

  it('is kept when the database is away, and written later', async () => {
    const user = await tidings.current.asUser();
    await write();
    await age(user);
    await user.data('{ me { id } }');
    await tidings.current.database.query('alter table session rename to session_gone');
    try {
      await write();
    } finally {
      await tidings.current.database.query('alter table session_gone rename to session');
    }
    await write();
    expect(await minutesAgo(user)).toBeLessThan(1);
  });
});

describe('the open sockets of a session', () => {
  it('are shown while they are open, each with its address and since when', async () => {
    const user = await tidings.current.asUser();
    const other = await tidings.current.signIn(user.id, user.email);
    expect(
      (await user.data(SESSIONS)).sessions.map((session: { openSockets: unknown[] }) => session.openSockets),
    ).toEqual([[], []]);
    const began = Date.now();
    const [first, second] = [
      await RawSocket.signedIn(tidings.current.url, user.accessToken!),
      await RawSocket.signedIn(tidings.current.url, user.accessToken!),
    ];
    const shown = async (id: string) =>
      (await other.data(SESSIONS)).sessions.find((session: { id: string }) => session.id === id).openSockets;
    const sockets = await shown(user.sessionId);
    expect(sockets).toHaveLength(2);
    for (const { address, since } of sockets) {
      expect(address).toBe('127.0.0.1');
      expect(Date.parse(since)).toBeGreaterThanOrEqual(began);
    }
    expect(await shown(other.sessionId)).toEqual([]);
    await first.close();
    await until(async () => (await shown(user.sessionId)).length === 1, 'one socket was left');
    await other.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: user.sessionId });
    expect(await second.closed).toMatchObject({ code: 4401 });
    await until(() => tidings.current.app.get(SessionUse).socketsOf(user.sessionId).length === 0, 'none was left');
  });

  it('are those that have signed in', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    await socket.closed;
    expect((await user.data(SESSIONS)).sessions[0].openSockets).toEqual([]);
  });
});
