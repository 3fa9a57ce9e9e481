// The pages that docs/frontend.md prints, built by Vite with the packed client, as somebody who follows it sees them.
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import type { Consumer } from '../support/consumer.js';
import { buildFrontend, buildLiveScript, type Kind, printedOrigins, servedBy } from '../support/printed-pages.js';
import { postUpdate } from '../support/factories.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { TestTidings } from '../support/tidings.js';
import { launchBrowser, Site } from './browser.js';

let service: TestTidings;
let proxy: TcpProxy;
beforeAll(async () => {
  // As README.md and docs/frontend.md say to start it.
  const own = { PUBLIC_URL: 'http://localhost:4000', ALLOWED_ORIGINS: printedOrigins() };
  service = await TestTidings.start({ env: { DEMO: 'true', ...own } });
  proxy = await startTcpProxy((service.app.getHttpServer().address() as AddressInfo).port);
});
afterAll(async () => {
  await proxy?.stop();
  await service?.stop();
});

const status = (page: Page, text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor();
const row = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

async function signIn(page: Page, password: string): Promise<void> {
  await page.locator('[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function post(page: Page, name: string, title: string): Promise<void> {
  await row(page, name).locator('[name=title]').fill(title);
  await row(page, name).getByRole('button', { name: 'Post' }).click();
}

/** A browser to which this project's page is at localhost:5173, and the service at localhost:4000. */
async function open(consumer: Consumer): Promise<{ readonly browser: Browser; close(): Promise<void> }> {
  const fileAt = servedBy(consumer);
  const site = await Site.listen(undefined, ({ url = '/' }, response) => {
    const [type, body] = fileAt(url);
    response.setHeader('content-type', type).end(body);
  });
  const rules = `MAP localhost:4000 127.0.0.1:${proxy.port}, MAP localhost:5173 127.0.0.1:${site.port}`;
  const browser = await launchBrowser(rules);
  return {
    browser,
    async close() {
      await browser.close();
      await site.stop();
      consumer.remove();
    },
  };
}

describe.each<Kind>(['Apollo Client', 'urql'])('the page of docs/frontend.md with %s', (kind) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open(await buildFrontend(kind));
  });
  afterAll(() => opened?.close());

  it('signs in, lists, posts, shows updates of others after a cut as well, and signs out in all tabs', async () => {
    const profile = await opened.browser.newContext();
    const [page, other] = [await profile.newPage(), await profile.newPage()];
    const thrown: unknown[] = [];
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto('http://localhost:5173/');
    await signIn(page, 'wrong');
    await page.getByText('password is wrong').waitFor();
    await signIn(page, 'tidings-demo');
    await status(page, 'Connected, up to date');
    await other.goto('http://localhost:5173/');
    await status(other, 'Connected, up to date');
    // Read by everyone who is a member, posted to by its editors.
    expect(await row(page, 'Battery swap network').getByRole('button', { name: 'Post' }).count()).toBe(0);

    await post(page, 'Rider app', `First light with ${kind}`);
    await row(other, `First light with ${kind}`).waitFor();

    proxy.blackhole();
    proxy.cut();
    await status(page, /Not connected, as of \d/);
    proxy.open();
    proxy.cut();
    await status(page, 'Connected, up to date');
    await post(other, 'Rider app', `After the cut with ${kind}`);
    await row(page, `After the cut with ${kind}`).waitFor();

    await other.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(thrown).toEqual([]);
    await profile.close();
  });
});

describe('the script of README.md', () => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open(await buildLiveScript());
  });
  afterAll(() => opened?.close());

  it('runs in a page of the printed origin, and shows what is posted', async () => {
    const page = await opened.browser.newPage();
    await page.goto('http://localhost:5173/');
    await page.getByText('Rider app').waitFor();
    await service.watching(1);
    const login =
      'mutation { login(input: { email: "editor@example.com", password: "tidings-demo" }) { accessToken } }';
    const editor = new GraphqlClient(service.url, (await service.anonymous.data(login)).login.accessToken);
    const { projects } = await editor.data('{ projects(first: 50) { nodes { id name } } }');
    const { id, name } = projects.nodes.find((project: { name: string }) => project.name.startsWith('Rider app'));
    await postUpdate(editor, id);
    await page.getByText(`${name}: UPDATE_POSTED`).waitFor();
    expect(await page.evaluate('location.origin')).toBe('http://localhost:5173');
  });
});
