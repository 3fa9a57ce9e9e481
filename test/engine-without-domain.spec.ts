// The engine runs with a domain of one resource and without this service's domain, which it must not depend on.
import { randomUUID } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { loadConfig } from '../src/engine/config/config.js';
import { EngineModule } from '../src/engine/engine.module.js';
import { useHttpEntry } from '../src/engine/graphql/http/http-entry.js';
import { Hub } from '../src/engine/realtime/fan-out/hub.js';
import { notesDomain, NotesModule } from './fixtures/engine-domain/notes.js';
import { service } from './fixtures/engine-domain/service.js';
import { createEmptyDatabase, type TestDatabase } from './support/database.js';
import { GraphqlClient } from './support/graphql-client.js';
import { RawSocket, SocketClient } from './support/socket-client.js';
import { until } from './support/wait.js';

const WRITE = 'mutation ($id: ID!, $text: String!) { writeNote(id: $id, text: $text) { id text } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const READ = 'query ($id: ID!) { note(id: $id) { text } }';
const FOLLOW = 'subscription ($id: ID!) { noteWritten(id: $id) { cursor length } }';

let database: TestDatabase;
let app: NestExpressApplication;
let url: string;

beforeAll(async () => {
  database = await createEmptyDatabase();
  const config = loadConfig(
    {
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '5',
      APP_SECRET: Buffer.alloc(32, 'the engine alone: one secret').toString('base64'),
    },
    service,
  );
  @Module({ imports: [EngineModule.forRoot(config, database.url, notesDomain), NotesModule] })
  class NotesService {}
  app = await NestFactory.create(NotesService, { logger: false, bodyParser: false, abortOnError: false });
  useHttpEntry(app, config, undefined);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});

afterAll(async () => {
  await app?.close();
  await app?.get(MikroORM).close(true);
  await database.drop();
});

const client = (accessToken?: string) => new GraphqlClient(url, accessToken, service.endpoint);

function socketOf({ accessToken }: GraphqlClient): SocketClient {
  return new SocketClient(url, accessToken, { url: url.replace(/^http/, 'ws') + service.endpoint });
}

/** E-mail address and password of a new account. */
async function registered() {
  const input = { email: `${randomUUID()}@example.com`, password: 'as long as it has to be' };
  await client().data('mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }', {
    input: { ...input, name: 'Ada' },
  });
  return input;
}

/** A new account, signed in by its password. */
async function signedIn(): Promise<GraphqlClient> {
  const { login } = await client().data(LOGIN, { input: await registered() });
  return client(login.accessToken);
}

it('receives over a socket what a mutation has appended', async () => {
  const ada = await signedIn();
  const id = randomUUID();
  expect(await ada.data(WRITE, { id, text: 'one' })).toEqual({ writeNote: { id, text: 'one' } });
  expect(await ada.data(READ, { id })).toEqual({ note: { text: 'one' } });
  const socket = socketOf(ada);
  try {
    const watch = socket.subscribe(FOLLOW, { id });
    await until(() => app.get(Hub).size === 1, 'the subscription was open');
    await ada.data(WRITE, { id, text: 'three' });
    expect(await watch.next()).toEqual({ data: { noteWritten: { cursor: expect.any(String), length: 5 } } });
  } finally {
    await socket.close();
  }
});

it('refuses other accounts by the guards of the domain, over HTTP and over a socket', async () => {
  const [ada, bob] = [await signedIn(), await signedIn()];
  const id = randomUUID();
  await ada.data(WRITE, { id, text: 'one' });
  const refusal = { message: 'Note not found.', extensions: { code: 'NOT_FOUND' } };
  expect(await bob.error(READ, { id })).toMatchObject(refusal);
  expect(await bob.error(WRITE, { id, text: 'two' })).toMatchObject(refusal);
  expect(await ada.data(READ, { id })).toEqual({ note: { text: 'one' } });
  expect((await client().error(READ, { id })).extensions.code).toBe('UNAUTHENTICATED');
  const socket = socketOf(bob);
  try {
    await expect(socket.subscribe(FOLLOW, { id }).ended).rejects.toMatchObject({ cause: [refusal] });
  } finally {
    await socket.close();
  }
});

it('is at the endpoint of its service alone', async () => {
  expect(await client().data('{ __typename }')).toEqual({ __typename: 'Query' });
  const elsewhere = await new GraphqlClient(url, undefined, '/graphql').send('{ __typename }');
  expect(elsewhere.status).toBe(404);
  await expect(RawSocket.open(url)).rejects.toThrow('404');
});

it('names its metrics by the prefix of its service', async () => {
  const page = await (await fetch(`${url}/metrics`)).text();
  const prefixes = new Set([...page.matchAll(/^# TYPE ([a-z]+)_/gm)].map(([, prefix]) => prefix));
  expect(prefixes).toEqual(new Set(['nodejs', 'notes', 'process']));
});

it('names cookies, headers and the audience of tokens by the prefix of its service', async () => {
  const origin = 'http://localhost:4000';
  const page = { origin, 'x-notes-csrf': '1' };
  const input = { ...(await registered()), transport: 'COOKIE' };
  const { errors } = await client().send(LOGIN, { input }, { origin });
  expect(errors?.[0]?.message).toContain('"x-notes-csrf: 1"');
  const { headers } = await client().send(LOGIN, { input }, page);
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(/[=;]/, 2));
  expect(cookies.map(([name]) => name)).toEqual(['notes-access', 'notes-refresh']);
  const [[name = '', token = ''] = []] = cookies;
  expect(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())).toMatchObject({ aud: 'notes' });
  const asOther = { ...page, cookie: `${name}=${token}`, 'x-notes-account': randomUUID() };
  const { errors: refusals } = await client().send('{ me { id } }', undefined, asOther);
  expect(refusals?.[0]?.extensions['reason']).toBe('OTHER_ACCOUNT');
});
