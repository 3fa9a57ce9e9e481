// GraphQL over HTTP as a careless, a curious and a hostile client send it: each is told what is wrong, nothing breaks, nothing is logged.
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
  it('passes every audit of graphql-http that MUST or SHOULD pass', async () => {
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

  it('is introspected by any tool, as deep as tools do', async () => {
    const { getIntrospectionQuery, buildClientSchema } = await import('graphql');
    const data = await tidings.current.anonymous.data(
      getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true, specifiedByUrl: true }),
    );
    expect(buildClientSchema(data).getMutationType()?.getFields()['postUpdate']).toBeDefined();
  });
});

it('an idle connection is kept for longer than a proxy in front keeps it, which would lose what it sends at the end', async () => {
  const { headers } = await fetch(`${tidings.current.url}/health/live`);
  const [, seconds] = /timeout=(\d+)/.exec(headers.get('keep-alive') ?? '') ?? [];
  expect(Number(seconds)).toBeGreaterThan(60);
});

describe('a body', () => {
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

  it('over the limit is refused with 413, at the limit it is not', async () => {
    const large = await post(padded(MAX_MESSAGE_BYTES));
    expect([large.status, codes(large)]).toEqual([413, ['BAD_USER_INPUT']]);
    const overhead = padded(0).length;
    expect((await post(padded(MAX_MESSAGE_BYTES - overhead))).status).toBe(200);
    expect((await post(padded(MAX_MESSAGE_BYTES - overhead + 1))).status).toBe(413);
  });

  it('that says it is larger is refused before it has come, and its connection with it', async () => {
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
  ])(
    'that has no end is refused once it is over the limit, and its connection with it: %s',
    async (_what, more, chunk) => {
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
    },
  );

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

  it('that is not compressed as it says is refused', async () => {
    for (const [encoding, status] of [
      ['gzip', 400],
      ['x-unknown', 415],
    ] as const) {
      const answer = await post('{"query": "{ __typename }"}', { ...STRICT, 'content-encoding': encoding });
      expect([answer.status, codes(answer)]).toEqual([status, ['BAD_USER_INPUT']]);
    }
  });

  it('asking for a persisted query learns that there are none', async () => {
    const persistedQuery = { version: 1, sha256Hash: 'a'.repeat(64) };
    for (const query of [undefined, '{ __typename }']) {
      const { errors } = await post(JSON.stringify({ query, extensions: { persistedQuery } }));
      expect(errors).toEqual([
        { message: 'PersistedQueryNotSupported', extensions: { code: 'BAD_USER_INPUT', fields: [] } },
      ]);
    }
  });
});

describe('a method or header', () => {
  const TYPENAME = '/graphql?query=%7B__typename%7D';

  it('of a form that any page can send is refused, a GET with our own header is not', async () => {
    expect(codes(await call({ method: 'GET' }, TYPENAME))).toEqual(['BAD_USER_INPUT']);
    for (const header of ['x-tidings-csrf', 'apollo-require-preflight']) {
      const answer = await call({ method: 'GET', headers: { [header]: '1' } }, TYPENAME);
      expect([answer.status, answer.text.trim()]).toEqual([200, '{"data":{"__typename":"Query"}}']);
    }
  });

  it('GET never changes anything', async () => {
    const csrf = { 'x-tidings-csrf': '1', authorization: `Bearer ${editor.accessToken}` };
    for (const query of ['mutation { logout }', `subscription { projectsUpdated { seq } }`]) {
      const answer = await call({ method: 'GET', headers: csrf }, `/graphql?query=${encodeURIComponent(query)}`);
      expect([answer.status, codes(answer)]).toEqual([405, ['BAD_USER_INPUT']]);
    }
    const answer = await call({ method: 'GET', headers: csrf }, `${TYPENAME}&variables=%7B${SECRET}`);
    expect([answer.status, codes(answer)]).toEqual([400, ['BAD_USER_INPUT']]);
  });

  it('other than GET and POST is refused', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await call({ method, headers: STRICT, body: '{"query": "{ __typename }"}' });
      expect([answer.status, codes(answer)]).toEqual([405, ['BAD_USER_INPUT']]);
    }
  });

  it('that accepts neither JSON is refused with 406', async () => {
    for (const accept of ['text/html', 'text/plain', 'image/png']) {
      const answer = await post('{"query": "{ __typename }"}', { ...JSON_TYPE, accept });
      expect([answer.status, codes(answer)]).toEqual([406, ['BAD_USER_INPUT']]);
    }
  });

  it('of a browser that opens the endpoint is shown the way', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const response = await fetch(`${tidings.current.url}/graphql`, { headers: { accept } });
    expect([response.status, new URL(response.url).pathname]).toEqual([200, '/']);
    expect(await response.text()).toContain('Tidings is up');
  });

  it('that offers another protocol than WebSocket is answered as any other', async () => {
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

  it('below the endpoint is not there', async () => {
    const below = await call({ method: 'POST', headers: STRICT, body: '{"query": "{ __typename }"}' }, '/graphql/x');
    expect(below.status).toBe(404);
  });

  it('and a path that is not there, or none at all, shows no stack', async () => {
    expect((await call({ method: 'GET' }, `/${SECRET.slice(0, 3)}`)).status).toBe(404);
    expect((await call({ method: 'GET' }, '/%E0%A4%A')).status).toBeLessThan(500);
    expect((await call({ method: 'POST', headers: STRICT, body: '{}' }, '/graphql/%E0%A4%A')).status).toBe(404);
  });
});
