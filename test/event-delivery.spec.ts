// Stock clients receive every event immediately, in order and once, without a gap after reconnecting.
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { Hub } from '../src/engine/realtime/fan-out/hub.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { assertNothingLogged, postMany, nextEvents } from './support/live.js';
import { SocketClient } from './support/socket-client.js';
import { startTcpProxy } from './support/tcp-proxy.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();

const EVENT = `seq cursor kind at subjectId skipped actor { id } project { id key name }
  update { id title version } comment { id body } member { role user { id } }`;
const WATCH = `subscription ($id: ID!, $after: String, $own: Boolean) {
  projectUpdated(projectId: $id, after: $after, includeOwn: $own) { ${EVENT} } }`;
const WATCH_ALL = `subscription ($after: String, $own: Boolean) { projectsUpdated(after: $after, includeOwn: $own) { ${EVENT} } }`;

const DELETE = 'mutation ($id: ID!) { deleteProject(id: $id) }';

/** What a busy dashboard asks for. */
const LIGHT = 'seq cursor subjectId update { id title }';

const socketUrl = () => `${tidings.current.url.replace('http', 'ws')}/graphql`;
const seqs = (events: readonly Data[]) => events.map(({ seq }) => seq as number);
const seen = (events: Data[]) => events.map(({ seq, cursor, subjectId }) => `${seq} ${cursor} ${subjectId}`);
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

async function team(): Promise<{ editor: Person; viewer: Person; project: Awaited<ReturnType<typeof createProject>> }> {
  const [editor, viewer] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('USER')]);
  const project = await createProject(editor);
  await addMember(editor, project.id, viewer, 'VIEWER');
  return { editor, viewer, project };
}

afterEach(() => until(() => tidings.current.app.get(Hub).size === 0, 'every subscription was over'));
afterEach(() => assertNothingLogged(tidings.current));

describe('stock clients', () => {
  it.each(['projectUpdated', 'projectsUpdated'])('graphql-ws receives %s', async (field) => {
    const { editor, viewer, project } = await team();
    const client = createClient({
      url: socketUrl(),
      connectionParams: { authorization: `Bearer ${viewer.accessToken}` },
    });
    const heard: unknown[] = [];
    const args = field === 'projectUpdated' ? `(projectId: "${project.id}")` : '';
    client.subscribe(
      { query: `subscription { ${field}${args} { subjectId kind update { title } } }` },
      { next: ({ data }) => heard.push((data as Data)[field].subjectId), error: () => {}, complete: () => {} },
    );
    await tidings.current.watching(1);
    const id = await postUpdate(editor, project.id);
    await until(() => heard.length > 0, 'the event arrived');
    expect(heard).toEqual([id]);
    await client.dispose();
  });

  it.each(['projectUpdated', 'projectsUpdated'])('Apollo Client receives %s', async (field) => {
    const { editor, viewer, project } = await team();
    const socket = createClient({
      url: socketUrl(),
      connectionParams: { authorization: `Bearer ${viewer.accessToken}` },
    });
    const apollo = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    const heard: unknown[] = [];
    const args = field === 'projectUpdated' ? `(projectId: "${project.id}")` : '';
    const query = gql`subscription { ${field}${args} { subjectId kind update { id title health } actor { id name } } }`;
    const subscription = apollo.subscribe<Data>({ query }).subscribe(({ data, error }) => {
      heard.push(error ?? data[field].subjectId);
    });
    await tidings.current.watching(1);
    const id = await postUpdate(editor, project.id);
    await until(() => heard.length > 0, 'the event arrived');
    expect(heard).toEqual([id]);
    subscription.unsubscribe();
    apollo.stop();
    await socket.dispose();
  });
});

