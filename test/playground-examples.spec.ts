// The playground's examples: every operation of every tab is valid and does, with the demo data, what its comments say.
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { buildSchema, Kind, type OperationDefinitionNode, OperationTypeNode, parse, validate } from 'graphql';
import { redactText } from '../web/playground/src/redact.js';
import { DEMO_PASSWORD } from '../src/demo/people.js';
import { GraphqlClient, type Reply } from './support/graphql-client.js';
import { SocketClient } from './support/socket-client.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const FOLDER = 'web/playground/src/examples';
const schema = buildSchema(readFileSync('schema.gql', 'utf8'));

const examples = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.graphql'))
  .map((name) => {
    const query = readFileSync(`${FOLDER}/${name}`, 'utf8');
    const variables = readFileSync(`${FOLDER}/${name.replace('.graphql', '.json')}`, 'utf8');
    return { name: basename(name, '.graphql'), query, document: parse(query), variables };
  });
const operations = examples.flatMap((example) =>
  example.document.definitions
    .filter((definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION)
    .map(({ name, operation }) => ({ ...example, operationName: name!.value, operation })),
);
const ofType = (type: OperationTypeNode) =>
  operations.filter(({ operation }) => operation === type).map((one) => [one.operationName, one] as const);

/** What fails on purpose. */
const CODES: Readonly<Record<string, string>> = {
  Errors: 'NOT_FOUND',
  BadInput: 'BAD_USER_INPUT',
  Conflict: 'CONFLICT',
  Forbidden: 'FORBIDDEN',
  TooComplex: 'QUERY_TOO_COMPLEX',
  // Nobody has this address and this password.
  SignIn: 'INVALID_CREDENTIALS',
  // The id is to be replaced.
  MarkRead: 'NOT_FOUND',
};

const tidings = useTidings(() => ({ env: { DEMO: 'true' } }));
let projectId: string;
const sockets: SocketClient[] = [];
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()));
});
beforeAll(async () => {
  const { data } = await (await signIn('editor')).send('{ project(key: "RIDER") { id } }');
  projectId = data.project.id;
});

async function signIn(name: 'admin' | 'editor' | 'user'): Promise<GraphqlClient> {
  const { anonymous, url } = tidings.current;
  const input = { email: `${name}@example.com`, password: DEMO_PASSWORD };
  const { login } = await anonymous.data('mutation ($i: LoginInput!) { login(input: $i) { accessToken } }', {
    i: input,
  });
  return new GraphqlClient(url, login.accessToken);
}

/** With the id of a project where the page would fill it in. */
const variablesOf = ({ variables }: { variables: string }): Record<string, unknown> =>
  JSON.parse(variables.replaceAll('"PROJECT"', JSON.stringify(projectId)));

const run = (client: GraphqlClient, one: (typeof operations)[number]): Promise<Reply> =>
  client.post(JSON.stringify({ query: one.query, operationName: one.operationName, variables: variablesOf(one) }));

const codesOf = ({ errors = [] }: Reply): string[] => errors.map(({ extensions }) => extensions.code);

it.each(examples.map((one) => [one.name, one] as const))(
  'example %s is valid against the schema',
  (_name, { document }) => {
    expect(validate(schema, document)).toEqual([]);
  },
);

it.each(examples.map((one) => [one.name, one] as const))('example %s is not masked as a secret', (_name, { query }) => {
  expect(redactText(query)).toBe(query);
});

it('examples have a tab for each capability', () => {
  expect(examples.map(({ name }) => name).sort()).toEqual([
    'errors',
    'guarded-fields',
    'live-updates',
    'notifications',
    'presence',
    'projects',
    'sessions',
  ]);
  const index = readFileSync(`${FOLDER}/index.ts`, 'utf8');
  for (const { name } of examples) expect(index).toContain(`'./${name}.graphql?raw'`);
});

it.each([...ofType(OperationTypeNode.QUERY), ...ofType(OperationTypeNode.MUTATION)])(
  'example %s works as its comment says for an EDITOR of the demo',
  async (name, one) => {
    const reply = await run(await signIn('editor'), one);
    expect(codesOf(reply)).toEqual(CODES[name] ? [CODES[name]] : []);
    expect(Object.values(reply.data ?? {}).includes(null)).toBe(name === 'Errors');
  },
);

