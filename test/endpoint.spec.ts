// Both transports accept the same spellings of the endpoint's URL and reject the same others.
import { once } from 'node:events';
import { connect } from 'node:net';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();

/** The head of the answer to a request as it stands on the wire: no client may tidy the target. */
async function answer(target: string, headers: readonly string[], body = ''): Promise<string> {
  const { port, host } = new URL(tidings.current.url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const lines = [`host: ${host}`, ...headers];
  // Not ended: a client that says so before it is answered is given no WebSocket.
  socket.write(`${body ? 'POST' : 'GET'} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  let reply = '';
  for await (const chunk of socket) {
    reply += String(chunk);
    if (reply.includes('\r\n\r\n')) break;
  }
  return reply;
}

async function status(...request: Parameters<typeof answer>): Promise<number> {
  return Number(/^HTTP\/1.1 (\d+)/.exec(await answer(...request))?.[1]);
}

const BODY = '{"query":"{ __typename }"}';
const overHttp = (target: string) =>
  status(target, ['content-type: application/json', `content-length: ${BODY.length}`, 'connection: close'], BODY);
const UPGRADE = [
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
];
const overSocket = (target: string) => status(target, UPGRADE);

it.each([
  '/graphql',
  '/graphql/',
  '/graphql?a=b',
  '/graphql/?a=/b?c',
  '/GraphQL',
  '/%67raphql',
  '/graphql%2F',
  'http://any.example/graphql',
])('%s is the GraphQL endpoint over HTTP and WebSocket', async (target) => {
  expect([await overHttp(target), await overSocket(target)]).toEqual([200, 101]);
});

it.each([
  '//graphql',
  '/graphql//',
  '/graphql/x',
  '/graphql/%2e%2e/graphql',
  '/x/../graphql',
  '/graphql;a=b',
  '/graphqls',
  '/graphql%',
  '/graphql%20',
  '/graphql%00',
  '/%2567raphql',
  '/graphql/.',
])('%s is not the GraphQL endpoint over HTTP and WebSocket', async (target) => {
  expect([await overHttp(target), await overSocket(target)]).toEqual([404, 404]);
});

describe('what is refused before it is a request', () => {
  const upgrade = (...[left, put = '']: [left: string, put?: string]) =>
    UPGRADE.map((line) => (line.startsWith(left) ? put : line)).filter(Boolean);

  it.each<[string, string, readonly string[], string?]>([
    ['an upgrade elsewhere', '404 Not Found', UPGRADE],
    ['an upgrade without a key', '400 Bad Request', upgrade('sec-websocket-key')],
    ['an upgrade of another version', '400 Bad Request', upgrade('sec-websocket-version', 'sec-websocket-version: 7')],
    ['an upgrade by POST', '405 Method Not Allowed', [...UPGRADE, 'content-length: 2'], '{}'],
    ['a header without a name', '400 Bad Request', [': x']],
    ['too many headers', '431 Request Header Fields Too Large', [`x: ${'x'.repeat(64 * 1024)}`]],
  ])('%s is not to be kept', async (what, refusal, headers, body = '') => {
    const head = await answer(what.endsWith('elsewhere') ? '/elsewhere' : '/graphql', headers, body);
    expect(head.split('\r\n')).toEqual(expect.arrayContaining([`HTTP/1.1 ${refusal}`, 'Cache-Control: no-store']));
    expect(head.includes('Sec-WebSocket-Version: 13')).toBe(what.endsWith('key') || what.endsWith('version'));
  });
});
