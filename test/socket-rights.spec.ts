// Access over WebSocket, closing of sockets, and errors equal to those over HTTP.
import { WebSocket } from 'ws';
import { addMember, createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { assertNothingLogged } from './support/live.js';
import { RawSocket, type Watch } from './support/socket-client.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const tidings = useTidings();

const FIELDS = 'seq kind subjectId update { title internalNote }';
const WATCH = `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${FIELDS} } }`;
const WATCH_ALL = `subscription ($after: String) { projectsUpdated(after: $after) { ${FIELDS} } }`;
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

afterEach(() => tidings.current.watching(0));
afterEach(() => assertNothingLogged(tidings.current));

async function endsWith(watch: Watch, code: string): Promise<void> {
  await expect(within(60_000, watch.ended, 'the subscription ended')).rejects.toMatchObject({
    cause: [{ extensions: { code } }],
  });
}

async function isHeard(watch: Watch, author: Person, projectId: string, field = 'projectUpdated'): Promise<void> {
  const id = await postUpdate(author, projectId);
  expect((await watch.next()).data[field].subjectId).toBe(id);
}

describe('subscription events', () => {
  it.each([
    ['a project of others', async (editor: Person) => (await createProject(editor)).id],
    ['a project that never was', async () => '00000000-0000-7000-8000-000000000000'],
  ])('of %s end with NOT_FOUND without closing the socket', async (_what, idOf) => {
    const [editor, stranger] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('EDITOR')]);
    const id = await idOf(editor);
    const own = await createProject(stranger);
    const socket = stranger.socket();
    const refused = socket.subscribe(WATCH, { id });
    await expect(refused.ended).rejects.toMatchObject({
      cause: [{ message: 'Project not found.', path: ['projectUpdated'], extensions: { code: 'NOT_FOUND' } }],
    });
    const watch = socket.subscribe(WATCH, { id: own.id });
    await tidings.current.watching(1);
    await isHeard(watch, stranger, own.id);
    watch.stop();
  });

  it('end with FORBIDDEN for a removed member', async () => {
    const [editor, viewer] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('USER')]);
    const [project, other] = await Promise.all([createProject(editor), createProject(editor)]);
    await Promise.all([project, other].map(({ id }) => addMember(editor, id, viewer, 'VIEWER')));
    const socket = viewer.socket();
    const watch = socket.subscribe(WATCH, { id: project.id });
    const elsewhere = socket.subscribe(WATCH, { id: other.id });
    const all = socket.subscribe(WATCH_ALL);
    const witness = editor.socket().subscribe(WATCH, { id: project.id });
    await tidings.current.watching(4);
    let removedAt = Number.POSITIVE_INFINITY;
    let heardAfterwards = 0;
    const posts = Array.from({ length: 100 }, async (_, n) => {
      if (n === 50) {
        await editor.data(REMOVE, { p: project.id, u: viewer.id });
        removedAt = watch.pending.length + all.pending.length;
      } else await postUpdate(editor, project.id, { title: `Straddling ${n}` });
    });
    await Promise.all(posts);
    await endsWith(watch, 'FORBIDDEN');
    const events: Data[] = [];
    while (events.length < 100) events.push((await witness.next()).data.projectUpdated);
    const removal = events.find(({ kind }) => kind === 'MEMBER_REMOVED').seq as number;
    await isHeard(elsewhere, editor, other.id);
    await until(() => all.pending.length > 0, 'the other subscription heard of the other project');
    const seen = [
      ...watch.pending.map(({ data }) => data.projectUpdated),
      ...all.pending.slice(0, -1).map(({ data }) => data.projectsUpdated),
    ];
    expect(seen.filter(({ seq }) => seq >= removal)).toEqual([]);
    heardAfterwards = seen.length - removedAt;
    expect(heardAfterwards).toBeLessThanOrEqual(0);
    for (const one of [elsewhere, all, witness]) one.stop();
  });

  it('reach an added member', async () => {
    const [editor, viewer] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('USER')]);
    const project = await createProject(editor);
    const watch = viewer.socket().subscribe(WATCH_ALL);
    await tidings.current.watching(1);
    await postUpdate(editor, project.id, { title: 'Before' });
    await addMember(editor, project.id, viewer, 'VIEWER');
    expect((await watch.next()).data.projectsUpdated).toMatchObject({ kind: 'MEMBER_ADDED', subjectId: viewer.id });
    await isHeard(watch, editor, project.id, 'projectsUpdated');
    await editor.data(REMOVE, { p: project.id, u: viewer.id });
    await postUpdate(editor, project.id, { title: 'Between' });
    await addMember(editor, project.id, viewer, 'VIEWER');
    expect((await watch.next()).data.projectsUpdated).toMatchObject({ kind: 'MEMBER_ADDED' });
    expect(watch.pending).toEqual([]);
    watch.stop();
  });

  it('show guarded fields under the current role', async () => {
    const [editor, viewer, admin, other] = await Promise.all([
      tidings.current.asUser('EDITOR'),
      tidings.current.asUser('USER'),
      tidings.current.asUser('ADMIN'),
      tidings.current.asUser('EDITOR'),
    ]);
    const project = await createProject(editor);
    await addMember(editor, project.id, viewer, 'EDITOR');
    await addMember(editor, project.id, other, 'VIEWER');
    const people = [editor, admin, viewer, other];
    const watches = people.map((person) => person.socket().subscribe(WATCH, { id: project.id }));
    await tidings.current.watching(4);
    const denied = {
      message: 'This requires the project role EDITOR.',
      path: ['projectUpdated', 'update', 'internalNote'],
      extensions: { code: 'FORBIDDEN', requires: 'EDITOR' },
    };
    const expectNotes = async (title: string, allowed: boolean[]): Promise<void> => {
      await postUpdate(editor, project.id, { title, internalNote: 'hush' });
      for (const [index, watch] of watches.entries()) {
        const { data, errors } = await watch.next();
        expect(data.projectUpdated.update).toEqual({ title, internalNote: allowed[index] ? 'hush' : null });
        expect(errors ?? []).toMatchObject(allowed[index] ? [] : [denied]);
      }
    };
    await expectNotes('One', [true, true, false, false]);
    await addMember(editor, project.id, other, 'EDITOR');
    for (const watch of watches) await watch.next();
    await expectNotes('Two', [true, true, false, true]);
    for (const watch of watches) watch.stop();
  });

  it('end when the project is deleted, which is NOT_FOUND afterwards', async () => {
    const [editor, admin] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('ADMIN')]);
    const project = await createProject(editor);
    const socket = editor.socket();
    const watches = [socket.subscribe(WATCH, { id: project.id }), admin.socket().subscribe(WATCH, { id: project.id })];
    await tidings.current.watching(2);
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: project.id });
    for (const watch of watches) await endsWith(watch, 'FORBIDDEN');
    await endsWith(socket.subscribe(WATCH, { id: project.id }), 'NOT_FOUND');
    await endsWith(admin.socket().subscribe(WATCH, { id: project.id, after: project.lastCursor }), 'NOT_FOUND');
    expect((await editor.error(`{ project(id: "${project.id}") { id } }`)).extensions.code).toBe('NOT_FOUND');
  });

  it('a mutation over a socket is refused for a USER and accepted for an EDITOR', async () => {
    const [editor, viewer] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('USER')]);
    const project = await createProject(editor);
    await addMember(editor, project.id, viewer, 'OWNER');
    const post = `mutation { postUpdate(input: { projectId: "${project.id}", title: "By socket", health: AT_RISK }) { title } }`;
    expect((await viewer.socket().subscribe(post).next()).errors).toMatchObject([
      { path: ['postUpdate'], extensions: { code: 'FORBIDDEN' } },
    ]);
    expect(await editor.socket().subscribe(post).next()).toEqual({ data: { postUpdate: { title: 'By socket' } } });
  });

  it('none are missed during a change of role', async () => {
    const [owner, member] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('EDITOR')]);
    const project = await createProject(owner);
    await addMember(owner, project.id, member, 'VIEWER');
    const socket = member.socket();
    const watch = socket.subscribe(WATCH, { id: project.id });
    await tidings.current.watching(1);
    const rounds = 30;
    for (let round = 0; round < rounds; round += 1) {
      const role = round % 2 ? 'VIEWER' : 'EDITOR';
      const post = () => postUpdate(owner, project.id);
      await Promise.all([post(), post(), addMember(owner, project.id, member, role), post(), post()]);
    }
    const seqs: number[] = [];
    // One more tells the end: whoever is left out is not waited for.
    const last = await postUpdate(owner, project.id);
    for (let subject: string | undefined; subject !== last;) {
      const { seq, subjectId } = (await watch.next()).data.projectUpdated;
      seqs.push(seq);
      subject = subjectId;
    }
    expect(seqs).toEqual(Array.from({ length: 5 * rounds + 1 }, (_, index) => seqs[0]! + index));
    await socket.close();
  });
});

