// The permission matrix: every row with an account of every column, over HTTP and WebSocket.
import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Data, GraphqlError, Reply } from './support/graphql-client.js';
import { assertNothingLogged } from './support/live.js';
import { ALLOWED, cellOf, readPermissions, type Row, STANDINGS } from './support/permission-table.js';
import { type Place, type Props, setStage, type Stage, type Transport } from './support/permission-stage.js';
import { RawSocket, type SocketClient } from './support/socket-client.js';
import { PASSWORD, type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
let stage: Stage;
beforeAll(async () => {
  stage = await setStage(tidings.current);
});
afterAll(async () => {
  for (const { socket } of stage.places) await socket?.close();
});

afterEach(() => assertNothingLogged(tidings.current));

interface At extends Props {
  readonly place: Place;
  /** A session that may end. */
  readonly session: Person | undefined;
}

interface Case {
  /** The operation, and its variables: for the account, over the transport. */
  readonly query: string;
  readonly variables?: (at: At) => Record<string, unknown>;
  /** It ends sessions: asked from one of the double. */
  readonly endsSession?: boolean;
  /** What the service may answer to whoever is allowed to ask. */
  readonly answers?: readonly string[];
  /** What whoever is allowed to is shown. */
  readonly shows?: (data: Data) => unknown;
}

const NEW_PASSWORD = 'another password of the tests';
let count = 0;
const unique = () => (count += 1);
const someone = { u: '00000000-0000-7000-8000-000000000000' };
const inProject = ({ place }: At) => ({ p: place.project });
const PROJECT = 'query ($p: ID!) { project(id: $p)';
const POST_COMMENT = 'mutation ($p: ID!) { postComment(input: { projectId: $p, body: "Said" }) { id } }';
const POST_UPDATE =
  'mutation ($p: ID!) { postUpdate(input: { projectId: $p, title: "T", health: AT_RISK, internalNote: "Hush" }) { id } }';
const LEAVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const EDIT_COMMENT = 'mutation ($id: ID!) { editComment(id: $id, input: { body: "Edited" }) { id } }';
const REMOVE_COMMENT = 'mutation ($id: ID!) { removeComment(id: $id) }';
const byId = (id: string) => ({ id });

/** One for every row of the table. */
const CASES: Readonly<Record<string, Case>> = {
  'Query.auditLog': { query: '{ auditLog(first: 1) { nodes { id } } }' },
  'Query.comment': {
    query: 'query ($id: ID!) { comment(id: $id) { id } }',
    variables: ({ place }) => byId(place.comment),
  },
  'Query.me': { query: '{ me { id } }' },
  'Query.node': { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: ({ place }) => byId(place.update) },
  'Query.notifications': { query: '{ notifications(first: 1) { nodes { id } } }' },
  'Query.project': { query: `${PROJECT} { id } }`, variables: inProject },
  'Query.projectEvents': {
    query: 'query ($p: ID!) { projectEvents(projectId: $p, last: 1) { nodes { seq } } }',
    variables: inProject,
  },
  'Query.projects': { query: '{ projects(first: 1) { nodes { id } } }' },
  'Query.realtime': { query: '{ realtime { sockets } }' },
  'Query.session': { query: '{ session { id kind accessTokenExpiresAt now user { id } } }' },
  'Query.sessions': { query: '{ sessions { id } }' },
  'Query.update': {
    query: 'query ($id: ID!) { update(id: $id) { id } }',
    variables: ({ place }) => byId(place.update),
  },
  'Query.user': { query: 'query ($u: ID!) { user(id: $u) { id } }', variables: () => ({ u: stage.keeper.id }) },
  'Query.watching': {
    query: 'query ($p: ID!) { watching(projectIds: [$p]) { count viewers { id } } }',
    variables: inProject,
  },
  'Query.users': { query: '{ users(first: 1) { nodes { id } } }' },
  'Mutation.announce': { query: 'mutation { announce(message: "Hello") { id } }' },
  'Mutation.changePassword': {
    query: `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "${NEW_PASSWORD}" }) { user { id } } }`,
    endsSession: true,
  },
  'Mutation.createProject': {
    query: 'mutation ($k: String!) { createProject(input: { key: $k, name: "New" }) { id } }',
    variables: () => ({ k: `NEW-${unique()}` }),
  },
  'Mutation.deleteProject': {
    query: 'mutation ($id: ID!) { deleteProject(id: $id) }',
    variables: ({ deletable }) => byId(deletable),
  },
  'Mutation.editComment (own)': { query: EDIT_COMMENT, variables: ({ place }) => byId(place.ownComment) },
  'Mutation.editComment (of another)': { query: EDIT_COMMENT, variables: ({ place }) => byId(place.comment) },
  'Mutation.editProject': {
    query: 'mutation ($p: ID!) { editProject(id: $p, input: { description: "Edited" }) { id } }',
    variables: inProject,
  },
  'Mutation.editUpdate': {
    query: 'mutation ($id: ID!) { editUpdate(id: $id, input: { title: "Edited" }) { id } }',
    variables: ({ place }) => byId(place.update),
  },
  'Mutation.login': {
    query: 'mutation ($i: LoginInput!) { login(input: $i) { user { id } } }',
    variables: () => ({ i: { email: stage.keeper.email, password: PASSWORD } }),
  },
  'Mutation.logout': { query: 'mutation { logout }', endsSession: true },
  'Mutation.logoutEverywhere': { query: 'mutation { logoutEverywhere(keepCurrent: true) }' },
  'Mutation.markNotificationsRead': {
    query: 'mutation ($u: ID!) { markNotificationsRead(upTo: $u) }',
    variables: () => someone,
    answers: ['NOT_FOUND'],
  },
  'Mutation.postComment': { query: POST_COMMENT, variables: inProject },
  'Mutation.postUpdate': { query: POST_UPDATE, variables: inProject },
  'Mutation.refresh': {
    query: 'mutation ($t: String) { refresh(refreshToken: $t) { user { id } } }',
    variables: () => ({ t: stage.keeper.refreshToken }),
  },
  'Mutation.register': {
    query: 'mutation ($i: RegisterInput!) { register(input: $i) { user { id } } }',
    variables: () => ({ i: { name: 'New', email: `walk${unique()}@example.com`, password: PASSWORD } }),
  },
  'Mutation.removeComment (own)': { query: REMOVE_COMMENT, variables: ({ ownComment }) => byId(ownComment) },
  'Mutation.removeComment (of another)': { query: REMOVE_COMMENT, variables: ({ comment }) => byId(comment) },
  'Mutation.removeProjectMember (own)': {
    query: LEAVE,
    variables: ({ place, leavable }) => ({ p: leavable, u: (place.person ?? stage.bystander).id }),
  },
  'Mutation.removeProjectMember (of another)': {
    query: LEAVE,
    variables: (at) => ({ ...inProject(at), ...someone }),
  },
  'Mutation.removeUpdate': {
    query: 'mutation ($id: ID!) { removeUpdate(id: $id) }',
    variables: ({ update }) => byId(update),
  },
  'Mutation.renewConnection': {
    query: 'mutation ($t: String!) { renewConnection(accessToken: $t) }',
    variables: ({ place }) => ({ t: place.person?.accessToken ?? 'none' }),
    answers: ['BAD_USER_INPUT'],
  },
  'Mutation.requestPasswordReset': { query: 'mutation { requestPasswordReset(email: "nobody@example.com") }' },
  'Mutation.resetPassword': {
    query: `mutation { resetPassword(input: { token: "nobody's", newPassword: "${NEW_PASSWORD}" }) }`,
    answers: ['BAD_USER_INPUT'],
  },
  'Mutation.revokeSession': { query: 'mutation ($u: ID!) { revokeSession(id: $u) }', variables: () => someone },
  'Mutation.setProjectMember': {
    query: 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }',
    variables: (at) => ({ ...inProject(at), u: stage.bystander.id }),
  },
  'Mutation.setUserDisabled': {
    query: 'mutation ($u: ID!) { setUserDisabled(userId: $u, disabled: false) { id } }',
    variables: () => ({ u: stage.bystander.id }),
  },
  'Mutation.setUserRole': {
    query: 'mutation ($u: ID!) { setUserRole(userId: $u, role: USER) { id } }',
    variables: () => ({ u: stage.bystander.id }),
  },
  'Subscription.accessChanged': { query: 'subscription { accessChanged { cursor } }' },
  'Subscription.announcementPosted': { query: 'subscription { announcementPosted { id } }' },
  'Subscription.notificationReceived': { query: 'subscription { notificationReceived { id } }' },
  'Subscription.presenceChanged': {
    query: 'subscription ($p: ID!) { presenceChanged(projectId: $p) { viewers { id } } }',
    variables: inProject,
  },
  'Subscription.projectUpdated': {
    query: 'subscription ($p: ID!, $c: String) { projectUpdated(projectId: $p, after: $c) { seq } }',
    variables: (at) => ({ ...inProject(at), c: stage.cursor }),
    shows: (data) => data.projectUpdated.seq,
  },
  'Subscription.projectsUpdated': {
    query: 'subscription ($c: String) { projectsUpdated(after: $c) { seq } }',
    variables: () => ({ c: stage.cursor }),
    shows: (data) => data.projectsUpdated.seq,
  },
  'Project.budget': {
    query: `${PROJECT} { budget } }`,
    variables: inProject,
    shows: (data) => data.project.budget,
  },
  'ProjectUpdate.internalNote': {
    query: `${PROJECT} { latestUpdate { internalNote } } }`,
    variables: inProject,
    shows: (data) => data.project.latestUpdate.internalNote,
  },
  'User.email (own)': { query: '{ me { email } }', shows: (data) => data.me.email },
  'User.email (of another)': {
    query: 'query ($u: ID!) { user(id: $u) { email } }',
    variables: () => ({ u: stage.keeper.id }),
    shows: (data) => data.user.email,
  },
  'User.sessions (own)': { query: '{ me { sessions { id } } }', shows: (data) => data.me.sessions },
  'User.sessions (of another)': {
    query: 'query ($u: ID!) { user(id: $u) { sessions { id } } }',
    variables: () => ({ u: stage.keeper.id }),
    shows: (data) => data.user.sessions,
  },
};

