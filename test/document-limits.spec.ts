// Limits on documents, end to end: the same over HTTP and WebSocket, lower without a sign-in, and with bounded memory
// for cached documents.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getIntrospectionQuery } from 'graphql';
import { codes, request, STRICT } from './support/answers.js';
import { subscribe } from './support/bystander.js';
import { createProject } from './support/factories.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const aliases = (count: number, field: string) =>
  Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(' ');
const both = (at: number) => `...F${at} ...G${at}`;
const CREATE = (at: number) => `c${at}: createProject(input: { key: "K${at}", name: "Many" }) { id }`;

let editor: Person;
beforeAll(async () => {
  editor = await tidings.current.asUser('EDITOR');
});

const overHttp = (body: unknown, headers: Record<string, string> = {}) =>
  request(`${tidings.current.url}/graphql`, {
    method: 'POST',
    headers: { ...STRICT, ...headers },
    body: JSON.stringify(body),
  });

async function signedInSocket(): Promise<RawSocket> {
  const socket = await RawSocket.open(tidings.current.url);
  socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${editor.accessToken}` } });
  await socket.next('connection_ack');
  return socket;
}

async function onSocket(payload: unknown): Promise<unknown> {
  const socket = await signedInSocket();
  socket.send(subscribe('1', payload));
  const { payload: errors } = await socket.next('error');
  await socket.close();
  return errors;
}

describe('a refused document', () => {
  it.each<[string, string]>([
    ['11 mutations', `mutation { ${Array.from({ length: 11 }, (_, at) => CREATE(at)).join(' ')} }`],
    ['11 mutations in a fragment', `mutation { ...F } fragment F on Mutation { ${aliases(11, 'logout')} }`],
    ['251 root fields', `{ ${aliases(251, 'me { id }')} }`],
    ['11 operations', Array.from({ length: 11 }, (_, at) => `query Q${at} { me { id } }`).join(' ')],
    ['more than 4,000 tokens', `{ me { ${aliases(1_400, 'id')} } }`],
    ['fields that cannot be merged', '{ me { a: id a: name } }'],
    ['a field a thousand times over', `{ me { ${'id '.repeat(1_000)} } }`],
    ['fragments that select too much when they are merged', merged(30)],
    [
      'the descriptions of all fields 400 times',
      `{ __schema { types { fields { ${aliases(400, 'description')} } } } }`,
    ],
    ['a name that is not known', `{ nobody ${' '.repeat(2_000)} me { nobody } }`],
  ])('%s: has the same error over HTTP and over a socket', async (_what, query) => {
    const answer = await overHttp({ query }, { authorization: `Bearer ${editor.accessToken}` });
    expect(answer.status).toBe(400);
    expect(await onSocket({ query })).toEqual((JSON.parse(answer.text) as { errors: unknown }).errors);
  });

  it('runs no mutation', async () => {
    const { projects } = await editor.data('{ projects { nodes { id } } }');
    expect(projects.nodes).toEqual([]);
  });
});

describe('an anonymous client', () => {
  it('may send the introspection of common tools', async () => {
    const { data, errors } = await tidings.current.anonymous.send(getIntrospectionQuery());
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data).length).toBeGreaterThan(100_000);
  });

  it.each([
    ['more than 500 tokens', `{ me { ${aliases(170, 'id')} } }`],
    ['more than 192 KiB about the schema', `{ __schema { types { ${aliases(150, 'description')} } } }`],
  ])('must sign in for %s', async (_what, query) => {
    const answer = await overHttp({ query });
    expect([answer.status, codes(answer)]).toEqual([400, ['UNAUTHENTICATED']]);
    const { data } = await editor.send(query);
    expect(data).toBeTruthy();
  });

  it('with an expired token is told to refresh', async () => {
    const authorization = `Bearer ${editor.accessToken!.slice(0, -4)}AAAA`;
    expect(codes(await overHttp({ query: `{ me { ${aliases(170, 'id')} } }` }, { authorization }))).toEqual([
      'UNAUTHENTICATED',
    ]);
  });
});

describe('the document cache', () => {
  it('keeps no document that was sent once', async () => {
    const before = heapUsed();
    // Parsed, each takes about 1 MB as graphql-js parses it.
    for (let at = 0; at < 40; at += 1) await editor.data(`{ me { ${aliases(1_300, 'id')} } b${at}: me { id } }`);
    expect(heapUsed() - before).toBeLessThan(16 << 20);
  });
});

describe('a subscription', () => {
  it('shares one normalized document without its source text with equal subscriptions', async () => {
    const project = await createProject(editor);
    const fields = aliases(300, 'seq');
    const query = (spaces: number) =>
      `subscription W($id: ID!) {${' '.repeat(spaces)} projectUpdated(projectId: $id) { ${fields} } }`;
    const before = heapUsed();
    const socket = await signedInSocket();
    // Texts of 100 KB that differ in nothing but their layout.
    for (let at = 0; at < 90; at += 1) {
      socket.send(subscribe(String(at), { query: query(100_000 + at), variables: { id: project.id } }));
    }
    await tidings.current.watching(90);

    expect((heapUsed() - before) / 90).toBeLessThan(60_000);
    await socket.close();
    await tidings.current.watching(0);
  });
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Fragments that are merged in every combination. */
function merged(levels: number): string {
  const below = (at: number) => `latestUpdate { a: project { ${both(at)} } b: project { ${both(at)} } }`;
  const fragments = Array.from({ length: levels }, (_, at) =>
    ['F', 'G'].map((name) => `fragment ${name}${at} on Project { ${below(at + 1)} }`).join(' '),
  );
  const last = `fragment F${levels} on Project { id } fragment G${levels} on Project { key }`;
  return `{ project(id: "1") { ${both(0)} } } ${fragments.join(' ')} ${last}`;
}
