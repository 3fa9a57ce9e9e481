// The wall while services, their database and the network fail: it says so, and afterwards nothing is missing, without a reload.
import type { Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { PersistentClient } from '../support/fault-client.js';
import { sharedRedisUrl, stopSharedRedis } from '../support/redis.js';
import { until } from '../support/wait.js';
import { EMAIL, OutageBackend, PASSWORD, POST } from './outage-backend.js';
import { card, inPage, isLive, isSame, mark, signIn, WallStage } from './wall-stage.js';

let stage: WallStage;
let backend: OutageBackend;
let projectId = '';
let key = '';
let page: Page;
let posted = 0;

const urlOf = (port: string | undefined) => `http://127.0.0.1:${port}`;

beforeAll(async () => {
  stage = await WallStage.start({}, false);
  backend = await OutageBackend.start({ REDIS_URL: await sharedRedisUrl(), ...stage.variables });
});
afterAll(async () => {
  await backend.stop();
  await stage.stop();
  await stopSharedRedis();
});

beforeEach(async () => {
  await stage.begin();
  ({ id: projectId, key } = await createProject());
  posted = 0;
  page = await stage.open(`/?project=${key}`);
  await signIn(page, { email: EMAIL }, PASSWORD);
  await page.getByRole('dialog').getByText('No updates yet.').waitFor();
  await isLive(page);
  await mark(page);
});
afterEach(() => stage.end());

let created = 0;
async function createProject(): Promise<{ id: string; key: string }> {
  created += 1;
  const create = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id key } }';
  return (await backend.author.data(create, { i: { key: `P${created}`, name: `Outages ${created}` } })).createProject;
}

async function post(): Promise<void> {
  posted += 1;
  const i = { projectId, title: `Update ${posted}`, health: 'ON_TRACK', idempotencyKey: `${posted}` };
  await backend.author.data(POST, { i });
}

const badge = () => page.getByRole('dialog').locator('[role=status][data-state]');

/** Resolves when the page says as of when it is; ms that it took. */
async function admits(): Promise<number> {
  const began = performance.now();
  await page
    .getByRole('dialog')
    .getByText(/^As of \d\d:\d\d\.$/)
    .waitFor({ timeout: 20_000 });
  expect(await badge().getAttribute('data-state')).not.toBe('live');
  return performance.now() - began;
}

/** Titles of as many updates, the newest first. */
const titlesOf = (count: number): string[] => Array.from({ length: count }, (_, at) => `Update ${count - at}`);
const everything = () => titlesOf(posted);

/** Posts to each of the projects in turn, ten times a second, whatever fails: a post is repeated until it is answered. */
class Traffic {
  /** Of all projects together. */
  posted = 0;
  readonly client: PersistentClient;
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    readonly projects: readonly { readonly id: string; readonly key: string }[],
    url: string,
  ) {
    this.client = new PersistentClient([url], backend.author.accessToken);
    this.running = this.run();
    this.running.catch(() => {}); // thrown by `end`
  }

  /** Resolves when as many more have been posted. */
  more(count: number): Promise<void> {
    const enough = this.posted + count;
    return until(() => this.posted >= enough, `${count} more updates were posted`, 45_000);
  }

  /** Resolves to how many updates each project has. */
  async end(): Promise<number[]> {
    this.isOver = true;
    await this.running;
    return this.projects.map((_, at) => Math.ceil((this.posted - at) / this.projects.length));
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const due = performance.now() + 100;
      const { id } = this.projects[this.posted % this.projects.length]!;
      const title = `Update ${Math.floor(this.posted / this.projects.length) + 1}`;
      await this.client.data(POST, { i: { projectId: id, title, health: 'ON_TRACK', idempotencyKey: title } });
      this.posted += 1;
      await until(() => performance.now() >= due, 'its time had come');
    }
  }
}

/** The project of the panel and five others, to which is posted by way of `url` from now on. */
async function startTraffic(url: string): Promise<Traffic> {
  const projects = [{ id: projectId, key }];
  while (projects.length < 6) projects.push(await createProject());
  const traffic = new Traffic(projects, url);
  await traffic.more(12);
  return traffic;
}

/** Fails unless the page comes to show all of it, live, without having been loaded again. */
async function showsAllOf(traffic: Traffic): Promise<void> {
  const counts = await traffic.end();
  for (const [at, count] of counts.entries())
    await card(page, traffic.projects[at]!.key).getByText(`Update ${count}`, { exact: true }).waitFor();
  const panel = page.getByRole('dialog');
  await panel.getByRole('heading', { name: `Update ${counts[0]}`, exact: true }).waitFor();
  expect(await panel.locator('article h3').allTextContents()).toEqual(titlesOf(counts[0]!));
  await isLive(page);
  expect(await isSame(page)).toBe(true);
}