type Answer = Pick<Reply, 'data' | 'errors'>;

/** What comes first over the socket: a result, or why there is none. An end of the socket is an answer too. */
async function answerOverSocket(
  client: SocketClient,
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer | { readonly closed: number }> {
  const watch = client.subscribe(query, variables);
  // A subscription that shows nothing until something happens.
  const later = query.startsWith('subscription')
    ? client.subscribe(CASES['Subscription.projectUpdated']!.query, { p: someone.u }).ended.catch(() => {})
    : new Promise<never>(() => {});
  try {
    const shown = watch.next() as Promise<Answer>;
    const waits = /\$c|presenceChanged/.test(query)
      ? shown
      : later.then(() => turn()).then(() => ({ data: null, errors: undefined }));
    return await Promise.race([shown, waits]);
  } catch (error) {
    const { cause } = error as { cause: readonly GraphqlError[] | { readonly code: number } };
    return 'code' in cause ? { closed: cause.code } : { data: null, errors: cause };
  } finally {
    watch.stop();
  }
}

async function answerTo(place: Place, over: Transport, one: Case): Promise<Answer | { readonly closed: number }> {
  const { double } = place;
  const session = one.endsSession && double ? await tidings.current.signIn(double.id, double.email) : place.person;
  const variables = one.variables?.({ place, session, ...place.props[over] }) ?? {};
  if (over === 'HTTP') return (session ?? tidings.current.anonymous).send(one.query, variables);
  return answerOverSocket(session && one.endsSession ? session.socket() : place.socket!, one.query, variables);
}

/** The cell for the answer, having looked at what it says. */
function cell(row: Row, one: Case, answer: Awaited<ReturnType<typeof answerTo>>): string {
  if ('closed' in answer) return answer.closed === 4401 && one.endsSession ? ALLOWED : `closed: ${answer.closed}`;
  const [error, ...more] = answer.errors ?? [];
  if (!error) return one.shows && one.shows(answer.data) == null ? 'nothing' : ALLOWED;
  const { code, requires } = error.extensions;
  if (one.answers?.includes(code)) return ALLOWED;
  if (more.length > 0) return 'several errors';
  // The role that is missing is the one that the schema states.
  const role = /\(role: (\w+)\)/.exec(row.rule)?.[1];
  const stated = requires === role;
  return code === 'FORBIDDEN' && !stated ? `requires ${String(requires)}` : cellOf(code);
}

/** What a client is told of a refusal. */
const told = (answer: Awaited<ReturnType<typeof answerTo>>) =>
  'closed' in answer ? [] : answer.errors?.map(({ message, path, extensions }) => ({ message, path, extensions }));

const rows = readPermissions(readFileSync('docs/permissions.md', 'utf8'));
const labelled = (cells: readonly string[]) => cells.map((one, at) => `${STANDINGS[at]!.label}: ${one}`);

describe('the permission matrix', () => {
  it('has a case for each row and no other', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(rows.map(({ field }) => field).toSorted());
  });

  it.each(rows.filter(({ over }) => over !== 'socket'))('holds over HTTP: $field', async (row) => {
    const one = CASES[row.field]!;
    const answers = await Promise.all(stage.places.map((place) => answerTo(place, 'HTTP', one)));
    expect(labelled(answers.map((answer) => cell(row, one, answer)))).toEqual(labelled(row.cells));
  });

  it.each(rows.filter(({ over }) => over !== 'HTTP'))('holds over a socket: $field', async (row) => {
    const one = CASES[row.field]!;
    // Whoever is not signed in has no socket.
    const [, ...signedIn] = stage.places;
    const answers = await Promise.all(signedIn.map((place) => answerTo(place, 'socket', one)));
    expect(labelled(['U', ...answers.map((answer) => cell(row, one, answer))])).toEqual(labelled(row.cells));
    // In the same words as over HTTP.
    const refused = signedIn.filter((_, at) => row.over === 'both' && row.cells[at + 1] !== ALLOWED);
    const overHttp = await Promise.all(refused.map((place) => answerTo(place, 'HTTP', one)));
    expect(refused.map((place) => told(answers[signedIn.indexOf(place)]!))).toEqual(overHttp.map(told));
  });
});

