// The pages of examples/, started by their own commands in front of a service with default settings, as a user sees them.
import type { Browser, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { type RunningExample, startExample } from '../support/example.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { TestTidings } from '../support/tidings.js';
import { launchBrowser } from './browser.js';

let service: TestTidings;
let proxy: TcpProxy;
let browser: Browser;
beforeAll(async () => {
  const port = await freePort('127.0.0.1');
  proxy = await startTcpProxy(port);
  const own = { PORT: String(port), PUBLIC_URL: `http://localhost:${proxy.port}` };
  service = await TestTidings.start({ env: { DEMO: 'true', ...own } });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await proxy?.stop();
  await service?.stop();
});

const project = (page: Page, name: string) => page.getByRole('form', { name });

async function signIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill('editor@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function post(page: Page, name: string, title: string): Promise<void> {
  await project(page, name).getByPlaceholder('News').fill(title);
  await project(page, name).getByPlaceholder('News').press('Enter');
}

describe.each(['apollo-react', 'stock-apollo', 'urql'])('examples/%s', (name) => {
  let example: RunningExample;
  let address: string;
  beforeAll(async () => {
    const env = { TIDINGS_URL: `http://localhost:${proxy.port}` };
    example = startExample(`examples/${name}`, ['npm', 'start', '--', '--port', '0'], env);
    [, address] = (await example.saying(/(http:\/\/localhost:\d+)/)) as unknown as [string, string];
  });
  afterAll(() => example?.stop());

  it('signs in, lists, posts, shows updates of others after a cut as well, and signs out', async () => {
    const profile = await browser.newContext();
    const [page, other] = [await profile.newPage(), await (await browser.newContext()).newPage()];
    const wrong: string[] = [];
    page.on('pageerror', ({ message }) => wrong.push(message));
    for (const one of [page, other]) await one.goto(address);
    await signIn(page, 'wrong');
    await page.getByRole('alert').getByText('password is wrong').waitFor();
    for (const one of [page, other]) await signIn(one, 'tidings-demo');
    await project(other, 'Rider app').waitFor();
    await project(page, 'Rider app').waitFor();
    // Read by everyone who is a member, posted to by its editors.
    expect(await project(page, 'Battery swap network').getByPlaceholder('News').count()).toBe(0);

    await post(page, 'Rider app', `First light of ${name}`);
    await project(other, 'Rider app').getByText(`First light of ${name}`).waitFor();

    proxy.cut();
    await post(other, 'Rider app', `After the cut of ${name}`);
    await project(page, 'Rider app').getByText(`After the cut of ${name}`).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(wrong).toEqual([]);
  });
});
