// GraphQL over HTTP with careless, curious and hostile clients: each gets a clear error, and nothing fails or is
// logged.
import { once } from 'node:events';
import { type IncomingMessage, request as sent } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { auditServer } from 'graphql-http';
import { MAX_MESSAGE_BYTES } from '../src/engine/limits/message-size.js';
import { type Answer, codes, fields, JSON_TYPE, request, SECRET, STRICT } from './support/answers.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
let editor: Person;
beforeAll(async () => {
  editor = await tidings.current.asUser('EDITOR');
});

/** Whatever was sent: nothing about it in the log, and the process goes on. */
async function nothingHappened(): Promise<void> {
  expect(tidings.current.logged).toEqual([]);
  expect(await editor.data('{ me { id } }')).toEqual({ me: { id: editor.id } });
}
afterEach(nothingHappened);

const call = (init: RequestInit, path = '/graphql'): Promise<Answer> => request(`${tidings.current.url}${path}`, init);
const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = STRICT) =>
  call({ method: 'POST', headers, body });

const padded = (size: number) => JSON.stringify({ query: '{ __typename }', variables: { pad: 'x'.repeat(size) } });

describe('GraphQL over HTTP', () => {
  it('passes the MUST and SHOULD audits of graphql-http', async () => {
    const results = await auditServer({
      url: `${tidings.current.url}/graphql`,
      // A reader that browsers cannot be made to send: what Apollo asks of every GET.
      fetchFn: (url: string, init: RequestInit = {}) => {
        const headers = new Headers(init.headers);
        headers.set('x-tidings-csrf', '1');
        return fetch(url, { ...init, headers });
      },
    });
    const failed = results.filter(({ status, name }) => status !== 'ok' && /^(MUST|SHOULD)/.test(name));
    expect(failed.map(({ name, ...rest }) => [name, 'reason' in rest ? rest.reason : ''])).toEqual([]);
    expect(results.length).toBeGreaterThan(50);
    // The bodies of the replies must be read, or their connections stay open.
    for (const result of results) {
      if ('response' in result && !result.response.bodyUsed) await result.response.arrayBuffer();
    }
  });

  it('answers the introspection query of common tools', async () => {
    const { getIntrospectionQuery, buildClientSchema } = await import('graphql');
    const data = await tidings.current.anonymous.data(
      getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true, specifiedByUrl: true }),
    );
    expect(buildClientSchema(data).getMutationType()?.getFields()['postUpdate']).toBeDefined();
  });
});

const url = (end = '') => `${tidings.current.url}/graphql${end}`;
const authorization = () => ({ authorization: `Bearer ${editor.accessToken}` });
const raw = (headers: Record<string, string>, body: string) => fetch(url(), { method: 'POST', headers, body });

describe('Cache-Control and ETag of replies', () => {
  it.each<[string, number, () => Promise<Response>]>([
    ['a query', 200, () => raw({ ...STRICT, ...authorization() }, JSON.stringify({ query: '{ me { id } }' }))],
    ['a query by GET', 200, () => fetch(url('?query={__typename}'), { headers: { 'x-tidings-csrf': '1' } })],
    ['a refused field', 200, () => raw(STRICT, JSON.stringify({ query: '{ me { id } }' }))],
    ['a document that does not parse', 400, () => raw(STRICT, JSON.stringify({ query: '{' }))],
    ['a body that is not JSON', 400, () => raw(STRICT, '{')],
    ['a body that is too large', 413, () => raw(STRICT, padded(MAX_MESSAGE_BYTES))],
    ['another content type', 415, () => raw({ 'content-type': 'application/json; charset=latin1' }, '{}')],
    ['a request that another site may have made', 400, () => raw({ 'content-type': 'text/plain' }, '{}')],
    ['what is not there', 404, () => fetch(url('/nothing'))],
  ])('%s is not to be kept, and is not hashed', async (_what, status, send) => {
    const reply = await send();
    await reply.arrayBuffer();
    const { headers } = reply;
    expect([reply.status, headers.get('cache-control'), headers.get('etag')]).toEqual([status, 'no-store', null]);
  });
});

