// One limit on the size of a request in bytes, over HTTP and WebSocket: it admits the longest valid input in any
// encoding, and a larger request fails without affecting other operations.
import { MAX_MESSAGE_BYTES, MAX_RECEIVED_BYTES } from '../src/engine/limits/message-size.js';
import { codes, request, STRICT } from './support/answers.js';
import { subscribe, useBystander } from './support/bystander.js';
import { SocketClient } from './support/socket-client.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();
const bystander = useBystander(tidings);

/** Every text of `postUpdate`, as long as it may be, of one character. */
const longest = (character: string) => ({
  projectId: bystander.project.id,
  title: character.repeat(200),
  body: character.repeat(20_000),
  health: 'ON_TRACK',
  internalNote: character.repeat(4_000),
  idempotencyKey: character.repeat(64),
});
type Input = ReturnType<typeof longest>;

const escaped = (text: string) =>
  text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const SELECTION = '{ title body internalNote }';

/** The same input in the ways in which clients send it. */
const encodings: Record<string, (input: Input) => string> = {
  'in variables': (input) =>
    JSON.stringify({
      query: `mutation ($input: PostUpdateInput!) { postUpdate(input: $input) ${SELECTION} }`,
      variables: { input },
    }),
  'in variables, in ASCII': (input) => encodings['in variables']!(input).replace(/[^\0-\x7f]/g, escaped),
  'as literals': (input) => literal(input, (text) => text),
  'as escaped literals': (input) => literal(input, escaped),
};

function literal({ health, ...texts }: Input, write: (text: string) => string): string {
  const fields = Object.entries(texts).map(([name, text]) => `${name}: "${name === 'projectId' ? text : write(text)}"`);
  return JSON.stringify({
    query: `mutation { postUpdate(input: { health: ${health}, ${fields.join(', ')} }) ${SELECTION} }`,
  });
}

/** U+16D6A is one character of three before NFC, none of them in the Basic Multilingual Plane: nothing takes more bytes. */
const CHARACTERS = ['a', '😀', '한', '\u{16d6a}'];

describe.each(Object.keys(encodings))('the longest valid input %s', (encoding) => {
  it.each(CHARACTERS)('of %s is accepted over HTTP and over a socket', async (character) => {
    const sent = longest(character.normalize('NFD'));
    const stored = longest(character);
    const { title, body, internalNote } = stored;
    const answer = await request(`${tidings.current.url}/graphql`, {
      method: 'POST',
      headers: { ...STRICT, authorization: `Bearer ${bystander.person.accessToken}` },
      body: encodings[encoding]!({
        ...sent,
        idempotencyKey: `${character.normalize('NFD').repeat(60)}${encoding}`.slice(0, 60),
      }),
    });
    expect([answer.status, answer.errors]).toEqual([200, []]);
    const socket = await bystander.hostile();
    socket.send(`{"id":"1","type":"subscribe","payload":${encodings[encoding]!(sent)}}`);
    expect((await socket.next('next')).payload).toEqual({ data: { postUpdate: { title, body, internalNote } } });
    await socket.close();
  });
});

const padded = (bytes: number, id = '1') => {
  const message = (pad: string) => subscribe(id, { query: '{ __typename }', variables: { pad } });
  return message('x'.repeat(bytes - Buffer.byteLength(message(''))));
};

describe('the maximum message size', () => {
  it('is accepted, and one byte more ends that operation only', async () => {
    const socket = await bystander.hostile();
    const { watch, project } = bystander;
    socket.send(subscribe('watch', { query: watch, variables: { id: project.id, after: project.lastCursor } }));
    socket.send(padded(MAX_MESSAGE_BYTES));
    expect((await socket.next('complete')).id).toBe('1');
    for (const size of [MAX_MESSAGE_BYTES + 1, MAX_RECEIVED_BYTES]) {
      socket.send(padded(size));
      expect(await socket.next('error')).toEqual({
        id: '1',
        type: 'error',
        payload: [
          { message: 'The request is larger than 1024 KiB.', extensions: { code: 'BAD_USER_INPUT', fields: [] } },
        ],
      });
    }
    expect(bystander.servers(socket).operations.size).toBe(1);
    await bystander.stillServes(socket);
  });

  it.each([
    ['the type before the id', '{ "type": "subscribe",\n  "id": "é\\"1", "payload": {"query":"', 'é"1'],
    ['an id of 128 bytes', `{"id":"${'x'.repeat(128)}","payload":{"query":"`, 'x'.repeat(128)],
  ])('with %s is answered as well', async (_what, beginning, id) => {
    const socket = await bystander.hostile();
    socket.send(`${beginning}${'x'.repeat(MAX_MESSAGE_BYTES)}"},"type":"subscribe"}`);
    expect((await socket.next('error')).id).toBe(id);
    await bystander.stillServes(socket);
  });

  it('is exceeded by a message with the payload before the id, which is answered as well', async () => {
    const socket = await bystander.hostile();
    socket.send(`{"type":"subscribe","payload":{"id":"2","query":"${'x'.repeat(MAX_MESSAGE_BYTES)}"},"id":"1"}`);
    expect((await socket.next('error')).id).toBe('1');
    await bystander.stillServes(socket);
  });

  it.each([
    ['without an id', `{"payload":"${'x'.repeat(MAX_MESSAGE_BYTES)}"}`, 1009],
    ['with an id that is too long', `{"id":"${'x'.repeat(129)}","p":"${'x'.repeat(MAX_MESSAGE_BYTES)}"}`, 1009],
    ['that is no JSON', 'x'.repeat(MAX_MESSAGE_BYTES + 1), 1009],
    ['beyond all measure', 'x'.repeat(MAX_RECEIVED_BYTES + 1), 1009],
  ])('too large and %s closes the socket', async (_what, message, code) => {
    const socket = await bystander.hostile();
    socket.send(message);
    expect((await socket.closed).code).toBe(code);
  });

  it('closes the socket for a duplicate id as any message does', async () => {
    const socket = await bystander.hostile();
    socket.send(subscribe('1', { query: bystander.watch, variables: { id: bystander.project.id } }));
    socket.send(padded(MAX_MESSAGE_BYTES + 1));
    expect((await socket.closed).code).toBe(4409);
  });

  it('ends no other operation of a stock client', async () => {
    const client = new SocketClient(tidings.current.url, bystander.person.accessToken);
    const watch = client.subscribe(bystander.watch, { id: bystander.project.id, after: bystander.project.lastCursor });
    const seen = await watch.next();
    const large = client.subscribe(`{ me { id } } #${'x'.repeat(MAX_MESSAGE_BYTES)}`);
    await expect(large.ended).rejects.toMatchObject({ cause: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    expect((await client.subscribe('{ me { id } }').next()).data).toEqual({ me: { id: bystander.person.id } });
    expect(seen.data).toBeDefined();
    await client.close();
  });
});

it('an HTTP request of one byte more is refused with 413 and the same error', async () => {
  const body = JSON.stringify({ query: '{ __typename }', variables: { pad: 'x'.repeat(MAX_MESSAGE_BYTES) } });
  const answer = await request(`${tidings.current.url}/graphql`, { method: 'POST', headers: STRICT, body });
  expect([answer.status, codes(answer), answer.errors[0]?.message]).toEqual([
    413,
    ['BAD_USER_INPUT'],
    'The request is larger than 1024 KiB.',
  ]);
});
