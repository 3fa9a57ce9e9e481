// `@tidings/client`: what was signed out, closed or aborted stays so, whatever still arrives.
import { createTidings, type LiveEnd, type Tidings, type TidingsError } from '@tidings/client';
import { MemoryStorage } from '../support/client.js';
import { payloadOf, ScriptedService } from '../support/scripted-service.js';

const SNAPSHOT = '{ projects { lastCursor } }';
const SUBSCRIPTION = 'subscription ($after: String) { projectsUpdated(after: $after) { cursor } }';

let service: ScriptedService;
let tidings: Tidings;
beforeEach(async () => {
  service = await ScriptedService.start(() => ({ data: { logout: true, projects: { lastCursor: 'a' } } }));
  tidings = createTidings({ url: service.url, transport: 'body', storage: new MemoryStorage() });
  await tidings.adopt(payloadOf('ada'));
});
afterEach(async () => {
  tidings.close();
  await service.stop();
});

it('signOut() works while the reply to a refresh is being read', async () => {
  const original = globalThis.fetch;
  const left = Promise.withResolvers<void>();
  service.answer = ({ query }) => {
    if (query.includes('refresh(')) return { data: { refresh: payloadOf('ada') } };
    if (query.includes('logout')) return { data: { logout: true } };
    return { errors: [{ message: 'It has expired.', extensions: { code: 'UNAUTHENTICATED' } }] };
  };
  // The last moment before the client has the reply: no network can be so exact.
  globalThis.fetch = async (url, options) => {
    const response = await original(url, options);
    const body = options?.body as string;
    if (!body.includes('refresh(')) return response;
    const json = async (): Promise<unknown> => {
      const reply: unknown = await response.json();
      queueMicrotask(() => left.resolve(tidings.signOut()));
      return reply;
    };
    return { status: 200, headers: response.headers, json } as Response;
  };
  try {
    await expect(tidings.request(SNAPSHOT)).rejects.toMatchObject({ name: 'SignedOut' });
    await left.promise;
  } finally {
    globalThis.fetch = original;
  }
  expect(tidings.session.get()).toEqual({ status: 'signed-out', reason: 'signed-out' });
});

it('signOut() works after close()', async () => {
  tidings.close();
  await tidings.signOut();
  expect(tidings.session.get()).toMatchObject({ status: 'signed-out' });
  expect(service.asked.map(({ variables }) => variables['token'])).toEqual(['refresh of ada']);
});

it('subscribing fails after close()', async () => {
  tidings.close();
  const ended = Promise.withResolvers<LiveEnd>();
  const states: string[] = [];
  tidings.connection.subscribe(({ socket }) => states.push(socket));
  tidings.live({ snapshot: SNAPSHOT, subscription: SUBSCRIPTION, onEnd: ended.resolve });
  expect(await ended.promise).toMatchObject({ reason: 'signed-out' });
  const refused = Promise.withResolvers<TidingsError>();
  tidings.subscribe({ query: 'subscription { watching }' }, { next() {}, error: refused.resolve, complete() {} });
  expect(await refused.promise).toMatchObject({ name: 'SignedOut' });
  expect(service.opened).toEqual([]);
  // One attempt for each of the three subscriptions: nothing is tried again.
  expect(states.filter((state) => state === 'connecting')).toHaveLength(3);
});

it('events() ends without error when its signal is aborted, before the first reply as well', async () => {
  const asked = Promise.withResolvers<void>();
  service.answer = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const abort = new AbortController();
  const next = tidings.events({ signal: abort.signal }).next();
  await asked.promise;
  abort.abort();
  expect(await next).toEqual({ value: undefined, done: true });
});
