// A backup is restored under a running instance: its subscribers receive no events of the other history, and reconnect.
import { encodeCursor } from '../src/engine/events/cursor.js';
import { LogFollower } from '../src/engine/events/log-follower.js';
import { LogBrokenError, LogReader } from '../src/engine/events/log-reader.js';
import { addMember, createProject } from './support/factories.js';
import { useHubControl } from './support/hub.js';
import { postMany } from './support/live.js';
import { RawSocket } from './support/socket-client.js';
import { TestTidings, useTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const tidings = useTidings();
const hub = useHubControl(tidings);

const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq update { title } } }';
const REFUSED = { code: 1013, reason: 'Try again later; retry=5-15' };

/** As after a backup of `pos`: what came later is gone, and others have taken its places, one for one. */
async function restore(pos: number): Promise<void> {
  await tidings.current.database.query(`
    begin;
    create temp table lost on commit drop as select * from event where pos > ${pos};
    delete from event where pos > ${pos};
    update log_head set pos = ${pos}, nonce = (select nonce from event where pos = ${pos});
    update log_counter as counter set seq = coalesce((
      select max(seq) from event
       where (resource_kind, resource_id) = (counter.resource_kind, counter.resource_id)), 0);
    insert into event (partition, resource_kind, resource_id, kind, actor_id, session_id, facts)
      select partition, resource_kind, resource_id, kind, actor_id, session_id, facts from lost order by pos;
    commit`);
}

it('a restored backup closes all sockets with 1013, expires their cursors and replays nothing', async () => {
  const { app, url, logged } = tidings.current;
  const follower = app.get(LogFollower);
  const [editor, waiting] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser('EDITOR')];
  const project = await createProject(editor);
  await addMember(editor, project.id, waiting, 'VIEWER');
  const [start] = (await tidings.current.database.query<{ pos: number }>('select pos::int as pos from log_head')) ?? [];
  await postMany(app, editor.id, project.id, 250);
  // From the log, not from memory.
  hub.clearRecent();
  const restored = Promise.withResolvers<void>();
  const held = hub.holdExecutions(({ resource }) => (resource.id === project.id ? restored.promise : undefined));
  const [replaying, live, notified] = await Promise.all([
    RawSocket.signedIn(url, editor.accessToken!),
    RawSocket.signedIn(url, waiting.accessToken!),
    RawSocket.signedIn(url, waiting.accessToken!),
  ]);
  const subscribe = (socket: RawSocket, after?: string) =>
    socket.send({ id: '1', type: 'subscribe', payload: { query: WATCH, variables: { id: project.id, after } } });
  subscribe(live);
  notified.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { announcementPosted { id } }' } });
  subscribe(replaying, project.lastCursor);
  await tidings.current.watching(2);
  await until(() => held.begun(2) === 1, 'the first page was being made');
  // It looks no more by itself, and takes itself for fresh.
  clearInterval(follower['timer']);
  await restore(start!.pos);
  follower['confirmedAt'] = follower['beatAt'] = performance.now();
  restored.resolve();
  for (const socket of [replaying, live, notified]) {
    expect(await within(60_000, socket.closed, 'the socket was closed')).toEqual(REFUSED);
  }
  const given = replaying.messages
    .filter(({ type }) => type === 'next')
    .map(({ payload }) => payload.data.projectUpdated);
  expect(given.length).toBeLessThanOrEqual(100);
  expect(live.messages).toEqual([]);
  expect((await fetch(`${url}/health/ready`)).status).toBe(503);
  expect(logged.splice(0)).toEqual([expect.stringContaining('The log cannot be followed')]);

  const late = await RawSocket.open(url);
  late.send({ type: 'connection_init', payload: { authorization: `Bearer ${waiting.accessToken}` } });
  expect(await within(60_000, late.closed, 'the socket was closed')).toEqual(REFUSED);
  const known = follower.position;
  await expect(app.get(LogReader).afterWithoutHole(start!.pos, 10, known)).rejects.toBeInstanceOf(LogBrokenError);

  const restarted = await TestTidings.start({ database: tidings.current.database });
  try {
    const back = await RawSocket.signedIn(restarted.url, editor.accessToken!);
    subscribe(back, encodeCursor(known));
    const { payload } = await back.next('error');
    expect(payload[0].extensions.code).toBe('CURSOR_EXPIRED');
    await back.close();
  } finally {
    await restarted.stop();
  }
});