it('the keep-alive of an idle connection outlasts that of a proxy in front', async () => {
  const { headers } = await fetch(`${tidings.current.url}/health/live`);
  const [, seconds] = /timeout=(\d+)/.exec(headers.get('keep-alive') ?? '') ?? [];
  expect(Number(seconds)).toBeGreaterThan(60);
});

describe('a request body', () => {
  it.each([
    ['malformed JSON', `{"query": "${SECRET}`],
    ['a string', `"${SECRET}"`],
    ['a number', '5'],
    ['null', 'null'],
    ['an array', '[]'],
    ['a batch', `[{"query": "{ __typename }"}, {"query": "{ ${SECRET.replaceAll('-', '_')} }"}]`],
    ['nothing', ''],
    ['an empty object', '{}'],
    ['a query that is none', '{"query": 5}'],
    ['an empty query', '{"query": ""}'],
    ['variables in a string', '{"query": "{ __typename }", "variables": "{}"}'],
    ['variables in an array', '{"query": "{ __typename }", "variables": []}'],
    ['an operationName that is none', '{"query": "{ __typename }", "operationName": 5}'],
    ['extensions that are none', '{"query": "{ __typename }", "extensions": 5}'],
  ])('of %s is refused with 400', async (_what, body) => {
    for (const headers of [STRICT, JSON_TYPE]) {
      const answer = await post(body, headers);
      expect([answer.status, codes(answer), fields(answer)]).toEqual([400, ['BAD_USER_INPUT'], []]);
      expect(answer.type).toMatch(/^application\/(graphql-response\+)?json/);
    }
  });

  it('above the limit is refused with 413, at the limit accepted', async () => {
    const large = await post(padded(MAX_MESSAGE_BYTES));
    expect([large.status, codes(large)]).toEqual([413, ['BAD_USER_INPUT']]);
    const overhead = padded(0).length;
    expect((await post(padded(MAX_MESSAGE_BYTES - overhead))).status).toBe(200);
    expect((await post(padded(MAX_MESSAGE_BYTES - overhead + 1))).status).toBe(413);
  });

  it('with a Content-Length above the limit is refused before it arrives, and the connection closed', async () => {
    const { hostname, port } = new URL(tidings.current.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{',
    );
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/^connection: close/im);
    expect(answer).toContain('"BAD_USER_INPUT"');
  });

  it.each([
    ['as it is', {}, Buffer.alloc(64 * 1024, ' ')],
    ['compressed, as soon as it is too large decoded', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(2 << 20))],
  ])('without end is refused at the limit, and the connection closed: %s', async (_what, more, chunk) => {
    const { hostname, port } = new URL(tidings.current.url);
    const headers = { ...JSON_TYPE, 'transfer-encoding': 'chunked', ...more };
    const endless = sent({ hostname, port, path: '/graphql', method: 'POST', headers, agent: false });
    endless.on('error', () => {});
    const answered = once(endless, 'response');
    const closed = once(endless, 'close');
    for (let bytes = 0; bytes <= MAX_MESSAGE_BYTES; bytes += chunk.length) {
      endless.write(chunk);
      if ('content-encoding' in more) break;
    }
    const [response] = (await answered) as [IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([413, 'close']);
    expect(await text(response)).toContain('"BAD_USER_INPUT"');
    await closed;
  });

  it.each([
    ['text/plain', 400],
    ['application/x-www-form-urlencoded', 400],
    ['multipart/form-data', 400],
    ['application/graphql', 400],
    ['application/json; charset=latin1', 415],
    ['', 400],
  ])('of the type "%s" is refused with %i', async (type, status) => {
    const answer = await post(new TextEncoder().encode('{"query": "{ __typename }"}'), {
      accept: 'application/json',
      ...(type ? { 'content-type': type } : {}),
    });
    expect([answer.status, codes(answer)]).toEqual([status, ['BAD_USER_INPUT']]);
  });

  it('with an invalid Content-Encoding is refused', async () => {
    for (const [encoding, status] of [
      ['gzip', 400],
      ['x-unknown', 415],
    ] as const) {
      const answer = await post('{"query": "{ __typename }"}', { ...STRICT, 'content-encoding': encoding });
      expect([answer.status, codes(answer)]).toEqual([status, ['BAD_USER_INPUT']]);
    }
  });

  it('with a persisted query is answered PERSISTED_QUERY_NOT_SUPPORTED', async () => {
    const persistedQuery = { version: 1, sha256Hash: 'a'.repeat(64) };
    for (const query of [undefined, '{ __typename }']) {
      const { errors } = await post(JSON.stringify({ query, extensions: { persistedQuery } }));
      expect(errors).toEqual([
        { message: 'PersistedQueryNotSupported', extensions: { code: 'BAD_USER_INPUT', fields: [] } },
      ]);
    }
  });
});

