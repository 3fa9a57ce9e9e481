// The playground in Chromium, served by the service behind a proxy that can cut connections.
import type { Browser, BrowserContext, ConsoleMessage, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { DEMO_PASSWORD } from '../../src/demo/people.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { TestTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { launchBrowser, useStage } from './browser.js';

const SUBSCRIPTIONS = 'tidings_subscriptions';

/** A service with demo data, and its URL for browsers. */
export class PlaygroundStage {
  /** Errors, warnings and requests to other origins, reported by pages since they were opened. */
  readonly complaints: string[] = [];
  profile!: BrowserContext;

  private constructor(
    readonly browser: Browser,
    readonly tidings: TestTidings,
    readonly proxy: TcpProxy,
    readonly origin: string,
  ) {}

  /** `host`: the host name of the pages' URL; resolves to this machine. */
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
    // The next test would count remaining subscriptions otherwise.
    await this.hasSubscriptions(0);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.tidings.stop();
    await this.proxy.stop();
  }

  /** Opens the playground in a tab and waits until it is ready. */
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
    // The schema is loaded, so the editor knows the operations.
    await page.locator('button[aria-label^="Re-fetch"]:not([disabled])').waitFor();
    return page;
  }

  /** A client outside the browser, signed in as a demo account. */
  async elsewhere(name: 'admin' | 'editor' | 'user'): Promise<GraphqlClient> {
    const { anonymous, url } = this.tidings;
    const login = 'mutation ($i: LoginInput!) { login(input: $i) { accessToken } }';
    const input = { email: `${name}@example.com`, password: DEMO_PASSWORD };
    return new GraphqlClient(url, (await anonymous.data(login, { i: input })).login.accessToken);
  }

  /** Posts a comment in project RIDER as Uma, from outside the browser. */
  async comment(body: string): Promise<void> {
    const uma = await this.elsewhere('user');
    const { project } = await uma.data('{ project(key: "RIDER") { id } }');
    const input = { projectId: project.id, body };
    await uma.data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', { i: input });
  }

  /** Resolves when the service has `count` subscriptions. */
  hasSubscriptions(count: number): Promise<void> {
    return until(async () => (await this.metric(SUBSCRIPTIONS)) === count, `there were ${count} subscriptions`);
  }

  /** The value of a metric. */
  private async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.tidings.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }
}

/** Signs in as a demo account by its button. */
export async function signInAs(page: Page, name: 'Ada Moreau' | 'Elias Brandt' | 'Uma Reyes'): Promise<void> {
  await page.getByRole('button', { name }).click();
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
}

/** Switches accounts in the account menu. */
export async function switchTo(page: Page, name: 'Ada Moreau' | 'Elias Brandt' | 'Uma Reyes'): Promise<void> {
  await page.getByRole('button', { name: /^Account: / }).click();
  await page.getByRole('menuitem', { name: `Switch to ${name}` }).click();
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
}

export const openTab = (page: Page, name: string): Promise<void> =>
  page.locator('.graphiql-tab-button', { hasText: name }).click();

/** Runs the operation with this name in the open tab. */
export async function run(page: Page, operation: string): Promise<void> {
  await page.getByRole('button', { name: /^Execute query/ }).click();
  await page.getByRole('menuitem', { name: operation, exact: true }).click();
}

export const stop = (page: Page): Promise<void> => page.getByRole('button', { name: /^Stop query/ }).click();

/** Text of the response pane. */
export const response = (page: Page): Promise<string> =>
  page.evaluate<string>(
    `__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith('response.json'))?.getValue() ?? ''`,
  );

/** Replaces the content of an editor; `file`: `operation.graphql`, `variables.json` or `request-headers.json`. */
export const type = (page: Page, file: string, text: string): Promise<void> =>
  page.evaluate<void>(
    `__MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(${JSON.stringify(file)})).setValue(${JSON.stringify(text)})`,
  );

/** Resolves when the expression is true in the page. Polls from here, since the page's CSP forbids eval. */
export const holds = (page: Page, expression: string, timeout?: number): Promise<void> =>
  until(() => page.evaluate<boolean>(expression), expression, timeout);

/** Resolves when the response pane contains `text`. */
export const shows = (page: Page, text: string): Promise<void> =>
  until(async () => (await response(page)).includes(text), `the response had ${text}`);

/** The DOM, the editors and the storage of the page as one text. */
export const everything = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const inputs = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
    const models = __MONACO.editor.getModels().map((model) => model.getValue());
    const stored = [localStorage, sessionStorage].map((storage) => JSON.stringify({ ...storage }));
    return [document.documentElement.outerHTML, ...inputs, ...models, ...stored].join('\\n');
  })()`);

/** The frames in the Wire pane, oldest first, one line each. */
export async function wire(page: Page): Promise<string[]> {
  const lines = await page.locator('ol[aria-label^="Frames"] > li > button').allInnerTexts();
  return lines.map((line) => line.replace(/\s+/g, ' ').trim()).toReversed();
}

/** The contents of the frames in the Wire pane, newest first. */
export async function contents(page: Page): Promise<string[]> {
  const frames = page.locator('ol[aria-label^="Frames"] > li');
  const closed = frames.locator('button[aria-expanded="false"]');
  while ((await closed.count()) > 0) await closed.first().click();
  return frames.locator('pre').allInnerTexts();
}

/** Resolves when a line in the Wire pane matches. */
export const wireHas = (page: Page, text: string | RegExp): Promise<void> =>
  page.locator('ol[aria-label^="Frames"] > li > button').filter({ hasText: text }).first().waitFor();

/** One service and browser per test file, one context per test. */
export const usePlayground = (env: Readonly<Record<string, string>> = {}, host?: string) =>
  useStage(() => PlaygroundStage.start(env, host));