const opened = async (message?: unknown) => {
  const socket = await RawSocket.open(tidings.current.url);
  if (message) socket.send(message);
  return socket;
};
const init = (payload?: unknown) => ({ type: 'connection_init', payload });
const bearer = (token: string) => init({ authorization: `Bearer ${token}` });
const closing = async (socket: RawSocket) => (await within(60_000, socket.closed, 'the socket was closed')).code;

describe('close codes of a socket', () => {
  it.each<[string, (person: Person) => unknown, number]>([
    ['no payload', () => init(), 4401],
    ['no token', () => init({}), 4401],
    ['a garbage token', () => bearer('garbage'), 4401],
    ['a token that is no text', () => init({ authorization: { a: 1 } }), 4401],
    [
      'a token whose payload is no JSON',
      () => bearer(`${Buffer.from('{"typ":"JWT","alg":"ES256"}').toString('base64url')}.bm9uZQ.c2ln`),
      4401,
    ],
    ['a changed signature', ({ accessToken }) => bearer(`${accessToken!.slice(0, -8)}AAAAAAAA`), 4401],
    ['a refresh token', ({ refreshToken }) => bearer(refreshToken), 4401],
    ['another scheme', ({ accessToken }) => init({ authorization: `Basic ${accessToken}` }), 4401],
  ])('%s is refused', async (_what, message, code) => {
    const person = await tidings.current.asUser();
    expect(await closing(await opened(message(person)))).toBe(code);
  });

  it('token of another installation 4401, expired token 4403, past expiry and grace 4403', async () => {
    const { database } = tidings.current;
    const [foreign, hasty] = await Promise.all([
      TestTidings.start({ database, env: { APP_SECRET: Buffer.alloc(32, 'another').toString('base64') } }),
      TestTidings.start({ database, env: { ACCESS_TOKEN_TTL: '1s' } }),
    ]);
    const known = await tidings.current.asUser('EDITOR');
    const project = await createProject(known);
    const stranger = await foreign.signIn(known.id, known.email);
    expect(await closing(await opened(bearer(stranger.accessToken!)))).toBe(4401);
    const person = await hasty.signIn(known.id, known.email);
    const began = Date.now();
    const socket = await RawSocket.signedIn(hasty.url, person.accessToken!);
    socket.send({ id: 'live', type: 'subscribe', payload: { query: WATCH, variables: { id: project.id } } });
    await hasty.watching(1);
    await until(async () => {
      const late = await RawSocket.open(hasty.url);
      late.send(bearer(person.accessToken!));
      const answer = await Promise.race([late.closed, late.next('connection_ack').catch(() => late.closed)]);
      late.ws.close();
      await late.closed;
      return 'code' in answer && answer.code === 4403;
    }, 'the token had expired');
    socket.send({ id: 'q', type: 'subscribe', payload: { query: '{ me { id } }' } });
    const answer = (id: string) =>
      socket.messages.findLast((message) => message.id === id && message.type === 'next')?.payload;
    await until(() => answer('q') !== undefined, 'the query was answered');
    expect(answer('q')).toMatchObject({ data: null, errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    const update = await postUpdate(known, project.id);
    await until(() => answer('live')?.data.projectUpdated.subjectId === update, 'the subscription went on');
    expect(await closing(socket)).toBe(4403);
    expect(Date.now() - began).toBeGreaterThan(9_900);
    await Promise.all([foreign.stop(), hasty.stop()]);
  });

  it('no connection_init in time 4408', async () => {
    expect(await closing(await opened())).toBe(4408);
  });

  it('second connection_init 4429, subscribe before the ack 4401, duplicate id 4409', async () => {
    const person = await tidings.current.asUser();
    const twice = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    twice.send(bearer(person.accessToken!));
    expect(await closing(twice)).toBe(4429);
    const query = { type: 'subscribe', id: '1', payload: { query: WATCH_ALL } };
    expect(await closing(await opened(query))).toBe(4401);
    const early = await opened(bearer(person.accessToken!));
    early.send(query);
    expect(await closing(early)).toBe(4401);
    const same = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    same.send(query);
    same.send(query);
    expect(await closing(same)).toBe(4409);
  });

  it('a mutation sent right after the end of its session does not run', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const project = await createProject(editor);
    const socket = await RawSocket.signedIn(tidings.current.url, editor.accessToken!);
    const later = await tidings.current.signIn(editor.id, editor.email);
    // Sent in one go, and the close frame is not answered: the client is deaf to it.
    socket.ws.pause();
    await later.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: editor.sessionId });
    const post = `mutation { postUpdate(input: { projectId: "${project.id}", title: "Too late", health: AT_RISK }) { id } }`;
    socket.send({ id: 'm', type: 'subscribe', payload: { query: post } });
    socket.ws.resume();
    expect(await closing(socket)).toBe(4401);
    expect(
      await later.data('query ($id: ID!) { project(id: $id) { latestUpdate { title } } }', { id: project.id }),
    ).toEqual({ project: { latestUpdate: null } });
  });

  it('wrong subprotocol 4406, another path 404, any Origin accepted', async () => {
    const { url, config } = tidings.current;
    for (const [protocols, code] of [
      [[], 4406],
      // The client itself ends a connection on which the server takes none of its protocols.
      [['graphql-ws'], 1006],
    ] as const) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, [...protocols]);
      socket.on('error', () => {});
      const closed = new Promise((resolve) => {
        socket.on('close', resolve);
      });
      expect(await within(60_000, closed, 'the socket was closed')).toBe(code);
    }
    await expect(RawSocket.open(`${url}/graphql/..//x`)).rejects.toThrow('404');
    for (const origin of ['https://elsewhere.example', 'null', ...config.allowedOrigins])
      await (await RawSocket.open(url, { origin })).close();
  });

  it('stopping service 1012, and new sockets are refused', async () => {
    const node = await TestTidings.start({ database: tidings.current.database });
    const person = await tidings.current.asUser();
    const sockets = await Promise.all([1, 2, 3].map(() => RawSocket.signedIn(node.url, person.accessToken!)));
    sockets[0]!.send({ id: 'live', type: 'subscribe', payload: { query: WATCH_ALL } });
    sockets[1]!.ws.pause();
    await node.watching(1);
    const stopped = node.stop();
    sockets[1]!.ws.resume();
    expect(await Promise.all(sockets.map((socket) => closing(socket)))).toEqual([1012, 1012, 1012]);
    await stopped;
    expect(node.logged).toEqual([]);
  });
});

