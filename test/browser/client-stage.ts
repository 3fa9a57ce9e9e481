// Fixtures for the browser tests of `@tidings/client`: the service, the proxies in front of it, and pages.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { addMember, createProject } from '../support/factories.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { PASSWORD, type Person, TestTidings } from '../support/tidings.js';
import { launchBrowser, type Site, useStage } from './browser.js';
import { clientPages } from './client-bundle.js';
import { ClientFront } from './client-front.js';

export interface StageOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly mode?: 'development' | 'production';
  /** Host names of this machine for the page and for the service. */
  readonly hosts?: readonly [page: string, service: string];
  readonly transport?: 'cookie' | 'body';
}

/** page → TCP proxy → HTTP proxy → service. The page itself is served separately, and stays available during faults. */
export class ClientStage {
  /** Browser context of the current test; its tabs share cookies. */
  profile!: BrowserContext;
  tidings!: TestTidings;

  private constructor(
    readonly browser: Browser,
    readonly pages: Site,
    readonly front: ClientFront,
    readonly proxy: TcpProxy,
    /** Environment variables of a service behind the proxies. */
    readonly variables: Readonly<Record<string, string>>,
    private readonly origin: string,
    readonly service: string,
    private readonly transport: string,
  ) {}

  static async start(options: StageOptions = {}, withService = true): Promise<ClientStage> {
    const { env = {}, mode, hosts = ['localhost', 'localhost'], transport = 'cookie' } = options;
    const port = await freePort('127.0.0.1');
    const [browser, pages, front] = await Promise.all([launchBrowser(), clientPages(mode), ClientFront.listen(port)]);
    const proxy = await startTcpProxy(front.port);
    const [origin, service] = [`http://${hosts[0]}:${pages.port}`, `http://${hosts[1]}:${proxy.port}`];
    const own = { PORT: String(port), PUBLIC_URL: service, ALLOWED_ORIGINS: origin, ...env };
    const stage = new ClientStage(browser, pages, front, proxy, own, origin, service, transport);
    if (withService) stage.tidings = await TestTidings.start({ env: own });
    return stage;
  }

  async begin(): Promise<void> {
    this.proxy.open();
    this.front.reset();
    this.profile = await this.browser.newContext();
  }

  /** Fails if a page has thrown an uncaught error. */
  async end(): Promise<void> {
    this.proxy.open();
    const errors: string[] = [];
    for (const page of this.profile.pages())
      errors.push(...(await page.evaluate<string[]>('globalThis.page?.heard.errors ?? []').catch(() => [])));
    await this.profile.close();
    // The next test would count remaining subscriptions otherwise.
    await this.tidings?.watching(0);
    if (errors.length > 0) throw new Error(`Uncaught in a page: ${errors.join(', ')}`);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.tidings?.stop();
    await this.proxy.stop();
    await Promise.all([this.front.stop(), this.pages.stop()]);
  }

  /** Opens the page in a tab, signed in if the context has session cookies. */
  async tab(path = '/', context = this.profile): Promise<Page> {
    const page = await context.newPage();
    await page.goto(this.address(path));
    await page.waitForFunction('page.tidings.session.get().status !== "restoring"');
    return page;
  }

  address(path = '/'): string {
    return `${this.origin}${path}?transport=${this.transport}&service=${this.service}/graphql`;
  }

  /** The latest session of an account. */
  async sessionOf({ id }: Pick<Person, 'id'>): Promise<{ generation: number; ended_at: Date | null; id: string }> {
    const sql = `select id, generation, ended_at from session where account_id = $1 and user_agent <> 'node' order by created_at desc limit 1`;
    return (
      await this.tidings.database.query<{ generation: number; ended_at: Date | null; id: string }>(sql, [id])
    )[0]!;
  }
}

/** Environment of a service whose access tokens expire during a test. */
export const SHORT_TOKENS = { ACCESS_TOKEN_TTL: '3s' };