it('the sign-in example uses the demo password in place of the printed one', async () => {
  const one = operations.find(({ operationName }) => operationName === 'SignIn')!;
  const login = { email: 'user@example.com', password: DEMO_PASSWORD };
  const body = JSON.stringify({ query: one.query, operationName: 'SignIn', variables: { login } });
  const { data, errors } = await tidings.current.anonymous.post(body);
  expect(errors).toBeUndefined();
  expect(data.login.accessToken).toMatch(/^eyJ/);
});

const comment = (body: string) => async () =>
  (await signIn('user')).data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', {
    i: { projectId, body },
  });
/** Gives Elias a role in a project of which he is no member yet, and takes it away. */
const changeRole = async (): Promise<void> => {
  const admin = await signIn('admin');
  const { me } = await (await signIn('editor')).data('{ me { id } }');
  const { project } = await admin.data('{ project(key: "BILLING") { id } }');
  const ids = { p: project.id, u: me.id };
  await admin.data(
    'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }',
    ids,
  );
  await admin.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', ids);
};
const ACTS: Readonly<Record<string, () => Promise<unknown>>> = {
  LiveUpdates: comment('Said.'),
  OneProject: comment('Said.'),
  GuardedEvents: comment('Said.'),
  AccessChanges: changeRole,
  WhoIsWatching: async () => {},
  NewNotifications: comment('@Elias Brandt, have a look.'),
};

// oxlint-disable-next-line typescript/no-explicit-any -- JSON of whatever the example asks for
async function firstOf(one: (typeof operations)[number], act: () => Promise<unknown>): Promise<any> {
  const { accessToken } = await signIn('editor');
  const socket = new SocketClient(tidings.current.url, accessToken);
  sockets.push(socket);
  let first: unknown;
  const { query, operationName } = one;
  socket.client.subscribe(
    { query, operationName, variables: variablesOf(one) },
    { next: (result) => (first ??= result), error: (errors) => (first ??= { errors }), complete: () => {} },
  );
  // It takes a moment until the subscription is open: what happens before is not for it.
  await until(async () => first !== undefined || (await act(), first !== undefined), `${operationName} told something`);
  return first;
}

describe('a subscription example', () => {
  it.each(ofType(OperationTypeNode.SUBSCRIPTION).filter(([name]) => name !== 'ExpiredCursor'))(
    '%s receives events',
    async (name, one) => {
      const act = ACTS[name];
      if (!act) throw new Error(`Nothing is known to cause an event of ${name}`);
      const { data, errors } = await firstOf(one, act);
      expect(errors).toBeUndefined();
      expect(Object.values(data)).not.toContain(null);
    },
  );

  it('ExpiredCursor is refused with the code that its comment names', async () => {
    const one = operations.find(({ operationName }) => operationName === 'ExpiredCursor')!;
    const { errors } = await firstOf(one, async () => {});
    expect(errors.map(({ extensions }: { extensions: { code: string } }) => extensions.code)).toEqual([
      'CURSOR_EXPIRED',
    ]);
  });
});

describe('the example of guarded fields', () => {
  const one = operations.find(({ operationName }) => operationName === 'GuardedFields')!;

  it('shows them to OWNERs and EDITORs', async () => {
    const reply = await run(await signIn('editor'), one);
    expect(reply.errors).toBeUndefined();
    expect(reply.data).toMatchObject({
      me: { role: 'EDITOR' },
      one: { key: 'RIDER', viewerRole: 'OWNER', budget: 640_000 },
      other: { key: 'HARBOUR', viewerRole: 'EDITOR', budget: expect.any(Number) },
    });
  });

  it('shows null with FORBIDDEN to a VIEWER, and NOT_FOUND to an outsider', async () => {
    const reply = await run(await signIn('user'), one);
    expect(reply.data).toMatchObject({
      me: { role: 'USER' },
      one: { key: 'RIDER', viewerRole: 'VIEWER', budget: null, latestUpdate: { internalNote: null } },
      other: null,
    });
    const told = reply.errors!.map(({ path, extensions }) => `${path?.join('.')} ${extensions.code}`);
    expect(told.sort()).toEqual(['one.budget FORBIDDEN', 'one.latestUpdate.internalNote FORBIDDEN', 'other NOT_FOUND']);
  });

  it('shows all of them to an ADMIN', async () => {
    const reply = await run(await signIn('admin'), one);
    expect(reply.errors).toBeUndefined();
    expect(reply.data).toMatchObject({ me: { role: 'ADMIN' }, other: { budget: expect.any(Number) } });
  });
});
