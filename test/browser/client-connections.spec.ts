// `@tidings/client` in a real Chromium whose machine sleeps, whose pages are put away, and whose network is silent.
import type { Page } from 'playwright-core';
import { createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { until } from '../support/wait.js';
import {
  ask,
  call,
  figure,
  freeze,
  holds,
  isFollowing,
  isLive,
  SHORT_TOKENS,
  signIn,
  useClientStage,
} from './client-stage.js';

const stage = useClientStage({ env: SHORT_TOKENS });
const SNAPSHOT = /"query Project/;

let ada: Person;
let projectId = '';
let page: Page;
let posted = 0;

beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  projectId = (await createProject(ada)).id;
  posted = 0;
  page = await stage.current.tab();
  await signIn(page, ada);
  await call(page, 'follow', projectId);
  await isFollowing(page);
  await post();
  await holds(page, 'page.heard.events.length === 1');
});

async function post(): Promise<void> {
  // Its own token would have expired too.
  const author = await stage.current.tidings.signIn(ada.id, ada.email);
  await postUpdate(author, projectId, { title: `Update ${(posted += 1)}` });
}

/** Everything has come once and in order, by the cursor: the snapshot was read once. */
async function expectResumed(): Promise<void> {
  const seqs = await page.evaluate<number[]>('page.heard.events.map(({ seq }) => seq)');
  expect(seqs).toEqual(Array.from({ length: posted }, (_, at) => seqs[0]! + at));
  expect(stage.current.front.count(SNAPSHOT)).toBe(1);
  expect(await page.evaluate('page.heard.ends')).toEqual([]);
  expect(await page.evaluate('page.heard.errors')).toEqual([]);
}
/** Resolves when the page has everything and says so; ms that it took. */
async function isLiveAgain(): Promise<number> {
  const began = performance.now();
  await holds(page, `page.heard.events.length >= ${posted}`);
  await isLive(page);
  return performance.now() - began;
}

/** Runs `meanwhile` while the renderer of the page is stopped, as by the sleep of its machine. */
async function asleep(meanwhile: () => Promise<void>): Promise<void> {
  const cdp = await stage.current.browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  for (const pid of renderers) process.kill(pid, 'SIGSTOP');
  try {
    await meanwhile();
  } finally {
    for (const pid of renderers) process.kill(pid, 'SIGCONT');
    await cdp.detach();
  }
}

it('live within 2 s after sleeping past the end of the token', async () => {
  await asleep(async () => {
    await post();
    // Longer than the token lives.
    await stage.current.tidings.database.query('select pg_sleep(4)');
    await post();
  });
  const took = await isLiveAgain();
  figure('awake again: live', took);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
});

it('live within 2 s after sleeping with the connection lost', async () => {
  await asleep(async () => {
    stage.current.proxy.cut();
    await post();
    await stage.current.tidings.database.query('select pg_sleep(4)');
  });
  const took = await isLiveAgain();
  figure('awake again without its connection: live', took);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
});

it('live within 2 s after the page was frozen', async () => {
  const thaw = await freeze(page);
  await post();
  await stage.current.tidings.database.query('select pg_sleep(4)');
  await thaw();
  const took = await isLiveAgain();
  figure('thawed: live', took);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
});

it('live within 2 s after a return from the back/forward cache', async () => {
  await page.evaluate(`addEventListener('pageshow', ({ persisted }) => { globalThis.restored = persisted; })`);
  await page.goto(`http://localhost:${stage.current.pages.port}/elsewhere`);
  await post();
  await stage.current.tidings.database.query('select pg_sleep(4)');
  await page.goBack({ waitUntil: 'commit' });
  const took = await isLiveAgain();
  figure('back from the cache of pages: live', took);
  // Else it was loaded anew, and this says nothing.
  expect(await page.evaluate('globalThis.restored')).toBe(true);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
});

it('a silent network is reported within 15 s, and live within 2 s afterwards', async () => {
  const cut = performance.now();
  stage.current.proxy.blackhole();
  await holds(page, 'page.heard.statuses.at(-1)?.status === "stale"', 20_000);
  const admitted = performance.now() - cut;
  figure('black hole: stale', admitted);
  expect(admitted).toBeLessThan(15_000);
  expect(await page.evaluate('page.tidings.connection.get()')).toMatchObject({ complete: { at: expect.any(Number) } });
  await post();
  // It is trying: what it tries hangs.
  await holds(page, 'page.tidings.connection.get().socket === "connecting"');
  stage.current.proxy.open();
  const took = await isLiveAgain();
  figure('black hole over: live', took);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
  expect((await ask(page, '{ me { id } }')).data).toEqual({ me: { id: ada.id } });
});

it('recovers from repeated connection resets', async () => {
  for (let times = 0; times < 5; times += 1) {
    const before = stage.current.front.upgrades;
    stage.current.proxy.cut();
    await post();
    await until(() => stage.current.front.upgrades > before, 'it connected anew');
    expect(await isLiveAgain()).toBeLessThan(10_000);
  }
  await expectResumed();
});

it('live within 2 s after the browser reports the network back', async () => {
  const { proxy, profile } = stage.current;
  proxy.answer503();
  proxy.cut();
  // By now it waits some seconds before it tries again.
  await holds(page, 'page.heard.connections.filter(({ socket }) => socket === "connecting").length >= 6', 30_000);
  await profile.setOffline(true);
  await post();
  proxy.open();
  await profile.setOffline(false);
  const took = await isLiveAgain();
  figure('network back: live', took);
  expect(took).toBeLessThan(2_000);
  await expectResumed();
});