export const REFRESH = /refresh\(/;

/**
 * ms for which a page uses a token of {@link SHORT_TOKENS} at least. Expiry is rounded down to a whole second, so
 * tokens live 2 to 3 s, and pages renew them in the last third.
 */
const SHORTEST_USE = 1_300;

/** Upper bound of the renewals so far: one, and more if a slow test outlives the renewed token. */
export function mostRenewals({ front }: ClientStage): number {
  const first = front.passed.find(({ body }) => REFRESH.test(body))?.at ?? performance.now();
  return 1 + Math.floor((performance.now() - first) / SHORTEST_USE);
}

/** Fails unless the session is alive and was renewed since `generation`, at most as often as its tokens expired. */
export async function expectRenewedOnce(stage: ClientStage, person: Person, generation: number): Promise<void> {
  const session = await stage.sessionOf(person);
  expect(session.ended_at).toBeNull();
  expect(session.generation - generation).toBeGreaterThanOrEqual(1);
  expect(session.generation - generation).toBeLessThanOrEqual(mostRenewals(stage));
}

/** Resolves when every {@link SHORT_TOKENS} token that a page may hold now has expired. */
export async function expired(page: Page): Promise<void> {
  const now = await page.evaluate<number>('Date.now()');
  await holds(page, `Date.now() > ${now} + 3_100`);
}

/** Resolves when the client in the page is signed in. */
export const signedIn = (page: Page): Promise<number> =>
  holds(page, 'page.tidings.session.get().status === "signed-in"');

/** Freezes a page as browsers freeze background tabs; returns a function that resumes it. */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  return async () => {
    await cdp.send('Page.setWebLifecycleState', { state: 'active' });
    await cdp.detach();
  };
}

/** Prints a measurement. */
export function figure(what: string, ms: number): void {
  process.stdout.write(`figure: ${what} after ${(ms / 1_000).toFixed(2)} s\n`);
}

/** Signs in through the client of the page. */
export async function signIn(page: Page, { email }: Pick<Person, 'email'>, password = PASSWORD): Promise<void> {
  await page.evaluate(`page.tidings.signIn(${JSON.stringify({ email, password })})`);
}

/** Two tabs of one context, signed in by a sign-in in the first. */
export async function twoTabs(stage: ClientStage, person: Person): Promise<[one: Page, other: Page]> {
  const [one, other] = [await stage.tab(), await stage.tab()];
  await signIn(one, person);
  await signedIn(other);
  return [one, other];
}

/** A project of Ada with Grace as EDITOR, and a signed-out tab. */
export async function oneProject(stage: ClientStage) {
  const [ada, grace] = [await stage.tidings.asUser('EDITOR', 'Ada'), await stage.tidings.asUser('EDITOR', 'Grace')];
  const { id } = await createProject(ada, { name: 'Apollo', budget: 1200 });
  await addMember(ada, id, grace, 'EDITOR');
  return { ada, grace, projectId: id, page: await stage.tab() };
}

/** One service and browser per test file, one context per test. */
export const useClientStage = (options: StageOptions = {}) => useStage(() => ClientStage.start(options));

/** Calls a function of the page with JSON arguments. */
export const call = <T = unknown>(page: Page, name: string, ...args: readonly unknown[]): Promise<T> =>
  page.evaluate<T>(`page.${name}(...${JSON.stringify(args)})`);

export interface Answer {
  // oxlint-disable-next-line typescript/no-explicit-any -- JSON of whatever the test asked for
  readonly data?: any;
  readonly failed?: string;
  readonly code?: string;
  readonly ms: number;
}

/** A request of the framework-independent client. */
export const ask = (page: Page, query: string, variables: object = {}): Promise<Answer> =>
  call<Answer>(page, 'ask', query, variables);

export interface Shown {
  readonly status: string;
  readonly end?: string;
  readonly refused: readonly (readonly (string | number)[])[];
  readonly heading: string;
  readonly latest: string;
  readonly budget: string;
  readonly rows: readonly string[];
}

export const shown = (page: Page, name: string): Promise<Shown | undefined> =>
  call<Shown | undefined>(page, 'shown', name);

/** Resolves when the expression is true in the page; returns the ms waited. */
export async function holds(page: Page, expression: string, timeout = 60_000): Promise<number> {
  const began = performance.now();
  await page.waitForFunction(expression, undefined, { timeout, polling: 20 });
  return performance.now() - began;
}

export const isLive = (page: Page, timeout?: number): Promise<number> =>
  holds(page, '(c => c.socket === "open" && c.behind === 0)(page.tidings.connection.get())', timeout);

/** Resolves when a view satisfies the condition, an expression over the fields of {@link Shown}. */
export function isShown(page: Page, name: string, condition: string, timeout?: number): Promise<number> {
  const names = '{ status, end, refused, heading, latest, budget, rows }';
  return holds(page, `((${names}) => ${condition})(page.shown(${JSON.stringify(name)}) ?? { rows: [] })`, timeout);
}

/** Resolves when the last status that the page received is live. */
export const isFollowing = (page: Page): Promise<number> =>
  holds(page, 'page.heard.statuses.at(-1)?.status === "live"');
