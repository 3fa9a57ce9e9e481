// Last use and connections of an account's sessions, whichever instance holds their sockets.
import { InstanceRegistry } from '../src/engine/instances/instance-registry.js';
import { SessionUse } from '../src/engine/sessions/session-use.js';
import { statementsOf } from './support/statements.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const SESSIONS = '{ sessions { id lastUsedAt openSockets { address since } } }';

/** The log is looked at once a second whether or not anybody asks; its events name sessions too. */
const ON_SESSIONS = /(from|join|update|into) "?session\b/;

const query = (sql: string, parameters: unknown[] = []) => tidings.current.database.query(sql, parameters);
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

describe('lastUsedAt of a session', () => {
  it('is moved by a request of that session only', async () => {
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

  it('is moved by an open socket without messages', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    await write();
    await age(user);
    await write();
    expect(await minutesAgo(user)).toBeLessThan(1);
    await socket.close();
  });

  it('takes no statement per request and one per minute for all', async () => {
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

  it('never goes back and does not wait for a locked session', async () => {
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

  it('is kept while the database is away and written later', async () => {
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

describe('connections of a session', () => {
  it('are listed while open, with address and time', async () => {
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
      // Clocks of two processes, read at different moments: not to the millisecond.
      expect(Math.abs(Date.parse(since) - began)).toBeLessThan(10_000);
    }
    expect(await shown(other.sessionId)).toEqual([]);
    await first.close();
    await until(async () => (await shown(user.sessionId)).length === 1, 'one socket was left');
    await other.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: user.sessionId });
    expect(await second.closed).toMatchObject({ code: 4401 });
    await until(
      () => [...tidings.current.app.get(InstanceRegistry).here('session sockets')].length === 0,
      'none was left',
    );
  });

  it('include only sockets that signed in', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    await socket.closed;
    expect((await user.data(SESSIONS)).sessions[0].openSockets).toEqual([]);
  });
});

describe('connections of a session on another instance', () => {
  let other: TestTidings;
  let user: Person;
  const shown = async (): Promise<{ address: string; since: string }[]> =>
    (await user.data(SESSIONS)).sessions[0].openSockets;
  const openThere = () => RawSocket.signedIn(other.url, user.accessToken!);
  const registry = () => other.app.get(InstanceRegistry);
  const announced = async () => (await query('select 1 from node_entry where key = $1', [user.sessionId])).length;

  beforeAll(async () => {
    other = await TestTidings.start({ database: tidings.current.database });
  });
  afterAll(() => other.stop());
  beforeEach(async () => {
    user = await tidings.current.asUser();
  });

  it('are listed with local ones, oldest first, and removed when they close', async () => {
    const began = Date.now();
    const there = await openThere();
    await until(async () => (await shown()).length === 1, 'the other instance told of its socket');
    const here = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    const sockets = await shown();
    expect(sockets.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1']);
    const [first, second] = sockets.map(({ since }) => Date.parse(since));
    expect(first).toBeGreaterThanOrEqual(began - 1_000);
    expect(second).toBeGreaterThanOrEqual(first!);
    await there.close();
    await until(async () => (await shown()).length === 1, 'it was told that the socket is gone');
    await here.close();
    expect(await shown()).toEqual([]);
  });

  it('are announced in batches without delaying a connection', async () => {
    await (await openThere()).close();
    let sockets: RawSocket[] = [];
    const sent = await statementsOf(async () => {
      sockets = await Promise.all(Array.from({ length: 60 }, openThere));
      await until(async () => (await announced()) === 60, 'all were announced');
    });
    expect(sent.filter((sql) => sql.includes('insert into node_entry')).length).toBeLessThan(10);
    await Promise.all(sockets.map((socket) => socket.close()));
    await until(async () => (await announced()) === 0, 'all were taken back');
  });

  it('expire twelve seconds after the last heartbeat of their instance', async () => {
    const socket = await openThere();
    await until(async () => (await shown()).length === 1, 'the other instance told of its socket');
    // As if it had been killed: no beat of it comes any more.
    await query(`update node set seen_at = seen_at - interval '11 seconds' where id = $1`, [registry().id]);
    expect(await shown()).toHaveLength(1);
    await until(async () => (await shown()).length === 0, 'it counted as dead', 3_000);
    // It was not dead, and says so.
    await registry().live();
    expect(await shown()).toHaveLength(1);
    await socket.close();
  });

  it('are removed when their instance stops', async () => {
    const third = await TestTidings.start({ database: tidings.current.database });
    const { id } = third.app.get(InstanceRegistry);
    const socket = await RawSocket.signedIn(third.url, user.accessToken!);
    await until(async () => (await shown()).length === 1, 'the third instance told of its socket');
    await third.stop();
    expect(await shown()).toEqual([]);
    expect(await query('select 1 from node where id = $1', [id])).toEqual([]);
    await socket.closed;
  });

  it('are removed when they close even if their announcement timed out', async () => {
    const node = registry() as unknown as { execute: (...said: unknown[]) => Promise<unknown> };
    const execute = node.execute.bind(node);
    node.execute = async (...said) => {
      Reflect.deleteProperty(node, 'execute');
      await execute(...said);
      throw new Error('The answer was lost');
    };
    const close = registry().open('session sockets', user.sessionId, {});
    await registry().live();
    expect(await announced()).toBe(1);
    close();
    await until(async () => (await announced()) === 0, 'it was taken back');
  });

  it('are announced again after they expired or PostgreSQL lost them', async () => {
    const [one, here] = [await openThere(), await RawSocket.signedIn(tidings.current.url, user.accessToken!)];
    await until(async () => (await shown()).length === 2, 'the other instance told of its socket');
    await query(`update node set seen_at = seen_at - interval '1 hour' where id = $1`, [registry().id]);
    await tidings.current.app.get(InstanceRegistry).live();
    expect(await query('select 1 from node where id = $1', [registry().id])).toEqual([]);
    expect(await query('select 1 from node_entry where node_id = $1', [registry().id])).toEqual([]);
    const two = await openThere();
    await until(async () => (await shown()).length === 3, 'it told of both');
    await query('truncate node cascade');
    await registry().live();
    expect(await shown()).toHaveLength(3);
    for (const socket of [one, two, here]) await socket.close();
  });

  it('are announced later when the database is away, without refusing connections', async () => {
    await query('alter table node_entry rename to node_entry_gone');
    const [kept, brief] = [await openThere(), await openThere()];
    await registry().live();
    await brief.close();
    await query('alter table node_entry_gone rename to node_entry');
    await registry().live();
    expect(await shown()).toHaveLength(1);
    await kept.close();
    await until(async () => (await shown()).length === 0, 'it was told that the socket is gone');
  });
});