const comparable = (errors: readonly Data[]) =>
  errors.map(({ extensions, ...error }: Data) => ({ ...error, extensions: { ...extensions, errorId: undefined } }));

describe('errors over HTTP and over a socket are equal', () => {
  it.each<[string, string, Record<string, unknown>?]>([
    ['a syntax error', '{ me { id }'],
    ['an unknown field', '{ me { id nothing } other }'],
    ['an unknown type of variable', 'query ($x: Nothing) { me { id } }'],
    ['a missing variable', 'query ($id: ID!) { project(id: $id) { id } }'],
    ['a variable of the wrong type', 'query ($first: Int) { projects(first: $first) { lastCursor } }', { first: 'x' }],
    [
      'two bad variables',
      'query ($first: Int, $id: ID!) { projects(first: $first) { lastCursor } project(id: $id) { id } }',
      { first: 'x' },
    ],
    ['no name among many', 'query A { me { id } } query B { me { id } }'],
    [
      'bad input',
      'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id } }',
      { i: { key: '!', name: '\u0000' } },
    ],
    [
      'input of a wrong shape',
      'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id } }',
      { i: { key: {}, more: 1 } },
    ],
    ['a negative page', '{ projects(first: -1) { lastCursor } }'],
    ['an unknown cursor', '{ projects(after: "x") { lastCursor } }'],
    ['an absent project', '{ project(id: "00000000-0000-7000-8000-000000000000") { id } me { id } }'],
    [
      'an absent project under an alias',
      'mutation { a: editProject(id: "00000000-0000-7000-8000-000000000000", input: { name: "x" }) { id } }',
    ],
    ['a role that is missing', '{ users { nodes { id } } }'],
    ['a field that is denied', '{ projects { nodes { budget } } }'],
    [
      'too complex',
      '{ projects(first: 100) { nodes { updates(first: 100) { nodes { comments(first: 100) { nodes { id } } } } } } }',
    ],
  ])('%s', async (...[, query, variables]) => {
    const person = await tidings.current.asUser('EDITOR');
    const owner = await tidings.current.asUser('EDITOR');
    await addMember(owner, (await createProject(owner)).id, person, 'VIEWER');
    const http = await person.send(query, variables);
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    socket.send({ id: '1', type: 'subscribe', payload: { query, variables } });
    await until(() => socket.messages.length > 0, 'an answer came');
    const [{ type, payload }] = socket.messages as [{ type: string; payload: Data }];
    await socket.close();
    expect(http.errors?.length).toBeGreaterThan(0);
    const answer = type === 'error' ? { errors: payload as Data[] } : (payload as { data: Data; errors: Data[] });
    expect({ ...answer, errors: comparable(answer.errors) }).toEqual({
      data: http.data,
      errors: comparable(http.errors!),
    });
  });
});
