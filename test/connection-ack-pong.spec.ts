// `connection_ack` and pongs: the session and the build, when to reconnect, and the log position written to the socket.
import { decodeCursor } from '../src/engine/events/cursor.js';
import { LogFollower } from '../src/engine/events/log-follower.js';
import { createProject, postUpdate, type TestProject } from './support/factories.js';
import { postMany } from './support/live.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const FEED =
  'subscription ($after: String) { projectsUpdated(after: $after) { cursor kind project { name } update { title } } }';

const tidings = useTidings();
let editor: Person;
let project: TestProject;
beforeAll(async () => {
  editor = await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

const connected = () => RawSocket.signedIn(tidings.current.url, editor.accessToken!);
const watch = (socket: RawSocket, after?: string, id = 'feed') =>
  socket.send({ id, type: 'subscribe', payload: { query: FEED, variables: { after } } });
const positionOf = (cursor: string) => decodeCursor(cursor).pos;
const applied = () => tidings.current.app.get(LogFollower).applied;

const events = (socket: RawSocket) => socket.messages.filter(({ type }) => type === 'next').length;

/** Fails unless every pong stands behind all events up to its cursor; returns how many pongs said where they are. */
function assertTrue({ messages }: RawSocket, from: number, to: number): number {
  const missing = new Set(Array.from({ length: to - from }, (_, index) => from + index + 1));
  let known = 0;
  for (const { type, payload } of messages) {
    if (type === 'next') missing.delete(positionOf(payload.data.projectsUpdated.cursor));
    if (type !== 'pong' || payload.cursor === null) continue;
    known += 1;
    const complete = positionOf(payload.cursor);
    expect([...missing].filter((pos) => pos <= complete)).toEqual([]);
  }
  return known;
}

describe('connection_ack', () => {
  it('names the account, build, server time and retry advice', async () => {
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${editor.accessToken}` } });
    const { payload } = await socket.next('connection_ack');
    expect(payload).toEqual({
      accountId: editor.id,
      build: expect.stringMatching(/^[\w-]{16}$/),
      now: expect.any(String),
      retry: { min: expect.any(Number), max: expect.any(Number) },
    });
    expect(Math.abs(Date.parse(payload.now) - Date.now())).toBeLessThan(60_000);
    expect(payload.retry.min).toBeLessThan(payload.retry.max);
    await socket.close();
  });
});

describe('pong', () => {
  it('has no log position before sign-in', async () => {
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'ping' });
    expect(await socket.next('pong')).toEqual({ type: 'pong' });
    await socket.close();
  });

  it('has no log position while the session is unverified or ended', async () => {
    const { accessToken, sessionId } = await tidings.current.asUser();
    const { database } = tidings.current;
    // As if it had ended before this instance heard of it: it reads the session when it first sees a token of it.
    await database.query(`update session set ended_at = now(), end_reason = 'LOGOUT' where id = $1`, [sessionId]);
    await database.query('begin');
    await database.query('lock table session in access exclusive mode');
    try {
      const socket = await RawSocket.open(tidings.current.url);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${accessToken}` } });
      await until(
        async () =>
          (await database.query(`select 1 from pg_locks where relation = 'session'::regclass and not granted`)).length >
          0,
        'the session was looked up',
      );
      socket.send({ type: 'ping', payload: { n: 1 } });
      expect(await socket.next('pong')).toEqual({ type: 'pong', payload: { n: 1 } });
      socket.send({ type: 'ping' });
      expect(await socket.next('pong')).toEqual({ type: 'pong' });
      await database.query('commit');
      expect(await socket.closed).toEqual({ code: 4401, reason: 'Unauthorized' });
      expect(socket.messages).toEqual([]);
    } finally {
      await database.query('commit');
    }
  });

  it('names the head of the log when all events were written', async () => {
    const socket = await connected();
    watch(socket, project.lastCursor);
    await postUpdate(editor, project.id);
    let event = await socket.next('next');
    while (event.payload.data.projectsUpdated.kind !== 'UPDATE_POSTED') event = await socket.next('next');
    socket.send({ type: 'ping', payload: { n: 1 } });
    const { payload } = await socket.next('pong');
    expect(payload).toEqual({ n: 1, behind: 0, cursor: expect.any(String), at: expect.any(String) });
    expect(positionOf(payload.cursor)).toBe(applied());
    expect(positionOf(payload.cursor)).toBeGreaterThanOrEqual(positionOf(event.payload.data.projectsUpdated.cursor));
    expect(Date.now() - Date.parse(payload.at)).toBeLessThan(60_000);
    await socket.close();
  });

  it('has no log position while a subscription is being opened', async () => {
    const socket = await connected();
    watch(socket, project.lastCursor);
    socket.send({ type: 'ping' });
    expect((await socket.next('pong')).payload).toMatchObject({ cursor: null, at: null });
    await socket.next('next');
    await socket.close();
  });

  it('is not caught up while the log cannot be read', async () => {
    const { database } = tidings.current;
    const socket = await connected();
    const progress = async () => {
      socket.send({ type: 'ping' });
      return (await socket.next('pong')).payload;
    };
    await until(async () => (await progress()).cursor !== null, 'it was complete');
    await database.query('begin');
    await database.query('lock table event in access exclusive mode');
    try {
      await until(async () => (await progress()).cursor === null, 'it was in doubt');
      expect(await progress()).toEqual({ cursor: null, at: null, behind: 0 });
    } finally {
      await database.query('rollback');
    }
    await until(async () => (await progress()).cursor !== null, 'it was complete again');
    await socket.close();
  });

  it('never runs ahead of written events, at the head and during replay', async () => {
    const from = applied();
    const cursor = (await editor.data('{ projects { lastCursor } }')).projects.lastCursor;
    const live = await connected();
    watch(live, cursor);
    await tidings.current.watching(1);
    const posting = postMany(tidings.current.app, editor.id, project.id, 1_500, 50);
    await until(() => {
      live.send({ type: 'ping' });
      return events(live) === 1_500;
    }, 'all were written');
    await posting;
    const behind = await connected();
    watch(behind, cursor);
    await until(() => {
      behind.send({ type: 'ping' });
      return events(behind) === 1_500;
    }, 'all were written again');
    for (const socket of [live, behind]) {
      socket.send({ type: 'ping', payload: { last: true } });
      await until(() => socket.messages.some(({ payload }) => payload?.last), 'the last was answered');
      expect(assertTrue(socket, from, from + 1_500)).toBeGreaterThan(1);
      expect(socket.messages.at(-1)?.payload).toMatchObject({ behind: 0 });
    }
    const told = behind.messages.filter(({ type, payload }) => type === 'pong' && payload.behind > 0);
    expect(told.length).toBeGreaterThan(0);
    await Promise.all([live.close(), behind.close()]);
  });
});
