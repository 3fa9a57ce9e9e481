// `@tidings/client`: one class for each code, whichever way it comes.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createTidings,
  InvalidCredentials,
  OperationFailed,
  RateLimited,
  SignedOut,
  type Tidings,
  TidingsError,
  Unavailable,
} from '@tidings/client';
import { payloadOf, ScriptedService } from '../support/scripted-service.js';

const SNAPSHOT = '{ projects { lastCursor } }';
const SUBSCRIPTION = 'subscription ($after: String) { projectsUpdated(after: $after) { cursor } }';
const refusal = (code: string) => ({ errors: [{ message: 'No.', extensions: { code, retryAfter: 7 } }] });

let service: ScriptedService;
let tidings: Tidings;
beforeEach(async () => {
  service = await ScriptedService.start(() => ({ data: { logout: true, projects: { lastCursor: 'a' } } }));
  tidings = createTidings({ url: service.url, transport: 'body' });
  await tidings.adopt(payloadOf('ada'));
});
afterEach(async () => {
  tidings.close();
  await service.stop();
});

const CLASSES = [
  ['INVALID_CREDENTIALS', InvalidCredentials, 'InvalidCredentials'],
  ['RATE_LIMITED', RateLimited, 'RateLimited'],
  ['SERVICE_UNAVAILABLE', Unavailable, 'Unavailable'],
  ['UNAUTHENTICATED', SignedOut, 'SignedOut'],
  ['CONFLICT', OperationFailed, 'OperationFailed'],
] as const;

describe.each(CLASSES)('%s', (code, type, name) => {
  const described = async (promise: Promise<unknown>) => {
    const error = (await promise.catch((reason: unknown) => reason)) as TidingsError;
    return [error instanceof type, error instanceof TidingsError, error.name, error.code, error.stack?.split('\n')[0]];
  };
  const expected = [true, true, name, code, `${name}: No.`];
  beforeEach(async () => {
    await tidings.signOut();
    service.answer = () => refusal(code);
  });

  it('is thrown by signIn and by a mutation', async () => {
    expect(await described(tidings.signIn({ email: 'ada@example.com', password: 'wrong' }))).toEqual(expected);
    expect(await described(tidings.request('mutation { logoutEverywhere }'))).toEqual(expected);
  });

  it('is thrown by events()', async () => {
    expect(await described(tidings.events().next())).toEqual(expected);
  });
});

it('RateLimited has the delay, and errors keep partial data', async () => {
  service.answer = () => refusal('RATE_LIMITED');
  await expect(tidings.request(SNAPSHOT)).rejects.toMatchObject({ retryAfter: 7 });
  service.answer = () => ({ ...refusal('FORBIDDEN'), data: { me: null } });
  await expect(tidings.request(SNAPSHOT)).rejects.toMatchObject({ code: 'FORBIDDEN', data: { me: null } });
});

it('a subscription throws the class of its close code', async () => {
  const ended = Promise.withResolvers<unknown>();
  tidings.live({ snapshot: SNAPSHOT, subscription: SUBSCRIPTION, onEnd: (end) => ended.resolve(end) });
  (await service.subscription('projectsUpdated')).error('FORBIDDEN');
  expect(await ended.promise).toMatchObject({ reason: 'lost', error: { name: 'OperationFailed', code: 'FORBIDDEN' } });
});

describe('without a service', () => {
  let proxy: Server;
  let status = 502;
  beforeEach(async () => {
    proxy = createServer((_, outgoing) => outgoing.writeHead(status, { 'retry-after': '9' }).end('<html>')).listen(0);
    await new Promise((resolve) => {
      proxy.once('listening', resolve);
    });
  });
  afterEach(() => proxy.close());
  const asked = () =>
    createTidings({ url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, transport: 'body' })
      .request('mutation { logoutEverywhere }')
      .catch((error: unknown) => error);

  it('a proxy error is Unavailable with its cause', async () => {
    status = 502;
    const error = (await asked()) as Unavailable;
    expect(error).toBeInstanceOf(Unavailable);
    expect(error.errors[0]!.extensions).toMatchObject({ cause: { message: 'Status 502' } });
  });

  it('a 429 of a proxy is RateLimited', async () => {
    status = 429;
    const error = await asked();
    expect(error).toBeInstanceOf(RateLimited);
    expect(error).toMatchObject({ retryAfter: 9 });
  });
});

it('a service without `session` is reported, and the session stays unknown', async () => {
  service.answer = () => ({
    errors: [{ message: 'Cannot query field "session".', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
  });
  const robot = createTidings({ url: service.url, transport: 'token', token: 'tdk_1' });
  const told = Promise.withResolvers<unknown>();
  robot.session.subscribe(told.resolve);
  expect(await told.promise).toMatchObject({
    status: 'restoring',
    error: { code: 'GRAPHQL_VALIDATION_FAILED', message: 'Cannot query field "session".' },
  });
  robot.close();
});