describe('methods and headers', () => {
  const TYPENAME = '/graphql?query=%7B__typename%7D';

  it('a simple CORS request is refused, a GET with the preflight header is not', async () => {
    expect(codes(await call({ method: 'GET' }, TYPENAME))).toEqual(['BAD_USER_INPUT']);
    for (const header of ['x-tidings-csrf', 'apollo-require-preflight']) {
      const answer = await call({ method: 'GET', headers: { [header]: '1' } }, TYPENAME);
      expect([answer.status, answer.text.trim()]).toEqual([200, '{"data":{"__typename":"Query"}}']);
    }
  });

  it('GET runs no mutation', async () => {
    const csrf = { 'x-tidings-csrf': '1', authorization: `Bearer ${editor.accessToken}` };
    for (const query of ['mutation { logout }', `subscription { projectsUpdated { seq } }`]) {
      const answer = await call({ method: 'GET', headers: csrf }, `/graphql?query=${encodeURIComponent(query)}`);
      expect([answer.status, codes(answer)]).toEqual([405, ['BAD_USER_INPUT']]);
    }
    const answer = await call({ method: 'GET', headers: csrf }, `${TYPENAME}&variables=%7B${SECRET}`);
    expect([answer.status, codes(answer)]).toEqual([400, ['BAD_USER_INPUT']]);
  });

  it('methods other than GET and POST are refused', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await call({ method, headers: STRICT, body: '{"query": "{ __typename }"}' });
      expect([answer.status, codes(answer)]).toEqual([405, ['BAD_USER_INPUT']]);
    }
  });

  it('Accept without JSON is refused with 406', async () => {
    for (const accept of ['text/html', 'text/plain', 'image/png']) {
      const answer = await post('{"query": "{ __typename }"}', { ...JSON_TYPE, accept });
      expect([answer.status, codes(answer)]).toEqual([406, ['BAD_USER_INPUT']]);
    }
  });

  it('Upgrade to another protocol than WebSocket is ignored', async () => {
    const headers = {
      ...STRICT,
      connection: 'upgrade, http2-settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
    };
    const { port } = new URL(tidings.current.url);
    const offering = sent({ port, path: '/graphql', method: 'POST', headers });
    offering.end('{"query": "{ __typename }"}');
    const [response] = (await once(offering, 'response')) as [IncomingMessage];
    expect([response.statusCode, await text(response)]).toEqual([200, expect.stringContaining('"Query"')]);
  });

  it('paths below the endpoint are 404', async () => {
    const below = await call({ method: 'POST', headers: STRICT, body: '{"query": "{ __typename }"}' }, '/graphql/x');
    expect(below.status).toBe(404);
  });

  it('an unknown or missing path is 404 without a stack', async () => {
    expect((await call({ method: 'GET' }, `/${SECRET.slice(0, 3)}`)).status).toBe(404);
    expect((await call({ method: 'GET' }, '/%E0%A4%A')).status).toBeLessThan(500);
    expect((await call({ method: 'POST', headers: STRICT, body: '{}' }, '/graphql/%E0%A4%A')).status).toBe(404);
  });
});
