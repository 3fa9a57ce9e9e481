// `@tidings/client` in a real Chromium while the service is killed, restarted, unavailable or without its database.
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/engine/database/embedded-postgres.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { killAll, ServiceProcess } from '../support/process.js';
import { SECRET } from '../support/tidings.js';
import { ask, call, ClientStage, figure, holds, isFollowing, isLive, signIn } from './client-stage.js';

const EMAIL = 'ada@example.com';
const PASSWORD = 'pages survive what services do not';
const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';

let stage: ClientStage;
let dataDir: string;
let postgresPort: number;
let postgres: EmbeddedPostgres;
let service: ServiceProcess;
let author: GraphqlClient;
let projectId = '';
let page: Page;
let posted = 0;

const startPostgres = () => startEmbeddedPostgres({ dataDir, choosePort: async () => postgresPort });
const startService = async () => {
  service = await ServiceProcess.start({
    DATABASE_URL: postgres.url,
    DATA_DIR: join(dataDir, 'unused'),
    APP_SECRET: SECRET,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'warn',
    ...stage.variables,
  });
};

beforeAll(async () => {
  dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-pages-')));
  chmodSync(dataDir, 0o755);
  postgresPort = await freePort('127.0.0.1');
  [stage, postgres] = await Promise.all([ClientStage.start({}, false), startPostgres()]);
  await startService();
  const url = `http://127.0.0.1:${stage.variables['PORT']}`;
  const register = 'mutation ($i: RegisterInput!) { register(input: $i) { accessToken } }';
  const i = { name: 'Ada', email: EMAIL, password: PASSWORD };
  const { accessToken } = (await new GraphqlClient(url).data(register, { i })).register;
  author = new GraphqlClient(url, accessToken);
});
afterAll(async () => {
  await killAll();
  await stage.stop();
  await postgres.stop();
  await removeEmbeddedPostgres(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach(async () => {
  await stage.begin();
  const create = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id } }';
  projectId = (await author.data(create, { i: { key: `P${Date.now() % 1e9}`, name: 'Outages' } })).createProject.id;
  posted = 0;
  page = await stage.tab();
  await signIn(page, { email: EMAIL }, PASSWORD);
  await call(page, 'follow', projectId);
  await isFollowing(page);
});
afterEach(() => stage.end());

async function post(): Promise<void> {
  posted += 1;
  await author.data(POST, {
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
  figure(`${what}: live`, performance.now() - began);
  const seqs = await page.evaluate<number[]>('page.heard.events.map(({ seq }) => seq)');
  expect(seqs).toEqual(Array.from({ length: posted }, (_, at) => seqs[0]! + at));
  expect(await page.evaluate('page.heard.ends')).toEqual([]);
  expect(await page.evaluate('page.heard.statuses.at(-1).status')).toBe('live');
  expect((await ask(page, '{ me { email } }')).data).toEqual({ me: { email: EMAIL } });
}

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'shows that the service has ended by %s, and recovers by itself',
  async (signal) => {
    await post();
    const began = performance.now();
    const ended = service.stop(signal);
    await admits();
    figure(`${signal}: stale`, performance.now() - began);
    expect(await page.evaluate('page.tidings.connection.get()')).toMatchObject({
      socket: expect.not.stringMatching('open'),
    });
    await ended;
    await startService();
    await recovers(`restarted after ${signal}`);
  },
);

it('shows that a proxy answers 503, and recovers by itself', async () => {
  stage.proxy.answer503();
  stage.proxy.cut();
  figure('503: stale', await admits());
  const request = ask(page, '{ me { email } }');
  await holds(page, 'page.heard.connections.filter(({ socket }) => socket === "connecting").length >= 4');
  stage.proxy.open();
  await recovers('503 over');
  expect((await request).data ?? (await request).failed).toEqual(expect.anything());
});

it('recovers by itself when PostgreSQL was away, and a read that met it is answered', async () => {
  await post();
  await postgres.stop();
  const read = ask(page, 'query { projects(first: 1) { nodes { id } } }');
  figure('PostgreSQL stopped: stale', await admits(20_000));
  postgres = await startPostgres();
  await recovers('PostgreSQL back');
  const { data, failed } = await read;
  expect(data ?? failed).toEqual(expect.anything());
});
