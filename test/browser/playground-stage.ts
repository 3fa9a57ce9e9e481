// The playground in a real Chromium, as the service itself serves it, behind a proxy that can cut connections.
import type { Browser, BrowserContext, ConsoleMessage, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { DEMO_PASSWORD } from '../../src/demo/people.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { TestTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { launchBrowser, useStage } from './browser.js';

const SUBSCRIPTIONS = 'tidings_subscriptions';

/** A service that has demo data, and its address for browsers. */
export class PlaygroundStage {
  /** What pages have reported since they were opened: errors, warnings, and requests to other origins. */
  readonly complaints: string[] = [];
  profile!: BrowserContext;

  private constructor(
    readonly browser: Browser,
    readonly tidings: TestTidings,
    readonly proxy: TcpProxy,
    readonly origin: string,
  ) {}

  /** `host`: of the address that pages are opened at, on this machine. */
  static async start(env: Readonly<Record<string, string>> = {}, host = 'localhost'): Promise<PlaygroundStage> {
    const port = await freePort('127.0.0.1');
    const [browser, proxy] = await Promise.all([launchBrowser(`MAP ${host} 127.0.0.1`), startTcpProxy(port)]);
    const origin = `http://${host}:${proxy.port}`;
    const own = { PORT: String(port), PUBLIC_URL: origin, ALLOWED_ORIGINS: origin, DEMO: 'true', ...env };
    return new PlaygroundStage(browser, await TestTidings.start({ env: own }), proxy, origin);
  }

  async begin(options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
    this.complaints.length = 0;
    this.profile = await this.browser.newContext(options);
  }

  async end(): Promise<void> {
    this.proxy.open();
    await this.profile.close();
    // Else the next test would count them.
    await this.hasSubscriptions(0);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.tidings.stop();
    await this.proxy.stop();
  }

  /** A tab with the playground, ready to be used. */
  async open(): Promise<Page> {
    const page = await this.profile.newPage();
    const complain = (what: string, about: string): void => void this.complaints.push(`${what}: ${about}`);
    page.on('console', (message: ConsoleMessage) => {
      if (message.type() === 'error' || message.type() === 'warning') complain(message.type(), message.text());
    });
    page.on('pageerror', (error) => complain('uncaught', error.message));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.origin !== this.origin && url.protocol !== 'data:') complain('another origin', request.url());
    });
    await page.goto(`${this.origin}/graphql`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    // The schema is there: operations can be told apart.
    await page.locator('button[aria-label^="Re-fetch"]:not([disabled])').waitFor();
    return page;
  }

  /** An account of the demo, signed in from elsewhere. */
  async elsewhere(name: 'admin' | 'editor' | 'user'): Promise<GraphqlClient> {
    const { anonymous, url } = this.tidings;
    const login = 'mutation ($i: LoginInput!) { login(input: $i) { accessToken } }';
    const input = { email: `${name}@example.com`, password: DEMO_PASSWORD };
    return new GraphqlClient(url, (await anonymous.data(login, { i: input })).login.accessToken);
  }

  /** Says something in RIDER, as Uma, from elsewhere. */
  async comment(body: string): Promise<void> {
    const uma = await this.elsewhere('user');
    const { project } = await uma.data('{ project(key: "RIDER") { id } }');
    const input = { projectId: project.id, body };
    await uma.data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', { i: input });
  }

  /** Resolves when the service has so many subscriptions. */
  hasSubscriptions(count: number): Promise<void> {
    return until(async () => (await this.metric(SUBSCRIPTIONS)) === count, `there were ${count} subscriptions`);
  }

  /** A sample of the service's metrics. */
  private async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.tidings.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }
}

/** Signs in with one click, as an account of the demo. */
export async function signInAs(page: Page, name: 'Ada Moreau' | 'Elias Brandt' | 'Uma Reyes'): Promise<void> {
  await page.getByRole('button', { name }).click();
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
}

/** Switches by the account menu. */
export async function switchTo(page: Page, name: 'Ada Moreau' | 'Elias Brandt' | 'Uma Reyes'): Promise<void> {
  await page.getByRole('button', { name: /^Account: / }).click();
  await page.getByRole('menuitem', { name: `Switch to ${name}` }).click();
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
}

export const openTab = (page: Page, name: string): Promise<void> =>
  page.locator('.graphiql-tab-button', { hasText: name }).click();

/** Runs the operation of this name of the open tab. */
export async function run(page: Page, operation: string): Promise<void> {
  await page.getByRole('button', { name: /^Execute query/ }).click();
  await page.getByRole('menuitem', { name: operation, exact: true }).click();
}

export const stop = (page: Page): Promise<void> => page.getByRole('button', { name: /^Stop query/ }).click();

/** What the response pane shows. */
export const response = (page: Page): Promise<string> =>
  page.evaluate<string>(
    `__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith('response.json'))?.getValue() ?? ''`,
  );

/** Replaces what is in an editor; `file`: `operation.graphql`, `variables.json` or `request-headers.json`. */
export const type = (page: Page, file: string, text: string): Promise<void> =>
  page.evaluate<void>(
    `__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(${JSON.stringify(file)})).setValue(${JSON.stringify(text)})`,
  );

/** Resolves when an expression holds in the page. Its policy forbids to make functions from text, so it is asked for again and again. */
export const holds = (page: Page, expression: string, timeout?: number): Promise<void> =>
  until(() => page.evaluate<boolean>(expression), expression, timeout);

/** Resolves when the response pane shows this. */
export const shows = (page: Page, text: string): Promise<void> =>
  until(async () => (await response(page)).includes(text), `the response had ${text}`);

/** Everything that the page shows and keeps, as one text: the DOM, editors, storage. */
export const everything = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const inputs = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
    const models = __MONACO.editor.getModels().map((model) => model.getValue());
    const stored = [localStorage, sessionStorage].map((storage) => JSON.stringify({ ...storage }));
    return [document.documentElement.outerHTML, ...inputs, ...models, ...stored].join('\\n');
  })()`);

/** The frames that the Wire pane lists, the oldest first, each as one line. */
export async function wire(page: Page): Promise<string[]> {
  const lines = await page.locator('ol[aria-label^="Frames"] > li > button').allInnerTexts();
  return lines.map((line) => line.replace(/\s+/g, ' ').trim()).toReversed();
}

/** What is in the frames that the Wire pane lists, the newest first. */
export async function contents(page: Page): Promise<string[]> {
  const frames = page.locator('ol[aria-label^="Frames"] > li');
  const closed = frames.locator('button[aria-expanded="false"]');
  while ((await closed.count()) > 0) await closed.first().click();
  return frames.locator('pre').allInnerTexts();
}

/** Resolves when the Wire pane has a line that matches. */
export const wireHas = (page: Page, text: string | RegExp): Promise<void> =>
  page.locator('ol[aria-label^="Frames"] > li > button').filter({ hasText: text }).first().waitFor();

/** The stage of a test file: one service and browser, a profile for each test. */
export const usePlayground = (env: Readonly<Record<string, string>> = {}, host?: string) =>
  useStage(() => PlaygroundStage.start(env, host));
