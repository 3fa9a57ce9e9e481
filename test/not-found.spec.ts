// Invisible objects are indistinguishable from absent ones: same errors and same statements, by every path to them.
import { v7 as uuid } from 'uuid';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { assertNothingLogged } from './support/live.js';
import { SocketClient } from './support/socket-client.js';
import { fewestStatementsOf, statementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';
import { within } from './support/wait.js';

const tidings = useTidings();
afterEach(() => assertNothingLogged(tidings.current));

/** Of the victim: everything that has an id, a key or a cursor. */
interface Secrets {
  readonly project: string;
  readonly key: string;
  readonly update: string;
  readonly comment: string;
  readonly member: string;
  readonly session: string;
}

let victim: Person;
/** An EDITOR of a project, and no member of the victim's. */
let attacker: Person;
let own: TestProject;
let ownUpdate: string;
let secrets: Secrets;
/** As if they were: nothing has these. */
let nothing: Secrets;
let socket: SocketClient;

beforeAll(async () => {
  [victim, attacker] = [await tidings.current.asUser('EDITOR', 'Vera Victim'), await tidings.current.asUser('EDITOR')];
  const owner = await tidings.current.asUser('EDITOR');
  own = await createProject(owner);
  await addMember(owner, own.id, attacker, 'EDITOR');
  ownUpdate = await postUpdate(owner, own.id);
  const project = await createProject(victim, { name: 'Zeppelin', description: 'Classified', budget: 471_108_150 });
  const update = await postUpdate(victim, project.id, {
    title: 'Classified',
    health: 'OFF_TRACK',
    idempotencyKey: 'known',
  });
  const input = { projectId: project.id, updateId: update, body: 'Classified', idempotencyKey: 'known' };
  const posted = 'mutation ($input: PostCommentInput!) { postComment(input: $input) { id } }';
  const comment: string = (await victim.data(posted, { input })).postComment.id;
  secrets = { project: project.id, key: project.key, update, comment, member: victim.id, session: victim.sessionId };
  nothing = { project: uuid(), key: 'NOTHING', update: uuid(), comment: uuid(), member: uuid(), session: uuid() };
  socket = new SocketClient(tidings.current.url, attacker.accessToken, { lazy: false, onNonLazyError: () => {} });
});
afterAll(() => socket.close());

interface Way {
  readonly query: string;
  readonly variables: (at: Secrets) => Record<string, unknown>;
}

const pageCursor = (id: string) => Buffer.from(JSON.stringify([id])).toString('base64url');
const inProject = ({ project }: Secrets) => ({ id: project });
const post = (more: (at: Secrets) => Record<string, unknown>) => (at: Secrets) => ({
  input: { projectId: at.project, title: 'x', health: 'AT_RISK', ...more(at) },
});
const say = (more: (at: Secrets) => Record<string, unknown>) => (at: Secrets) => ({
  input: { projectId: at.project, body: 'x', ...more(at) },
});
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const COMMENT = 'mutation ($input: PostCommentInput!) { postComment(input: $input) { id update { title } } }';
const EDIT = 'mutation ($id: ID!, $v: Int) { editProject(id: $id, input: { name: "x" }, version: $v) { id } }';
const EDIT_UPDATE = 'mutation ($id: ID!, $v: Int) { editUpdate(id: $id, input: { title: "x" }, version: $v) { id } }';
const SET =
  'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: OWNER) { user { name email } } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const LIST =
  'query ($f: ProjectFilter, $a: String, $b: String, $n: Int) { projects(filter: $f, after: $a, before: $b, first: $n) { nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } } }';
const IN_OWN =
  'query ($id: ID!, $a: String) { project(id: $id) { %s(after: $a) { nodes { __typename } pageInfo { hasNextPage } } } }';
const pageOf = (field: string) => IN_OWN.replace('%s', field);

const WAYS: Readonly<Record<string, Way>> = {
  'project by id': { query: 'query ($id: ID!) { project(id: $id) { id name budget } }', variables: inProject },
  'project by key': {
    query: 'query ($k: String!) { project(key: $k) { id name } }',
    variables: ({ key }) => ({ k: key }),
  },
  'project by its key in small letters': {
    query: 'query ($k: String!) { project(key: $k) { id name } }',
    variables: ({ key }) => ({ k: ` ${key.toLowerCase()} ` }),
  },
  'nested path from the project': {
    query:
      'query ($id: ID!) { project(id: $id) { updates(first: 5) { nodes { comments(first: 5) { nodes { author { sessions { id } } } } } } members { nodes { user { email } } } } }',
    variables: inProject,
  },
  'project as a node': { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: inProject },
  'update as a node': {
    query: 'query ($id: ID!) { node(id: $id) { id } }',
    variables: ({ update }) => ({ id: update }),
  },
  'update by id': { query: 'query ($id: ID!) { update(id: $id) { id } }', variables: ({ update }) => ({ id: update }) },
  'comment by id': {
    query: 'query ($id: ID!) { comment(id: $id) { id } }',
    variables: ({ comment }) => ({ id: comment }),
  },
  'what has happened there': {
    query: 'query ($id: ID!) { projectEvents(projectId: $id) { nodes { seq } } }',
    variables: inProject,
  },
  account: { query: 'query ($id: ID!) { user(id: $id) { name email } }', variables: ({ member }) => ({ id: member }) },
  'filter by name': { query: LIST, variables: ({ key }) => ({ f: { search: key === 'NOTHING' ? key : 'Zeppelin' } }) },
  'filter by key': { query: LIST, variables: ({ key }) => ({ f: { search: key } }) },
  'filter by health': {
    query: LIST,
    variables: ({ key }) => ({ f: { health: [key === 'NOTHING' ? 'AT_RISK' : 'OFF_TRACK'] } }),
  },
  'page after it': { query: LIST, variables: ({ project }) => ({ a: pageCursor(project), n: 1 }) },
  'page of a list after its entries': {
    query: pageOf('updates'),
    variables: ({ update }) => ({ id: own.id, a: pageCursor(update) }),
  },
  'page of a chat after its comments': {
    query: pageOf('comments'),
    variables: ({ comment }) => ({ id: own.id, a: pageCursor(comment) }),
  },
  'project to edit': { query: EDIT, variables: inProject },
  'project to edit, at its version': { query: EDIT, variables: ({ project }) => ({ id: project, v: 1 }) },
  'project to edit, at another version': { query: EDIT, variables: ({ project }) => ({ id: project, v: 7 }) },
  'update to edit': { query: EDIT_UPDATE, variables: ({ update }) => ({ id: update }) },
  'update to edit, at its version': { query: EDIT_UPDATE, variables: ({ update }) => ({ id: update, v: 1 }) },
  'update to edit, at another version': { query: EDIT_UPDATE, variables: ({ update }) => ({ id: update, v: 7 }) },
  'update to remove': {
    query: 'mutation ($id: ID!) { removeUpdate(id: $id) }',
    variables: ({ update }) => ({ id: update }),
  },
  'comment to edit': {
    query: 'mutation ($id: ID!) { editComment(id: $id, input: { body: "x" }, version: 7) { id } }',
    variables: ({ comment }) => ({ id: comment }),
  },
  'comment to remove': {
    query: 'mutation ($id: ID!) { removeComment(id: $id) }',
    variables: ({ comment }) => ({ id: comment }),
  },
  'project to post to': { query: POST, variables: post(() => ({})) },
  'project to post to, by a key that was used there': {
    query: POST,
    variables: post(() => ({ idempotencyKey: 'known' })),
  },
  'project to say something in': { query: COMMENT, variables: say(() => ({})) },
  'update to say something about, there': { query: COMMENT, variables: say(({ update }) => ({ updateId: update })) },
  'update to say something about, here': {
    query: COMMENT,
    variables: say(({ update }) => ({ projectId: own.id, updateId: update })),
  },
  'update to say something about, here, by a key that was used there': {
    query: COMMENT,
    variables: say(({ update }) => ({ projectId: own.id, updateId: update, idempotencyKey: 'known' })),
  },
  'update of here, in a project': { query: COMMENT, variables: say(() => ({ updateId: ownUpdate })) },
  'member to mention there': { query: COMMENT, variables: say(() => ({ body: 'Hello @Vera Victim' })) },
  'name to mention, here': {
    query: 'mutation ($input: PostCommentInput!) { postComment(input: $input) { __typename } }',
    variables: say(({ key }) => ({
      projectId: own.id,
      body: `Hello @${key === 'NOTHING' ? 'Nobody' : 'Vera Victim'}`,
    })),
  },
  'project to join': { query: SET, variables: ({ project }) => ({ p: project, u: attacker.id }) },
  'member to demote': { query: SET, variables: ({ project, member }) => ({ p: project, u: member }) },
  'project to leave': { query: REMOVE, variables: ({ project }) => ({ p: project, u: attacker.id }) },
  'member to remove': { query: REMOVE, variables: ({ project, member }) => ({ p: project, u: member }) },
  'project to delete': { query: 'mutation ($id: ID!) { deleteProject(id: $id) }', variables: inProject },
  'session to revoke': {
    query: 'mutation ($id: ID!) { revokeSession(id: $id) }',
    variables: ({ session }) => ({ id: session }),
  },
};

const SUBSCRIPTIONS: Readonly<Record<string, Way>> = {
  'project to watch': {
    query: 'subscription ($id: ID!) { projectUpdated(projectId: $id) { project { name } } }',
    variables: inProject,
  },
  'project to watch from its own cursor': {
    query: 'subscription ($id: ID!, $c: String) { projectUpdated(projectId: $id, after: $c) { project { name } } }',
    variables: ({ project }) => ({ id: project, c: own.lastCursor }),
  },
  'project to watch from no cursor': {
    query: 'subscription ($id: ID!) { projectUpdated(projectId: $id, after: "nowhere") { project { name } } }',
    variables: inProject,
  },
  'project whose viewers to watch': {
    query: 'subscription ($id: ID!) { presenceChanged(projectId: $id) { viewers { name } } }',
    variables: inProject,
  },
};

/** What is said, without what was asked for. */
const words = (value: unknown, at: Secrets): unknown =>
  JSON.parse(Object.values(at).reduce((text: string, id: string) => text.replaceAll(id, '…'), JSON.stringify(value)));

const withoutValues = (sql: string) => sql.replaceAll(/'(?:[^']|'')*'/g, '?');