describe('a field restricted to one transport', () => {
  it.each(rows.filter(({ over }) => over === 'HTTP'))('is refused over a socket: $field', async ({ field }) => {
    const [, ...signedIn] = stage.places;
    for (const place of signedIn) {
      const answer = await answerTo(place, 'socket', { ...CASES[field]!, endsSession: false });
      expect(told(answer)).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    }
  });

  it.each(rows.filter(({ over }) => over === 'socket'))('is refused over HTTP: $field', async ({ field }) => {
    for (const place of stage.places) {
      const answer = await answerTo(place, 'HTTP', CASES[field]!);
      expect(told(answer)).toMatchObject([
        { message: expect.stringContaining('WebSocket'), extensions: { code: 'BAD_USER_INPUT' } },
      ]);
    }
  });

  it('refuses a socket without a sign-in', async () => {
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init' });
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });
});

describe('an event', () => {
  const FIELDS = 'project { budget } update { internalNote } actor { email sessions { id } }';
  const PATHS: Readonly<Record<string, string>> = {
    'Project.budget': 'projectUpdated.project.budget',
    'ProjectUpdate.internalNote': 'projectUpdated.update.internalNote',
    'User.email (of another)': 'projectUpdated.actor.email',
    'User.sessions (of another)': 'projectUpdated.actor.sessions',
  };

  it('shows guarded fields by the permission matrix', async () => {
    const query = `subscription ($p: ID!, $c: String) { projectUpdated(projectId: $p, after: $c) { ${FIELDS} } }`;
    const guarded = rows.filter(({ field }) => !/^(Query|Mutation|Subscription)\./.test(field));
    expect(guarded.filter(({ field }) => !field.endsWith('(own)')).map(({ field }) => field)).toEqual(
      Object.keys(PATHS),
    );
    for (const [at, place] of stage.places.entries()) {
      const visible = rows.find(({ field }) => field === 'Subscription.projectUpdated')!.cells[at] === ALLOWED;
      if (!visible) continue;
      const variables = { p: place.project, c: stage.cursor };
      const answer = await answerOverSocket(place.socket!, query, variables);
      if ('closed' in answer || !answer.data) throw new Error(`Nothing came to ${place.standing.label}`);
      const { errors = [] } = answer;
      const denied = new Map(errors.map(({ path, extensions }) => [path?.join('.'), cellOf(extensions.code)]));
      const cells = Object.entries(PATHS).map(([field, path]) => [field, denied.get(path) ?? ALLOWED]);
      const wanted = guarded.map(({ field, cells: all }) => [field, all[at]]);
      expect([place.standing.label, ...cells]).toEqual([
        place.standing.label,
        ...wanted.filter(([field]) => PATHS[field!]),
      ]);
    }
  });
});