/** Records what the badge says from now on, one state after the other. */
const RECORD_STATES = `
  globalThis.states = ['live'];
  new MutationObserver(() => {
    const { state } = [...document.querySelectorAll('[role=status][data-state]')].at(-1).dataset;
    if (state !== states.at(-1)) states.push(state);
  }).observe(document, { subtree: true, attributeFilter: ['data-state'] });`;
const badgeStates = async () => (await page.evaluate<string[]>('states')).join(' ');

/** Resolves to the titles that the panel shows once it says that it has everything, there and on the wall. */
async function recovered(): Promise<string[]> {
  await post();
  const panel = page.getByRole('dialog');
  await panel.getByRole('heading', { name: `Update ${posted}`, exact: true }).waitFor({ timeout: 45_000 });
  await isLive(page, 30_000);
  await panel.getByText(/^As of/).waitFor({ state: 'detached' });
  const titles = await panel.locator('article h3').allTextContents();
  await card(page, key).getByText(`Update ${posted}`, { exact: true }).waitFor();
  expect(await isSame(page)).toBe(true);
  return titles;
}

it.each(['SIGTERM', 'SIGKILL'] as const)('the wall recovers from a restart of the service by %s', async (signal) => {
  await post();
  const ended = backend.service.stop(signal);
  await admits();
  expect(await badge().innerText()).toMatch(/^Reconnecting\. Current as of \d\d:\d\d$/);
  await ended;
  await backend.startService();
  expect(await recovered()).toEqual(everything());
});

it('the wall recovers when one of two instances is killed', async () => {
  const otherPort = await freePort('127.0.0.1');
  const other = await backend.startInstance({ PORT: String(otherPort) });
  try {
    const traffic = await startTraffic(urlOf(String(otherPort)));
    await page.evaluate(RECORD_STATES);
    await backend.service.stop('SIGKILL');
    await admits();
    await traffic.more(12);
    stage.proxy.switchTo(otherPort);
    await isLive(page, 30_000);
    await traffic.more(12);
    await showsAllOf(traffic);
    // Whatever the way back: it says that it is live when it is, and not before. Posts go on, so it may fall behind again.
    expect(await badgeStates()).toMatch(/^live reconnecting( catching-up| reconnecting)* live( catching-up live)*$/);
  } finally {
    stage.proxy.switchTo(Number(stage.variables['PORT']));
    await other.stop();
    await backend.startService();
  }
});

it('the wall recovers from a restart of PostgreSQL', async () => {
  const traffic = await startTraffic(urlOf(stage.variables['PORT']));
  await page.evaluate(RECORD_STATES);
  await backend.postgres.stop();
  await admits();
  await backend.startPostgres();
  await traffic.more(12);
  await showsAllOf(traffic);
  expect(traffic.client.retried).toBeGreaterThan(0);
  // Posts go on, so it may fall behind again once it is back.
  expect(await badgeStates()).toMatch(/^live (catching-up |reconnecting )+live( catching-up live)*$/);
});

it('the wall shows the age of its data within 15 s on a silent network', async () => {
  await post();
  await page.getByRole('dialog').getByRole('heading', { name: 'Update 1' }).waitFor();
  stage.proxy.blackhole();
  const took = await admits();
  process.stdout.write(`figure: black hole admitted after ${(took / 1_000).toFixed(1)} s\n`);
  expect(took).toBeLessThan(15_000);
  await post();
  stage.proxy.open();
  expect(await recovered()).toEqual(everything());
});

it('the wall recovers from repeated cuts', async () => {
  for (let times = 0; times < 5; times += 1) {
    await post();
    stage.proxy.cut();
    await post();
  }
  expect(await recovered()).toEqual(everything());
});

it('a kiosk dims and shows the age of its data', async () => {
  await page.goto(`${stage.origin}/?kiosk`);
  await page.locator('main[data-stale=false] article').first().waitFor();
  await isLive(page);
  stage.proxy.blackhole();
  const band = page.getByText(/^As of \d\d:\d\d$/);
  await band.waitFor({ timeout: 15_000 });
  expect(await inPage(band, (element) => element.getBoundingClientRect().width)).toBe(1440);
  const opacity = () => page.evaluate<string>('getComputedStyle(document.querySelector("main > div")).opacity');
  await until(async () => (await opacity()) === '0.4', 'the picture was dimmed');
  stage.proxy.open();
  await band.waitFor({ state: 'detached', timeout: 30_000 });
});