describe('delivery', () => {
  it('covers every kind of event with its object', async () => {
    const { editor, viewer, project } = await team();
    const admin = await tidings.current.asUser('ADMIN');
    const guest = await tidings.current.asUser('USER');
    const watch = admin.socket().subscribe(WATCH_ALL);
    await tidings.current.watching(1);
    const made = await createProject(editor, { name: 'Made' });
    const id = made.id;
    await editor.data('mutation ($id: ID!) { editProject(id: $id, input: { name: "Renamed" }) { id } }', { id });
    await addMember(editor, id, guest, 'VIEWER');
    await addMember(editor, id, guest, 'EDITOR');
    const update = await postUpdate(editor, id, { title: 'First' });
    await editor.data('mutation ($id: ID!) { editUpdate(id: $id, input: { title: "Edited" }) { id } }', { id: update });
    const comment = (
      await guest.data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', {
        i: { projectId: id, updateId: update, body: 'Well' },
      })
    ).postComment.id;
    await guest.data('mutation ($id: ID!) { editComment(id: $id, input: { body: "Better" }) { id } }', { id: comment });
    const expected = [
      { kind: 'PROJECT_CREATED', subjectId: id, actor: editor.id },
      { kind: 'PROJECT_EDITED', subjectId: id, actor: editor.id },
      { kind: 'MEMBER_ADDED', subjectId: guest.id, actor: editor.id, member: 'USER' },
      { kind: 'MEMBER_CHANGED', subjectId: guest.id, actor: editor.id, member: 'USER' },
      { kind: 'UPDATE_POSTED', subjectId: update, actor: editor.id, update: true },
      { kind: 'UPDATE_EDITED', subjectId: update, actor: editor.id, update: true },
      { kind: 'COMMENT_POSTED', subjectId: comment, actor: guest.id, comment: true },
      { kind: 'COMMENT_EDITED', subjectId: comment, actor: guest.id, comment: true },
      { kind: 'COMMENT_REMOVED', subjectId: comment, actor: guest.id },
      { kind: 'UPDATE_REMOVED', subjectId: update, actor: editor.id },
      { kind: 'MEMBER_REMOVED', subjectId: guest.id, actor: guest.id },
      { kind: 'PROJECT_DELETED', subjectId: id, actor: admin.id },
    ];
    const events = await nextEvents(watch, 8, 'projectsUpdated');
    await guest.data('mutation ($id: ID!) { removeComment(id: $id) }', { id: comment });
    await editor.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id: update });
    await guest.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: id,
      u: guest.id,
    });
    events.push(...(await nextEvents(watch, 3, 'projectsUpdated')));
    await admin.data(DELETE, { id });
    events.push(...(await nextEvents(watch, 1, 'projectsUpdated')));

    expect(seqs(events)).toEqual(from(1, 12));
    expect(events.map(({ kind, subjectId, actor }) => ({ kind, subjectId, actor: actor.id }))).toEqual(
      expected.map(({ kind, subjectId, actor }) => ({ kind, subjectId, actor })),
    );
    for (const [index, event] of events.entries()) {
      const { update: hasUpdate, comment: hasComment, member: hasMember } = expected[index]!;
      expect(event.project).toMatchObject({ id, key: made.key });
      expect(event.skipped).toBeNull();
      expect(Math.abs(Date.now() - Date.parse(event.at))).toBeLessThan(60_000);
      expect([
        event.update?.id,
        event.comment?.body.replace(/^(Well|Better)$/, 'Well or Better'),
        event.member?.user.id,
      ]).toEqual([
        hasUpdate ? update : undefined,
        // As it is by then: it may have been edited already.
        hasComment ? 'Well or Better' : undefined,
        hasMember ? guest.id : undefined,
      ]);
    }
    expect(new Set(events.map(({ cursor }) => cursor)).size).toBe(12);
    watch.stop();
    expect([viewer.id, project.id]).not.toContain(id);
  });

  it('delivers 120 posts of 8 concurrent writers to 20 subscribers in one order', async () => {
    const { editor, viewer, project } = await team();
    const admin = await tidings.current.asUser('ADMIN');
    const people = [editor, viewer, admin];
    const watches = Array.from({ length: 20 }, (_, index) => {
      const socket = people[index % 3]!.socket();
      return index < 10
        ? { watch: socket.subscribe(WATCH.replace(EVENT, LIGHT), { id: project.id }), field: 'projectUpdated' }
        : { watch: socket.subscribe(WATCH_ALL.replace(EVENT, LIGHT)), field: 'projectsUpdated' };
    });
    await tidings.current.watching(20);
    const posted = new Set<string>();
    const write = async (writer: number): Promise<void> => {
      for (let n = writer; n < 120; n += 8) posted.add(await postUpdate(editor, project.id, { title: `Post ${n}` }));
    };
    await Promise.all(from(0, 8).map(write));
    const all = await Promise.all(watches.map(({ watch, field }) => nextEvents(watch, 120, field)));
    const [first] = all;
    expect(seqs(first!)).toEqual(from(3, 120));
    expect(new Set(first!.map(({ update }) => update.id))).toEqual(posted);
    for (const events of all) expect(seen(events)).toEqual(seen(first!));
    for (const { watch } of watches) watch.stop();
  });

  it('omits events of the own session on request only', async () => {
    const { editor, project } = await team();
    const elsewhere = await tidings.current.signIn(editor.id, editor.email);
    const socket = editor.socket();
    const one = socket.subscribe(WATCH, { id: project.id, own: false });
    const all = socket.subscribe(WATCH_ALL, { own: false });
    await tidings.current.watching(2);
    await postUpdate(editor, project.id, { title: 'mine' });
    await postUpdate(elsewhere, project.id, { title: 'from my phone' });
    await postUpdate(editor, project.id, { title: 'mine again' });
    await postUpdate(elsewhere, project.id, { title: 'from my phone again' });
    expect(seqs(await nextEvents(one, 2))).toEqual([4, 6]);
    expect(seqs(await nextEvents(all, 2, 'projectsUpdated'))).toEqual([4, 6]);
    expect([one.pending, all.pending]).toEqual([[], []]);
    one.stop();
    all.stop();
  });
});

