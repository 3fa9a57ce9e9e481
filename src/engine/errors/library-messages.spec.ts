// Every message that library-messages.ts knows, made by the library that words it.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parse } from 'graphql';
import { Client, Pool } from 'pg';
import { isLostConnection, readableSyntaxError } from './library-messages.js';

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'nothing failed',
    (error: unknown) => error,
  );

const at = (server: Server) => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'x' });

function client(server: Server, more: object = {}): Client {
  const made = new Client({ ...at(server), ...more });
  made.on('error', () => {});
  return made;
}

/** What was wrong with the connection, or whatever else `error` is. */
const lost = (error: unknown) => (isLostConnection(error) ? (error as Error).message : error);

function messageOf(text: string, maxTokens = 100): string {
  try {
    parse(text, { maxTokens });
    return 'it was parsed';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('isLostConnection', () => {
  const sockets = new Set<Socket>();
  let silent: Server;
  let closing: Server;
  let welcoming: Server;
  const listening = async (onConnection: (socket: Socket) => void): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      onConnection(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  };
  beforeAll(async () => {
    silent = await listening(() => {});
    closing = await listening((socket) => socket.once('data', () => socket.end()));
    // AuthenticationOk and ReadyForQuery: the client is connected.
    welcoming = await listening((socket) =>
      socket.once('data', () => socket.write('R\0\0\0\u0008\0\0\0\0Z\0\0\0\u0005I', 'latin1')),
    );
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    closing.close();
    welcoming.close();
  });

  it('recognizes a connection that the server closed, also in later queries', async () => {
    expect(lost(await failure(client(closing).connect()))).toBe('Connection terminated unexpectedly');
    const closed = client(welcoming);
    await closed.connect();
    const ended = new Promise((resolve) => closed.once('end', () => resolve(undefined)));
    for (const socket of sockets) socket.end();
    await ended;
    expect(lost(await failure(closed.query('select 1')))).toBe(
      'Client has encountered a connection error and is not queryable',
    );
  });

  it('recognizes a connection timeout', async () => {
    expect(lost(await failure(client(silent, { connectionTimeoutMillis: 20 }).connect()))).toBe('timeout expired');
    const pool = new Pool({ ...at(silent), max: 1, connectionTimeoutMillis: 50 });
    const [made, waited] = await Promise.all([failure(pool.connect()), failure(pool.connect())]);
    expect(lost(made)).toBe('Connection terminated due to connection timeout');
    expect(lost(waited)).toBe('timeout exceeded when trying to connect');
    await pool.end();
  });

  it('recognizes a connection that was ended', async () => {
    const ended = client(welcoming);
    await ended.connect();
    const query = failure(ended.query('select 1'));
    void ended.end();
    for (const socket of sockets) socket.end();
    expect(lost(await query)).toBe('Connection terminated');
    expect(lost(await failure(ended.query('select 1')))).toBe('Client was closed and is not queryable');
  });

  it('recognizes a query timeout', async () => {
    const unanswered = client(silent, { query_timeout: 20 });
    void failure(unanswered.connect());
    expect(lost(await failure(unanswered.query('select 1')))).toBe('Query read timeout');
    void unanswered.end();
  });

  it('ignores similar errors', () => {
    for (const other of [new Error('x: Connection terminated'), 'Connection terminated', undefined, {}]) {
      expect(isLostConnection(other)).toBe(false);
    }
  });
});

describe('readableSyntaxError', () => {
  it.each([
    ['{ me { ', 'Syntax Error: Expected Name, found <EOF>.'],
    ['{ me ) }', 'Syntax Error: Expected Name, found ")".'],
    ['{ a(b: }', 'Syntax Error: Unexpected "}".'],
    ['qery { me }', 'Syntax Error: Unexpected Name "qery".'],
    ['fragment A n Query { me }', 'Syntax Error: Expected "on", found Name "n".'],
    ['', 'Syntax Error: Unexpected <EOF>.'],
    ['{ a ? }', 'Syntax Error: Unexpected character: "?".'],
    ['{ a(b: "c', 'Syntax Error: Unterminated string.'],
    ['"c" { a }', 'Syntax Error: Unexpected description, descriptions are not supported on shorthand queries.'],
  ])('keeps a message without a value: %s', (text, message) => {
    const real = messageOf(text);
    expect(readableSyntaxError(real)).toBe(real);
    expect(real).toBe(message);
  });

  it('keeps the message about too many tokens', () => {
    const real = messageOf('{ a a a a }', 3);
    expect(readableSyntaxError(real)).toBe(real);
  });

  it.each([
    ['{ "s3cret" }', 'Syntax Error: Expected Name, found String.'],
    ['{ """s3cret""" }', 'Syntax Error: Expected Name, found BlockString.'],
    ['{ 53 }', 'Syntax Error: Expected Name, found Int.'],
    ['{ 5.3 }', 'Syntax Error: Expected Name, found Float.'],
    ['{ a } 53', 'Syntax Error: Unexpected Int.'],
    [`{ a } ${'s3cret'.repeat(10_000)}`, 'Syntax Error: Unexpected Name.'],
  ])('removes the value: %s', (text, message) => {
    expect(readableSyntaxError(messageOf(text))).toBe(message);
  });

  it.each([
    '{ a(b: "s3cret\\q") }',
    '{ a(b: "\\u{s3cret}") }',
    '{ a(b: 0053) }',
    '{ a(b: 5s3cret) }',
    "{ a(b: 's3cret') }",
  ])('is undefined if the message may contain a part of a value: %s', (text) => {
    expect(messageOf(text)).toMatch(/^Syntax Error/);
    expect(readableSyntaxError(messageOf(text))).toBeUndefined();
  });
});
