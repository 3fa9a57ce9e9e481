// Protocol violations on a socket: each has one well-defined answer and does not affect other clients.
import { once } from 'node:events';
import { connect } from 'node:net';
import { subscribe, useBystander } from './support/bystander.js';
import { postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();
const bystander = useBystander(tidings);

describe('an invalid message', () => {
  const valid = { query: '{ me { id } }' };
  it.each<[string, string | Buffer, number]>([
    ['not JSON', '{"type":', 4400],
    ['nothing', '', 4400],
    ['null', 'null', 4400],
    ['a number', '42', 4400],
    ['a list', '[]', 4400],
    ['without a type', '{}', 4400],
    ['of an unknown type', '{"type":"subscribed"}', 4400],
    ['of a type that is no text', '{"type":{"a":1}}', 4400],
    ['of the type constructor', '{"type":"constructor"}', 4400],
    ['what only servers say: next', '{"type":"next","id":"1","payload":{}}', 4400],
    ['what only servers say: error', '{"type":"error","id":"1","payload":[{"message":"x"}]}', 4400],
    ['what only servers say: ack', '{"type":"connection_ack"}', 4400],
    ['binary', Buffer.from(subscribe('1', valid)), 4400],
    ['larger than 4 MiB', subscribe('1', { query: `{ me { id } } #${'x'.repeat(4 * 1024 * 1024)}` }), 1009],
    ['no payload', '{"type":"subscribe","id":"1"}', 4400],
    ['a payload of the wrong type', subscribe('1', 'x'), 4400],
    ['a query of the wrong type', subscribe('1', { query: 1 }), 4400],
    ['variables of the wrong type', subscribe('1', { ...valid, variables: [1] }), 4400],
    ['an operation name of the wrong type', subscribe('1', { ...valid, operationName: {} }), 4400],
    ['no id', JSON.stringify({ type: 'subscribe', payload: valid }), 4400],
    ['an empty id', subscribe('', valid), 4400],
    ['an id that is a number', subscribe(7, valid), 4400],
    ['an id of 10,000 characters', subscribe('x'.repeat(10_000), valid), 4400],
    [
      'such an id behind an escaped type',
      subscribe('x'.repeat(10_000), valid).replace('"subscribe"', '"\\u0073ubscribe"'),
      4400,
    ],
    ['an id of 129 bytes in 43 characters', subscribe('€'.repeat(43), valid), 4400],
    ['a complete without an id', '{"type":"complete"}', 4400],
    ['a ping with a payload of the wrong type', '{"type":"ping","payload":"x"}', 4400],
    ['a ping of 8,000 nested lists', `{"type":"ping","payload":{"a":${'['.repeat(8_000)}${']'.repeat(8_000)}}}`, 4400],
  ])('closes the socket: %s', async (_what, message, code) => {
    const socket = await bystander.hostile();
    socket.ws.send(message, { binary: typeof message !== 'string' });
    expect((await socket.closed).code).toBe(code);
  });

  it('of invalid UTF-8 closes the socket', async () => {
    const socket = await bystander.hostile();
    socket.ws.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
    expect((await socket.closed).code).toBe(1007);
  });
});

describe('an operation id', () => {
  it.each([
    ['of 128 bytes, quotes and emoji', `"\\'${'🙂'.repeat(31)}"`.slice(0, 66)],
    ['named __proto__', '__proto__'],
    ['named constructor', 'constructor'],
    ['of control characters', '\u0000\n\u2028'],
  ])('%s is echoed unchanged', async (_what, id) => {
    const socket = await bystander.hostile();
    socket.send(subscribe(id, { query: '{ me { id } }' }));
    expect(await socket.next('next')).toEqual({
      id,
      type: 'next',
      payload: { data: { me: { id: bystander.person.id } } },
    });
    expect(await socket.next('complete')).toEqual({ id, type: 'complete' });
    socket.send(
      subscribe(id, {
        query: bystander.watch,
        variables: { id: bystander.project.id, after: bystander.project.lastCursor },
      }),
    );
    expect((await socket.next('next')).id).toBe(id);
    socket.send(JSON.stringify({ id, type: 'complete' }));
    await bystander.stillServes(socket);
  });
});

describe('an operation that cannot run', () => {
  const root = 'projectsUpdated { seq }';
  it.each<[string, Record<string, unknown>, string]>([
    ['a syntax error', { query: 'subscription {' }, 'GRAPHQL_PARSE_FAILED'],
    ['an empty document', { query: '' }, 'BAD_USER_INPUT'],
    ['a persisted query', { query: '{ me { id } }', extensions: { persistedQuery: { version: 1 } } }, 'BAD_USER_INPUT'],
    ['more tokens than allowed', { query: `{ ${'a '.repeat(4_001)} }` }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['two root fields', { query: `subscription { ${root} other: ${root} }` }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'two root fields by a fragment',
      { query: `subscription { ...F ${root} } fragment F on Subscription { other: ${root} }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['introspection as a subscription', { query: 'subscription { __typename }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      '@skip(if: true) on the root',
      { query: 'subscription { projectsUpdated @skip(if: true) { seq } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@skip(if: $x) on the root',
      { query: 'subscription ($x: Boolean!) { projectsUpdated @skip(if: $x) { seq } }', variables: { x: true } },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@include(if: false) on the root',
      { query: 'subscription { projectsUpdated @include(if: false) { seq } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@skip in a fragment',
      { query: `subscription { ...F } fragment F on Subscription { projectsUpdated @skip(if: true) { seq } }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@skip on a spread',
      { query: `subscription { ...F @skip(if: true) } fragment F on Subscription { ${root} }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@include on an inline fragment',
      { query: `subscription ($x: Boolean = false) { ... @include(if: $x) { ${root} } }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a fragment that spreads itself',
      { query: `subscription { ...F } fragment F on Subscription { ${root} ...F }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['only a fragment', { query: 'fragment F on Query { me { id } }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an unknown operation name',
      { query: `subscription A { ${root} }`, operationName: 'B' },
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'no name among many',
      { query: `subscription A { ${root} } query B { me { id } }` },
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['a missing variable', { query: bystander.watch }, 'BAD_USER_INPUT'],
    ['a variable of the wrong type', { query: bystander.watch, variables: { id: { a: 1 } } }, 'BAD_USER_INPUT'],
    ['an id that is none', { query: bystander.watch, variables: { id: 'x' } }, 'BAD_USER_INPUT'],
    [
      'a cursor that is too long',
      { query: bystander.watch, variables: { id: '0', after: 'x'.repeat(5_000) } },
      'BAD_USER_INPUT',
    ],
    [
      'an unknown lag policy',
      { query: 'subscription { projectsUpdated(onLag: NEVER) { seq } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a page of a thousand projects with theirs',
      {
        query:
          '{ projects(first: 100) { nodes { updates(first: 100) { nodes { comments(first: 100) { nodes { id } } } } } } }',
      },
      'QUERY_TOO_COMPLEX',
    ],
    [
      'a sign-in',
      { query: 'mutation { login(input: { email: "a@example.com", password: "x" }) { accessToken } }' },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a refresh', { query: 'mutation { refresh(refreshToken: "x") { accessToken } }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s ends with an error without closing the socket', async (_what, payload, code) => {
    const socket = await bystander.hostile();
    socket.send(subscribe('live', { query: bystander.watch, variables: { id: bystander.project.id } }));
    await tidings.current.watching(2);
    socket.send(subscribe('bad', payload));
    const { id, payload: errors } = await socket.next('error');
    expect([id, (errors as Data[])[0].extensions.code]).toEqual(['bad', code]);
    await postUpdate(bystander.person, bystander.project.id, { title: 'Goes on' });
    expect(await socket.next('next')).toMatchObject({
      id: 'live',
      payload: { data: { projectUpdated: { update: { title: 'Goes on' } } } },
    });
    await bystander.stillServes(socket);
  });

  it('introspection is answered as over HTTP', async () => {
    const query = '{ __schema { queryType { name } } __type(name: "Query") { kind } }';
    const socket = await bystander.hostile();
    socket.send(subscribe('1', { query }));
    expect((await socket.next('next')).payload).toEqual({ data: await bystander.person.data(query) });
    await bystander.stillServes(socket);
  });

  it('a document that is slow to validate does not delay others', async () => {
    const socket = await bystander.hostile();
    const fields = '... on User { a: id } '.repeat(480);
    socket.send(subscribe('1', { query: `{ me { ${fields} } }` }));
    expect(await bystander.person.data('{ me { id } }')).toEqual({ me: { id: bystander.person.id } });
    await socket.next('complete', 60_000);
    await bystander.stillServes(socket);
  });
});

describe('an invalid upgrade', () => {
  it.each([
    ['a path that is no URL', 'GET // HTTP/1.1', '404'],
    ['another path', 'GET /graphql2 HTTP/1.1', '404'],
    ['an absolute foreign address', 'GET http://[ HTTP/1.1', '404'],
    ['no key', 'GET /graphql HTTP/1.1', '400'],
    ['a POST', 'POST /graphql HTTP/1.1', '405'],
  ])('%s is answered and closed', async (_what, line, status) => {
    const { port } = new URL(tidings.current.url);
    const net = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
    let reply = '';
    net.on('data', (chunk: Buffer) => void (reply += chunk.toString()));
    net.write(
      `${line}\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await once(net, 'end');
    expect(reply.split(' ')[1]).toBe(status);
    // The server has let go of both directions: it answers with a reset what is sent after that.
    const gone = once(net, 'error');
    const poke = setInterval(() => net.write('x'), 10);
    await gone;
    clearInterval(poke);
    net.destroy();
  });
});
