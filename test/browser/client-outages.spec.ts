// `@tidings/client` in a real Chromium while the service is killed, restarted, unavailable or without its database.
import type { Page } from 'playwright-core';
import { EMAIL, OutageBackend, PASSWORD, POST } from './outage-backend.js';
import { ask, call, ClientStage, figure, holds, isFollowing, isLive, signIn } from './client-stage.js';

let stage: ClientStage;
let backend: OutageBackend;
let projectId = '';
let page: Page;
let posted = 0;

beforeAll(async () => {
  stage = await ClientStage.start({}, false);
  backend = await OutageBackend.start(stage.variables);
});
afterAll(async () => {
  await backend.stop();
  await stage.stop();
});

beforeEach(async () => {
  await stage.begin();
  const create = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id } }';
  projectId = (await backend.author.data(create, { i: { key: `P${Date.now() % 1e9}`, name: 'Outages' } })).createProject
    .id;
  posted = 0;
  page = await stage.tab();
  await signIn(page, { email: EMAIL }, PASSWORD);
  await call(page, 'follow', projectId);
  await isFollowing(page);
});
afterEach(() => stage.end());

async function post(): Promise<void> {
  posted += 1;
  await backend.author.data(POST, {
    i: { projectId, title: `Update ${posted}`, health: 'ON_TRACK', idempotencyKey: `${posted}` },
  });
}
/** Resolves when the page says that it is not live; ms that it took. */
const admits = (timeout?: number) => holds(page, 'page.heard.statuses.at(-1)?.status === "stale"', timeout);
/** The page has everything and says so, by itself; a write of it is done. */
async function recovers(what: string): Promise<void> {
  const began = performance.now();
  await post();
  await holds(page, `page.heard.events.length >= ${posted}`, 40_000);
  await isLive(page);
  await isFollowing(page);
  figure(`${what}: live`, performance.now() - began);
  const seqs = await page.evaluate<number[]>('page.heard.events.map(({ seq }) => seq)');
  expect(seqs).toEqual(Array.from({ length: posted }, (_, at) => seqs[0]! + at));
  expect(await page.evaluate('page.heard.ends')).toEqual([]);
  expect((await ask(page, '{ me { email } }')).data).toEqual({ me: { email: EMAIL } });
}

it.each(['SIGTERM', 'SIGKILL'] as const)('the end of the service by %s is shown and recovered from', async (signal) => {
  await post();
  const began = performance.now();
  const ended = backend.service.stop(signal);
  await admits();
  figure(`${signal}: stale`, performance.now() - began);
  expect(await page.evaluate('page.tidings.connection.get()')).toMatchObject({
    socket: expect.not.stringMatching('open'),
  });
  await ended;
  await backend.startService();
  await recovers(`restarted after ${signal}`);
});

it('a 503 of a proxy is shown and recovered from', async () => {
  stage.proxy.answer503();
  stage.proxy.cut();
  figure('503: stale', await admits());
  const request = ask(page, '{ me { email } }');
  await holds(page, 'page.heard.connections.filter(({ socket }) => socket === "connecting").length >= 4');
  stage.proxy.open();
  await recovers('503 over');
  expect((await request).data ?? (await request).failed).toEqual(expect.anything());
});

it('a PostgreSQL outage is recovered from and the failed query answered', async () => {
  await post();
  // Nothing is missing: only the service can say that it no longer knows.
  await holds(page, `page.heard.events.length === ${posted}`);
  await isLive(page);
  await backend.postgres.stop();
  const read = ask(page, 'query { projects(first: 1) { nodes { id } } }');
  figure('PostgreSQL stopped: stale', await admits(20_000));
  await backend.startPostgres();
  await recovers('PostgreSQL back');
  const { data, failed } = await read;
  expect(data ?? failed).toEqual(expect.anything());
});
