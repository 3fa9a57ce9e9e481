// An attack: a former member who knows all ids and cursors of a project requests everything in every way.
import * as fc from 'fast-check';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { addMember, createProject, postUpdate } from './support/factories.js';
import { tries } from './support/extent.js';
import type { Data } from './support/graphql-client.js';
import { hostileOperations, type HostileOperation, type ResponseSize } from './support/hostile-operations.js';
import { assertNothingLogged } from './support/live.js';
import { SocketClient } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
/** In everything that the project has, and in nothing else. Names are no secret: one can make any account a member of one's own project. */
/** No number that anything else has in it, an id or a count. */
const BUDGET = 471_108_150;
const SECRET = new RegExp(`Classified|${BUDGET}`);
/** What ends the attacker's own session, or takes a password's time. */
const SPARED = new Set([
  'changePassword',
  'login',
  'logout',
  'logoutEverywhere',
  'refresh',
  'register',
  'renewConnection',
  'requestPasswordReset',
  'resetPassword',
  'revokeSession',
]);
const COMMENT = 'mutation ($input: PostCommentInput!) { postComment(input: $input) { id } }';
const CURSORS = `query ($id: ID!) { projects { edges { cursor } } project(id: $id) { lastCursor
  updates { edges { cursor } } comments { edges { cursor } } members { edges { cursor } } } }`;
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const SEEN = `query ($id: ID!) { project(id: $id) { version members { nodes { role user { id } } }
  updates { nodes { id version } } comments { nodes { id } } } }`;

let victim: Person;
let attacker: Person;
let socket: SocketClient;
let projectId: string;
let loot: ResponseSize;

beforeAll(async () => {
  victim = await tidings.current.asUser('EDITOR', 'Victim');
  attacker = await tidings.current.asUser('EDITOR', 'Attacker');
  const own = await createProject(attacker);
  const secret = await createProject(victim, { name: 'Classified', description: 'Classified', budget: BUDGET });
  projectId = secret.id;
  await addMember(victim, projectId, attacker, 'OWNER');
  const ids: string[] = [own.id, await postUpdate(attacker, own.id), attacker.id, victim.id, projectId];
  for (const author of [attacker, victim]) {
    const input = { title: 'Classified', internalNote: 'Classified', idempotencyKey: 'key' };
    const updateId = await postUpdate(author, projectId, input);
    const comment = { projectId, updateId, body: 'Classified', idempotencyKey: 'key' };
    ids.push(updateId, (await author.data(COMMENT, { input: comment })).postComment.id);
  }
  const seen = JSON.stringify(await attacker.data(CURSORS, { id: projectId }));
  const cursors = [...seen.matchAll(/"(?:lastC|c)ursor":"([^"]+)"/g)].map(([, cursor]) => cursor!);
  loot = { ids, texts: [...cursors, own.lastCursor, secret.lastCursor, secret.key, 'key', '%', '_', '\\', `'`, 'x'] };
  await victim.data(REMOVE, { p: projectId, u: attacker.id });
  await postUpdate(victim, projectId, { title: 'Classified', internalNote: 'Classified' });
  socket = new SocketClient(tidings.current.url, attacker.accessToken, { lazy: false, onNonLazyError: () => {} });
});
afterAll(() => socket.close());
afterEach(() => assertNothingLogged(tidings.current));

/** Everything that came, as text. A subscription is given until an operation behind it has been answered. */
async function answerTo({ kind, query, variables }: HostileOperation): Promise<string> {
  if (kind !== 'subscription') {
    const { data, errors } = await attacker.send(query, variables);
    return JSON.stringify({ data, errors });
  }
  const watch = socket.subscribe(query, variables);
  const ended = watch.ended.catch(({ cause }: { cause: Data }) => cause as unknown);
  await socket.subscribe('{ projects(first: 1) { nodes { id } } }').next();
  watch.stop();
  return JSON.stringify([watch.pending, await ended]);
}

it('a former member can neither read nor change the project by any operation', async () => {
  const schema = tidings.current.app.get(GraphQLSchemaHost).schema;
  const before = await victim.data(SEEN, { id: projectId });
  const codes = new Map<string, number>();
  const operations = hostileOperations(schema, loot, SPARED);
  const property = fc.asyncProperty(operations, async (operation) => {
    const answer = await answerTo(operation);
    expect(answer).not.toMatch(SECRET);
    const [, code = 'OK'] = /"code":"(\w+)"/.exec(answer) ?? [];
    expect(code).not.toBe('INTERNAL_SERVER_ERROR');
    codes.set(code, (codes.get(code) ?? 0) + 1);
  });
  const numRuns = tries(400);
  await fc.assert(property, { numRuns });
  expect(await victim.data(SEEN, { id: projectId })).toEqual(before);
  // That all this was about something: most of it was well-formed, and some of it allowed.
  for (const code of ['OK', 'NOT_FOUND', 'FORBIDDEN']) expect(codes.get(code)).toBeGreaterThan(numRuns / 25);
});
