// Absent, null and empty request parameters, and their errors: the same by POST, by GET and over WebSocket.
import { request, STRICT } from './support/answers.js';
import type { Data } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
let person: Person;
let socket: RawSocket;
beforeAll(async () => {
  person = await tidings.current.asUser();
  socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
});
afterAll(() => socket.close());

interface Outcome {
  readonly data?: Data;
  readonly errors?: readonly { readonly message: string; readonly code: unknown }[];
}

const outcome = ({ data, errors }: { data?: Data; errors?: readonly Data[] }): Outcome => ({
  ...(data ? { data } : {}),
  ...(errors?.length ? { errors: errors.map(({ message, extensions: { code } }) => ({ message, code })) } : {}),
});

async function byPost(parameters: Record<string, unknown>): Promise<Outcome> {
  const headers = { ...STRICT, authorization: `Bearer ${person.accessToken}` };
  const body = JSON.stringify(parameters);
  const { text } = await request(`${tidings.current.url}/graphql`, { method: 'POST', headers, body });
  return outcome(JSON.parse(text));
}

/** A string is sent as it is, everything else as JSON. */
async function byGet(parameters: Record<string, unknown>): Promise<Outcome> {
  const sent = Object.entries(parameters).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `${name}=${encodeURIComponent(text)}`;
  });
  const headers = { ...STRICT, 'x-tidings-csrf': '1', authorization: `Bearer ${person.accessToken}` };
  const { text } = await request(`${tidings.current.url}/graphql?${sent.join('&')}`, { method: 'GET', headers });
  return outcome(JSON.parse(text));
}

let last = 0;
async function bySocket(payload: Record<string, unknown>): Promise<Outcome> {
  const id = String((last += 1));
  socket.send({ id, type: 'subscribe', payload });
  const answer = () => socket.messages.find((message) => message.id === id && message.type !== 'complete');
  await until(() => answer() !== undefined, 'the operation was answered');
  const { type, payload: result } = answer()!;
  return outcome((type === 'next' ? result : { errors: result }) as Parameters<typeof outcome>[0]);
}

const ONE = 'query One { __typename }';
const TWO = 'query One { __typename } query Two { __typename }';
const answered: Outcome = { data: { __typename: 'Query' } };
const code = (errors: Outcome) => errors.errors?.map((error) => error.code);

describe.each([
  ['POST', byPost],
  ['GET', byGet],
  ['a socket', bySocket],
] as const)('an absent, null or empty parameter by %s', (way, send) => {
  it.each<[string, Record<string, unknown>]>([
    ['an empty operationName', { query: ONE, operationName: '' }],
    ['variables of null', { query: ONE, variables: null }],
    ['extensions of null', { query: ONE, extensions: null }],
    ['all of them empty', { query: ONE, operationName: '', variables: null, extensions: null }],
    ['empty objects', { query: ONE, variables: {}, extensions: {} }],
    ['none of them', { query: ONE }],
    ['a name', { query: TWO, operationName: 'Two' }],
  ])('%s is answered', async (_what, parameters) => {
    expect(await send(parameters)).toEqual(answered);
  });

  it('an empty operationName is ignored', async () => {
    const absent = await send({ query: TWO });
    expect(await send({ query: TWO, operationName: '' })).toEqual(absent);
    expect(absent).toEqual({
      errors: [{ message: 'Name the operation to run.', code: 'OPERATION_RESOLUTION_FAILURE' }],
    });
  });

  it('an empty query is refused with the same message', async () => {
    const refused = await byPost({});
    expect(code(await byPost({ query: ' ' }))).toEqual(['GRAPHQL_PARSE_FAILED']);
    expect(await send({ query: '', operationName: '' })).toEqual(await byPost({ query: '' }));
    expect(code(refused)).toEqual(['BAD_USER_INPUT']);
  });

  it('a persisted query is refused with the same message', async () => {
    const persisted = { query: ONE, extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } };
    expect(await send(persisted)).toEqual({
      errors: [{ message: 'PersistedQueryNotSupported', code: 'BAD_USER_INPUT' }],
    });
  });

  it('an unknown operationName is refused with the same message', async () => {
    // A URL cannot say null: this is a name.
    const name = way === 'GET' ? 'null' : 'Three';
    expect(code(await send({ query: TWO, operationName: name }))).toEqual(['OPERATION_RESOLUTION_FAILURE']);
  });
});

it('a null operationName is ignored by POST and over a socket', async () => {
  for (const send of [byPost, bySocket]) expect(await send({ query: ONE, operationName: null })).toEqual(answered);
});

it('by GET an empty parameter is absent and a repeated one is refused', async () => {
  const parameters = { query: ONE, variables: '', extensions: '', operationName: '' };
  expect(await byGet(parameters)).toEqual(answered);
  const headers = { ...STRICT, 'x-tidings-csrf': '1' };
  const url = `${tidings.current.url}/graphql?query=${encodeURIComponent(ONE)}&variables=&variables=`;
  expect((await request(url, { method: 'GET', headers })).status).toBe(400);
});
