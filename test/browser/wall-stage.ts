// The dashboard in Chromium, behind a TCP proxy. The service serves pages and data from one origin.
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { PASSWORD, type Person, TestTidings } from '../support/tidings.js';
import { launchBrowser, useStage } from './browser.js';

export interface WallStageOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Host name of the service for the browser. */
  readonly host?: string;
  readonly names?: string;
}

/** Records uncaught errors and CSP violations in pages. */
const WATCH = `
  globalThis.refused = [];
  globalThis.ran = [];
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
    refused.push([violatedDirective, blockedURI, sample].join(' ')));
`;

export class WallStage {
  tidings!: TestTidings;
  /** Browser context of the current test; its tabs share cookies. */
  profile!: BrowserContext;
  private readonly uncaught: string[] = [];

  private constructor(
    readonly browser: Browser,
    readonly proxy: TcpProxy,
    readonly origin: string,
    /** Environment variables of a service behind the proxy. */
    readonly variables: Readonly<Record<string, string>>,
  ) {}

  static async start(
    { env = {}, host = 'localhost', names }: WallStageOptions = {},
    withService = true,
  ): Promise<WallStage> {
    const port = await freePort('127.0.0.1');
    const [browser, proxy] = await Promise.all([launchBrowser(names), startTcpProxy(port)]);
    const origin = `http://${host}:${proxy.port}`;
    const own = { PORT: String(port), PUBLIC_URL: origin, ALLOWED_ORIGINS: origin, DASHBOARD: 'on', ...env };
    const stage = new WallStage(browser, proxy, origin, own);
    if (withService) stage.tidings = await TestTidings.start({ env: own });
    return stage;
  }

  async begin(): Promise<void> {
    this.proxy.open();
    this.uncaught.length = 0;
    this.profile = await this.context();
  }

  /** Fails if a page had an uncaught error or a CSP violation. */
  async end(): Promise<void> {
    const refused: string[] = [];
    for (const page of this.profile.pages())
      refused.push(...(await page.evaluate<string[]>('globalThis.refused ?? []').catch(() => [])));
    await this.profile.close();
    const wrong = [...this.uncaught, ...refused.map((what) => `refused: ${what}`)];
    if (wrong.length > 0) throw new Error(`In a page: ${wrong.join('\n')}`);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.tidings?.stop();
    await this.proxy.stop();
  }

  async context(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    await context.addInitScript(WATCH);
    context.on('page', (page) => page.on('pageerror', (error) => this.uncaught.push(error.stack ?? error.message)));
    return context;
  }

  async open(path = '/', context = this.profile): Promise<Page> {
    const page = await context.newPage();
    await page.goto(this.origin + path);
    return page;
  }

  /** Opens a page and signs in with the form. */
  async openAs(person: Pick<Person, 'email'>, path = '/', context = this.profile): Promise<Page> {
    const page = await this.open(path, context);
    await signIn(page, person);
    return page;
  }
}

export async function signIn(page: Page, { email }: Pick<Person, 'email'>, password = PASSWORD): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** The DOM properties that tests read; the DOM types are not loaded here. */
interface PageElement {
  readonly scrollWidth: number;
  readonly clientWidth: number;
  matches(selector: string): boolean;
  getAttribute(name: string): string | null;
  getBoundingClientRect(): { readonly width: number };
}

/** Runs `look` in the page and returns its result. */
export const inPage = <T>(locator: Locator, look: (element: PageElement) => T): Promise<T> =>
  locator.evaluate(look as never);
export const isFocused = (locator: Locator): Promise<boolean> =>
  inPage(locator, (element) => element.matches(':focus'));
/** The attribute of all matching elements. */
export const attributesOf = (locator: Locator, name: string): Promise<(string | null)[]> =>
  locator.evaluateAll(
    ((all: PageElement[], wanted: string) => all.map((one) => one.getAttribute(wanted))) as never,
    name,
  );

/** Resolves when the page shows that it is connected and up to date. */
export const isLive = (page: Page, timeout = 60_000): Promise<void> =>
  page.locator('[role=status][data-state=live]').last().waitFor({ timeout });

export const card = (page: Page, key: string) => page.locator(`article[data-project="${key}"]`);

/** Keys of the projects, in the order of the cards. */
export const keysOf = (page: Page): Promise<(string | null)[]> =>
  attributesOf(page.locator('article[data-project]'), 'data-project');

/** Sets a flag in the page, which is lost if the page reloads. */
export const mark = (page: Page): Promise<void> => page.evaluate('globalThis.isSame = true');
export const isSame = (page: Page): Promise<boolean> => page.evaluate('globalThis.isSame === true');

/** One service and browser per test file, one context per test. */
export const useWallStage = (options: WallStageOptions = {}) => useStage(() => WallStage.start(options));