type Ask = (way: Way, at: Secrets) => Promise<unknown>;

/** The answer, and the statements that it took; told apart from those of the node itself by asking again when they differ. */
async function compare(way: Way, ask: Ask): Promise<void> {
  // The first time reads what every later one finds in memory.
  expect(words(await ask(way, secrets), secrets)).toEqual(words(await ask(way, nothing), nothing));
  for (let tries = 1; ; tries += 1) {
    const hidden = (await statementsOf(() => ask(way, secrets))).map(withoutValues);
    const absent = (await statementsOf(() => ask(way, nothing))).map(withoutValues);
    if (tries < 4 && hidden.join('\n') !== absent.join('\n')) continue;
    expect(hidden).toEqual(absent);
    return;
  }
}

const overHttp: Ask = async ({ query, variables }, at) => {
  const { data, errors } = await attacker.send(query, variables(at));
  return { data, errors };
};
const overSocket: Ask = async ({ query, variables }, at) => {
  const watch = socket.subscribe(query, variables(at));
  try {
    return await within(60_000, watch.next(), 'an answer came');
  } catch (error) {
    return { data: null, errors: (error as { cause: Data }).cause };
  } finally {
    watch.stop();
  }
};

const askFor = (member: string) => () => overHttp(WAYS['account']!, { ...secrets, member });

