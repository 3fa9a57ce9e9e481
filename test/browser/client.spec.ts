// `@tidings/client` in a real Chromium: cookies, tabs, React in its strict mode.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { addMember, createProject, postUpdate, type TestProject } from '../support/factories.js';
import type { Data } from '../support/graphql-client.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { PASSWORD, type Person, TestTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { launchBrowser, Site } from './browser.js';

let browser: Browser;
let profile: BrowserContext;
let site: Site;
let proxy: TcpProxy;
let tidings: TestTidings;
let editor: Person;
let viewer: Person;
let project: TestProject;

async function pageScript(): Promise<string> {
  const define = { 'process.env.NODE_ENV': '"development"' };
  const bundle = await rolldown({ input: 'test/browser/client-page.js', platform: 'browser', transform: { define } });
  const { output } = await bundle.generate({ format: 'iife' });
  return output[0].code;
}

beforeAll(async () => {
  const script = await pageScript();
  site = await Site.listen(undefined, ({ url }, response) => {
    if (url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script);
    else response.setHeader('content-type', 'text/html').end('<div id="root"></div><script src="/page.js"></script>');
  });
  const env = { ALLOWED_ORIGINS: `http://localhost:${site.port}`, ACCESS_TOKEN_TTL: '5s' };
  tidings = await TestTidings.start({ env });
  proxy = await startTcpProxy(Number(new URL(tidings.url).port));
  [editor, viewer] = [await tidings.asUser('EDITOR'), await tidings.asUser('USER')];
  project = await createProject(editor);
  await addMember(editor, project.id, viewer, 'VIEWER');
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await proxy.stop();
  await tidings.stop();
  await site.stop();
});
beforeEach(async () => {
  profile = await browser.newContext();
});
afterEach(async () => {
  proxy.open();
  await profile.close();
  await tidings.watching(0);
});

async function tab(): Promise<Page> {
  const page = await profile.newPage();
  const query = new URLSearchParams({ service: `http://localhost:${proxy.port}`, project: project.id });
  await page.goto(`http://localhost:${site.port}/?${query.toString()}`);
  return page;
}
const call = (page: Page, act: string, ...args: unknown[]) =>
  page.evaluate(`app.${act}(...${JSON.stringify(args)})`) as Promise<Data>;
const shows = (page: Page, name: string, test: (state: Data) => boolean) =>
  until(async () => test((await call(page, 'read', name)) ?? {}), `#${name} showed it`);
const isLive = (page: Page, name = 'first') => shows(page, name, ({ status }) => status === 'live');
const signIn = (page: Page, { email }: Person) => call(page, 'signIn', email, PASSWORD);

/** In a session of its own: tokens do not live long here. */
const post = async (title: string) => postUpdate(await tidings.signIn(editor.id, editor.email), project.id, { title });

it('two components in strict mode have one subscription, and who comes later has everything', async () => {
  const page = await tab();
  await signIn(page, editor);
  await isLive(page);
  // The project, and what the account gains and loses.
  await tidings.watching(2);
  await post('Before');
  await shows(page, 'first', ({ titles }) => titles[0] === 'Before');
  await call(page, 'showSecond', true);
  await isLive(page, 'second');
  await post('After');
  for (const name of ['first', 'second'])
    await shows(page, name, ({ titles }) => titles[0] === 'After' && titles[1] === 'Before');
  expect((await call(page, 'read', 'first')).titles).toEqual((await call(page, 'read', 'second')).titles);
  await tidings.watching(2);
});

it('a lost connection is shown, and what was missed is there when it is back', async () => {
  const page = await tab();
  await signIn(page, editor);
  await isLive(page);
  proxy.answer503();
  proxy.cut();
  await shows(page, 'first', ({ status }) => status === 'stale');
  await post('Missed');
  proxy.open();
  await isLive(page);
  await shows(page, 'first', ({ titles }) => titles[0] === 'Missed');
  expect((await call(page, 'read', 'first')).titles.filter((title: string) => title === 'Missed')).toHaveLength(1);
});

it('a black hole is admitted within 15 s', async () => {
  const page = await tab();
  await signIn(page, editor);
  await isLive(page);
  const began = Date.now();
  proxy.blackhole();
  await shows(page, 'first', ({ status }) => status === 'stale');
  expect(Date.now() - began).toBeLessThan(15_000);
  proxy.open();
  await isLive(page);
});

it('what an account may not see is refused by its path, and the rest is there', async () => {
  const page = await tab();
  await signIn(page, viewer);
  await isLive(page);
  expect(await call(page, 'read', 'first')).toMatchObject({ refused: [['project', 'budget']] });
});

/** Rotations of all sessions. */
const generation = async () =>
  (await tidings.database.query<{ sum: string }>('select sum(generation) from session'))[0]!.sum;

it('a reload stays signed in, and two tabs with expired tokens rotate them once', async () => {
  const first = await tab();
  await signIn(first, editor);
  await first.reload();
  await shows(first, 'session', ({ status }) => status === 'signed-in');
  const second = await tab();
  await shows(second, 'session', ({ status }) => status === 'signed-in');
  await Promise.all([isLive(first), isLive(second)]);
  const before = Number(await generation());
  // Their sockets stay: tokens are renewed before they expire.
  await until(async () => Number(await generation()) > before, 'they had been renewed');
  const ids = await Promise.all([call(first, 'me'), call(second, 'me')]);
  expect(ids).toEqual([editor.id, editor.id]);
  expect(Number(await generation())).toBe(before + 1);
});

it('signing out, and in as another account, reaches the other tab and clears its cache', async () => {
  const [first, second] = [await tab(), await tab()];
  await signIn(first, editor);
  await isLive(second);
  expect(await call(second, 'cached')).toBeGreaterThan(0);
  await call(first, 'signOut');
  await shows(second, 'session', ({ status }) => status === 'signed-out');
  expect(await call(second, 'cached')).toBe(0);
  await signIn(first, viewer);
  await isLive(second);
  expect(await call(second, 'session')).toMatchObject({ account: { id: viewer.id } });
});

it('signing out without a network holds, also after a reload', async () => {
  const page = await tab();
  await signIn(page, editor);
  proxy.answer503();
  proxy.cut();
  await call(page, 'signOut');
  await page.reload();
  await shows(page, 'session', ({ status }) => status === 'signed-out');
  proxy.open();
  await until(async () => (await profile.cookies()).length === 0, 'the service had ended it');
  expect(await call(page, 'session')).toEqual({ status: 'signed-out', reason: 'signed-out' });
});