/** How often `Project.budget` was denied, as Prometheus is told. */
const denials = async () => {
  const page = await fetch(`${tidings.current.url}/metrics`).then((response) => response.text());
  return Number(/tidings_denied_fields_total\{field="Project.budget"\} (\d+)/.exec(page)?.[1] ?? 0);
};

describe('a refused field', () => {
  it('is counted by field', async () => {
    const viewer = stage.places.find(({ standing }) => standing.label === 'EDITOR, VIEWER')!;
    const editor = stage.places.find(({ standing }) => standing.label === 'EDITOR, EDITOR')!;
    const before = await denials();
    for (const place of [viewer, viewer, editor]) await answerTo(place, 'HTTP', CASES['Project.budget']!);
    expect(await denials()).toBe(before + 2);
  });

  it.each([
    ['Query.users', 'QUERY_REFUSED'],
    ['Mutation.setUserRole', 'MUTATION_REFUSED'],
  ])('of %s is in the audit log', async (field, action) => {
    const place = stage.places.find(({ standing }) => standing.label === 'USER')!;
    const sql = 'select action, outcome, details, count from audit_entry where actor_id = $1';
    for (const over of ['HTTP', 'socket'] as const) {
      // Whose first refusal it is: repetitions are counted in its entry.
      const person = await tidings.current.asUser();
      await answerTo({ ...place, person, socket: person.socket() }, over, CASES[field]!);
      expect(await tidings.current.database.query(sql, [person.id])).toEqual([
        { action, outcome: 'REFUSED', details: { field: field.split('.')[1] }, count: 1 },
      ]);
    }
  });
});