describe('resuming from a cursor', () => {
  it.each(['Project', 'ProjectConnection'])('from lastCursor of a %s misses nothing during posts', async (type) => {
    const { editor, viewer, project } = await team();
    const snapshot =
      type === 'Project'
        ? `query { project(key: "${project.key}") { lastCursor updates(first: 100) { nodes { id } } } }`
        : `query { projects { lastCursor nodes { updates(first: 100) { nodes { id } } } } }`;
    const posted: string[] = [];
    const work = { goesOn: true, isSeen: false };
    const writers = from(0, 3).map(async () => {
      // A snapshot shows 100: more are not posted before the last one was taken.
      while (work.goesOn) {
        if (posted.length < 90 || work.isSeen) posted.push(await postUpdate(editor, project.id));
        else await until(() => work.isSeen, 'all snapshots were taken');
      }
    });
    const seams = from(0, 5).map(async (index) => {
      await until(() => posted.length > index * 4, 'some were posted');
      const data = await viewer.data(snapshot);
      const { lastCursor, updates, nodes } = data.project ?? data.projects;
      const known = new Set<string>((updates ?? nodes[0].updates).nodes.map(({ id }: Data) => id as string));
      const field = index % 2 === 0 ? 'projectUpdated' : 'projectsUpdated';
      const query = index % 2 === 0 ? WATCH : WATCH_ALL;
      const watch = viewer.socket().subscribe(query, { id: project.id, after: lastCursor });
      return { known, watch, field };
    });
    const watches = await Promise.all(seams);
    work.isSeen = true;
    await until(() => posted.length >= 60, '60 were posted');
    work.goesOn = false;
    await Promise.all(writers);
    const last = await postUpdate(editor, project.id);
    for (const { known, watch, field } of watches) {
      const events: Data[] = [];
      while (events.at(-1)?.subjectId !== last) events.push(...(await nextEvents(watch, 1, field)));
      expect(seqs(events)).toEqual(from(events[0].seq, events.length));
      for (const event of events) known.add(event.subjectId);
      expect([...posted, last].filter((id) => !known.has(id))).toEqual([]);
      watch.stop();
    }
  });

  it('after a cut delivers missed events once', async () => {
    const { editor, viewer, project } = await team();
    const proxy = await startTcpProxy(Number(new URL(tidings.current.url).port));
    let cursor = project.lastCursor;
    const events: Data[] = [];
    const connect = () => new SocketClient(`http://127.0.0.1:${proxy.port}`, viewer.accessToken);
    for (let round = 0; round < 3; round += 1) {
      const socket = connect();
      const watch = socket.subscribe(WATCH, { id: project.id, after: cursor });
      await postUpdate(editor, project.id);
      events.push(...(await nextEvents(watch, 3)));
      cursor = events.at(-1)!.cursor;
      proxy.cut();
      await expect(watch.ended).rejects.toBeDefined();
      await socket.close();
      await postUpdate(editor, project.id);
      await postUpdate(editor, project.id);
    }
    const socket = connect();
    const watch = socket.subscribe(WATCH, { id: project.id, after: cursor });
    events.push(...(await nextEvents(watch, 2)));
    expect(seqs(events)).toEqual(from(1, events.length));
    await socket.close();
    await proxy.stop();
  });

  it.each(['that knew it', 'that has just started'])(
    'at an instance %s, an ADMIN receives a deleted project without its content',
    async (node) => {
      const { editor, viewer, project } = await team();
      const admin = await tidings.current.asUser('ADMIN');
      await postUpdate(editor, project.id, { title: 'Gone' });
      await admin.data(DELETE, { id: project.id });
      const left = await createProject(editor);
      const restarted =
        node === 'that knew it' ? undefined : await TestTidings.start({ database: tidings.current.database });
      const query = `subscription ($after: String) { projectsUpdated(after: $after) {
        kind update { title } project { id lead { id } latestUpdate { title } members { nodes { role } } updates { nodes { title } } comments { nodes { body } } } } }`;
      const watchOf = (person: Person) => person.socket(restarted?.url).subscribe(query, { after: project.lastCursor });
      const empty = { nodes: [] };
      const emptied = {
        id: project.id,
        lead: null,
        latestUpdate: null,
        members: empty,
        updates: empty,
        comments: empty,
      };
      expect(await nextEvents(watchOf(admin), 2, 'projectsUpdated')).toMatchObject([
        { kind: 'PROJECT_DELETED', update: null, project: emptied },
        { kind: 'PROJECT_CREATED', project: { id: left.id } },
      ]);
      expect(await nextEvents(watchOf(editor), 1, 'projectsUpdated')).toMatchObject([{ project: { id: left.id } }]);
      await Promise.all([admin, editor, viewer].map((person) => person.leave()));
      await restarted?.stop();
    },
  );

  it('at a freshly started instance delivers 1,000 missed events in order', async () => {
    const { editor, viewer, project } = await team();
    const { database, app } = tidings.current;
    await postMany(app, editor.id, project.id, 1_000);
    const restarted = await TestTidings.start({ database });
    const socket = viewer.socket(restarted.url);
    await socket.subscribe('{ me { id } }').next();
    const watch = socket.subscribe(WATCH.replace(EVENT, LIGHT), { id: project.id, after: project.lastCursor });
    const events = await nextEvents(watch, 1_002);
    expect(seqs(events)).toEqual(from(1, 1_002));
    await socket.close();
    await restarted.stop();
  });

  it.each([
    ['words', 'garbage'],
    ['another history', Buffer.alloc(14, 7).toString('base64url')],
    [
      'a position beyond the head',
      Buffer.concat([Buffer.alloc(6, 1), Buffer.from('000000000fffffff', 'hex')]).toString('base64url'),
    ],
    ['nothing in it', ''],
    ['control characters', '\u0000\u0001'],
    ['emoji', '🙂🙂'],
  ])('from %s is refused with CURSOR_EXPIRED without closing the socket', async (_what, after) => {
    const { editor, viewer, project } = await team();
    const socket = viewer.socket();
    for (const query of [WATCH, WATCH_ALL]) {
      await expect(socket.subscribe(query, { id: project.id, after }).ended).rejects.toMatchObject({
        cause: [{ extensions: { code: 'CURSOR_EXPIRED' } }],
      });
    }
    const watch = socket.subscribe(WATCH, { id: project.id, after: project.lastCursor });
    await postUpdate(editor, project.id);
    expect(seqs(await nextEvents(watch, 3))).toEqual([1, 2, 3]);
    watch.stop();
  });
});