describe('NOT_FOUND for objects of an invisible project', () => {
  it.each(Object.entries(WAYS))('equals that for absent ones: %s', async (_what, way) => {
    await compare(way, overHttp);
    const answer = words(await overHttp(way, secrets), secrets);
    expect(words(await overSocket(way, secrets), secrets)).toEqual(answer);
    // What is refused before it is executed would tell nothing.
    expect(JSON.stringify(answer)).not.toContain('QUERY_TOO_COMPLEX');
  });

  it.each(Object.entries(SUBSCRIPTIONS))('equals that for absent ones: %s', async (_what, way) => {
    await compare(way, overSocket);
    expect(await overSocket(way, secrets)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  it('is answered from memory, without a statement', async () => {
    const byId = ['project by id', 'project to edit', 'project to post to', 'project to join', 'project to leave'];
    for (const what of byId) {
      expect(await fewestStatementsOf(() => overHttp(WAYS[what]!, secrets), 2)).toEqual([]);
    }
  });

  it('includes accounts that nobody has loaded yet', async () => {
    for (let tries = 1; ; tries += 1) {
      const { id } = await tidings.current.asUser('USER', 'Vera too');
      const [hidden, absent] = [await statementsOf(askFor(id)), await statementsOf(askFor(uuid()))];
      // The node itself may have had something to write down meanwhile.
      if (tries < 4 && hidden.length !== absent.length) continue;
      expect(hidden.map(withoutValues)).toEqual(absent.map(withoutValues));
      return;
    }
  });

  it('includes an account whose shared project was deleted', async () => {
    const admin = await tidings.current.asUser('ADMIN');
    const shared = await createProject(victim);
    await addMember(victim, shared.id, attacker, 'VIEWER');
    expect(await overHttp(WAYS['account']!, secrets)).toMatchObject({ data: { user: { name: 'Vera Victim' } } });
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: shared.id });
    expect(await overHttp(WAYS['account']!, secrets)).toEqual({ data: { user: null }, errors: undefined });
  });

  it('leaves the objects unchanged and appears in no message', async () => {
    for (const way of Object.values(WAYS)) {
      expect(JSON.stringify(await overHttp(way, secrets))).not.toMatch(/Classified|Zeppelin|Vera|471108150/);
    }
    const { project } = await victim.data(
      'query ($id: ID!) { project(id: $id) { name version members { nodes { role } } updates { nodes { title version comments { nodes { body } } } } } }',
      { id: secrets.project },
    );
    expect(project).toEqual({
      name: 'Zeppelin',
      version: 1,
      members: { nodes: [{ role: 'OWNER' }] },
      updates: { nodes: [{ title: 'Classified', version: 1, comments: { nodes: [{ body: 'Classified' }] } }] },
    });
  });
});
