// Sessions in cookies as a real Chromium keeps, sends and withholds them: a page of ours, and pages that are not.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../src/boot/free-port.js';
import { createProject, postUpdate } from '../support/factories.js';
import type { Data } from '../support/graphql-client.js';
import { PASSWORD, type Person, TestTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { type Front, launchBrowser, makeCertificate, Site, startFront } from './browser.js';

const ME = '{ me { id } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken session { id } } }';
const REFRESH = 'mutation { refresh { accessToken refreshToken session { id } } }';
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
const LOGOUT = 'mutation { logout }';
/** Where the browser is, as the proxy says. */
const CLIENT = '203.0.113.9';

interface Form {
  readonly scheme: 'http' | 'https';
  readonly cookies: readonly string[];
  /** Names of this machine: the service, its page, a stranger of the same site, and one of another. */
  readonly hosts: readonly [service: string, page: string, neighbour: string, foreigner: string];
}

const FORMS: readonly (readonly [string, Form])[] = [
  [
    'over plain HTTP on localhost',
    {
      scheme: 'http',
      cookies: ['tidings-access', 'tidings-refresh'],
      hosts: ['localhost', 'localhost', 'localhost', '127.0.0.1'],
    },
  ],
  [
    'over TLS, behind a proxy',
    {
      scheme: 'https',
      cookies: ['__Host-tidings-access', '__Host-tidings-refresh'],
      hosts: ['api.tidings.example', 'app.tidings.example', 'blog.tidings.example', 'www.evil.example'],
    },
  ],
];

const heard = (page: Page) => page.evaluate<readonly Data[]>('heard');

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

describe.each(FORMS)('a session in the cookies of a browser, %s', (_form, { scheme, cookies, hosts }) => {
  let front: Front;
  let ours: Site;
  let theirs: Site;
  let tidings: TestTidings;
  let ada: Person;
  /** The browser's profile: cookies are shared by its tabs. */
  let profile: BrowserContext;
  let [service, ourPage, neighbour, foreigner] = ['', '', '', ''];

  beforeAll(async () => {
    const tls = scheme === 'https' ? makeCertificate() : undefined;
    const port = await freePort('127.0.0.1');
    [front, ours, theirs] = await Promise.all([startFront(port, CLIENT, tls), Site.pages(tls), Site.pages(tls)]);
    const ports = [front.site, ours, theirs, theirs].map((site) => site.port);
    [service, ourPage, neighbour, foreigner] = hosts.map((host, at) => `${scheme}://${host}:${ports[at]}`) as [
      string,
      string,
      string,
      string,
    ];
    const env = { PORT: String(port), PUBLIC_URL: service, ALLOWED_ORIGINS: ourPage, TRUST_PROXY: '127.0.0.1/32' };
    tidings = await TestTidings.start({ env });
    ada = await tidings.asUser('EDITOR', 'Ada');
  });
  afterAll(async () => {
    await tidings.stop();
    await Promise.all([front.site, ours, theirs].map((site) => site.stop()));
  });
  beforeEach(async () => {
    profile = await browser.newContext();
    front.seen.length = 0;
  });
  afterEach(() => profile.close());

  async function tab(origin = ourPage): Promise<Page> {
    const page = await profile.newPage();
    await page.goto(origin);
    return page;
  }
  const call = (page: Page, act: string, ...args: unknown[]) =>
    page.evaluate(`${act}(...${JSON.stringify([service, ...args])})`) as Promise<Data>;
  /** Signs in as a page does; returns the session's id. */
  async function signIn(page: Page, { email } = ada): Promise<string> {
    const input = { email, password: PASSWORD, transport: 'COOKIE' };
    const { login } = (await call(page, 'ask', LOGIN, { input })).data;
    expect([login.accessToken, login.refreshToken]).toEqual([null, null]);
    return login.session.id;
  }
  const codeOf = async (page: Page, query: string) =>
    (await call(page, 'ask', query)).errors?.[0].extensions.code ?? 'none';
  const sessionRow = async (id: string) =>
    (await tidings.database.query('select * from session where id = $1', [id]))[0] as Record<string, unknown>;
  const arrived = () => front.seen.map(({ what, origin }) => [what, origin]);
  const kept = async () => (await profile.cookies(service)).map(({ name }) => name);

  it('is invisible to scripts, works behind a proxy, and survives a reload', async () => {
    const page = await tab();
    const id = await signIn(page);
    const attributes = { httpOnly: true, sameSite: 'Strict', secure: scheme === 'https', path: '/' };
    const jar = await profile.cookies(service);
    expect(jar).toEqual(cookies.map((name) => expect.objectContaining({ name, domain: hosts[0], ...attributes })));
    await page.reload();
    expect((await call(page, 'ask', ME)).data).toEqual({ me: { id: ada.id } });
    // A page of the very same origin sees them as little.
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await (await tab(`${service}/health/live`)).evaluate('document.cookie')).toBe('');
    expect(await sessionRow(id)).toMatchObject({ transport: 'COOKIE', address: CLIENT, ended_at: null });
  });

  it('opens the socket of the stock client, which delivers updates', async () => {
    const page = await tab();
    await signIn(page);
    const project = await createProject(ada);
    expect(await call(page, 'watch', 'subscription { projectsUpdated { kind actor { id } } }')).toBe('connected');
    await tidings.watching(1);
    await postUpdate(ada, project.id);
    await page.waitForFunction('heard.length > 0');
    const posted = { projectsUpdated: { kind: 'UPDATE_POSTED', actor: { id: ada.id } } };
    expect(await heard(page)).toEqual([posted]);
  });

  it('is refreshed by two tabs at once, which both stay signed in', async () => {
    const [one, other] = [await tab(), await tab()];
    const id = await signIn(one);
    // Both requests are on their way with the same token before the first of them is answered.
    await tidings.database.query('begin');
    await tidings.database.query('select 1 from account where id = $1 for no key update', [ada.id]);
    const both = Promise.all([call(one, 'ask', REFRESH), call(other, 'ask', REFRESH)]);
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    try {
      await until(async () => (await tidings.database.query(waiting)).length === 2, 'both refreshes wait');
    } finally {
      await tidings.database.query('commit');
    }
    const refreshed = { data: { refresh: { accessToken: null, refreshToken: null, session: { id } } } };
    expect(await both).toEqual([refreshed, refreshed]);
    expect(await sessionRow(id)).toMatchObject({ generation: 2, ended_at: null });
    for (const page of [one, other]) expect(await codeOf(page, ME)).toBe('none');
    expect(await codeOf(other, REFRESH)).toBe('none');
  });

  it.each([
    ['another account signs in', LOGIN, () => ({ email: ada.email, password: PASSWORD, transport: 'COOKIE' })],
    ['the password is changed', CHANGE, () => ({ currentPassword: PASSWORD, newPassword: `${PASSWORD}, another` })],
  ])('survives when %s in one tab while a refresh of another tab is refused', async (_what, mutation, input) => {
    const [one, other] = [await tab(), await tab()];
    const replaced = await signIn(one, await tidings.asUser());
    const old = await profile.cookies(service);
    // The session has ended, the browser still has its cookies, and the refusal of the refresh arrives after the new ones.
    const [opened, refused] = [front.holdReply(mutation), front.holdReply(REFRESH)];
    const opening = call(other, 'ask', mutation, { input: input() });
    await opened.answered;
    const refreshing = call(one, 'ask', REFRESH);
    await refused.answered;
    opened.release();
    expect((await opening).errors).toBeUndefined();
    refused.release();
    expect((await refreshing).errors?.[0].extensions.code).toBe('UNAUTHENTICATED');
    expect(await sessionRow(replaced)).toMatchObject({ ended_at: expect.any(Date) });
    expect(await kept()).toEqual(cookies);
    expect(await profile.cookies(service)).not.toEqual(old);
    for (const page of [one, other]) expect(await codeOf(page, ME)).toBe('none');
    expect(await codeOf(one, REFRESH)).toBe('none');
  });

  it('ends for all tabs at sign-out, which closes sockets and deletes the cookies', async () => {
    const [one, other] = [await tab(), await tab()];
    await signIn(one);
    expect(await call(other, 'watch', 'subscription { projectsUpdated { kind } }')).toBe('connected');
    expect((await call(one, 'ask', LOGOUT)).data).toEqual({ logout: true });
    await other.waitForFunction('heard.length > 0');
    expect(await heard(other)).toEqual([4401]);
    expect(await kept()).toEqual([]);
    for (const page of [one, other]) expect(await codeOf(page, ME)).toBe('UNAUTHENTICATED');
    expect(await call(other, 'watch', 'subscription { projectsUpdated { kind } }')).toBe(4401);
  });

  describe.each([
    ['of the same site', () => neighbour, true],
    ['of another site', () => foreigner, false],
  ] as const)('before a page %s', (_whose, origin, sameSite) => {
    let id: string;
    let page: Page;
    let before: Record<string, unknown>;

    beforeEach(async () => {
      id = await signIn(await tab());
      before = await sessionRow(id);
      page = await tab(origin());
      front.seen.length = 0;
    });
    /** Nothing was done in the owner's name, and whether the browser sent the cookies is as its rules have it. */
    async function expectUnharmed(): Promise<void> {
      expect(await sessionRow(id)).toMatchObject({ generation: before['generation'], ended_at: null });
      const acts = front.seen.filter(({ what }) => what !== 'OPTIONS');
      for (const { cookie } of acts) expect(cookie?.includes(cookies[0]!) ?? false).toBe(sameSite);
      expect(await codeOf(await tab(), ME)).toBe('none');
    }

    it('cannot be used or read by its scripts', async () => {
      for (const query of [ME, LOGOUT, REFRESH])
        expect(await call(page, 'ask', query)).toEqual({ failed: 'TypeError' });
      // The browser asked whether it might, and was not told so: nothing of it was sent.
      expect(arrived()).toEqual([ME, LOGOUT, REFRESH].map(() => ['OPTIONS', origin()]));
      // Without anything that is to be asked for, it is sent, and refused.
      expect(await call(page, 'blurt', LOGOUT)).toBe('opaque');
      expect(arrived().at(-1)).toEqual(['POST', origin()]);
      expect(await page.evaluate('document.cookie')).toBe('');
      await expectUnharmed();
    });

    it('cannot be used by its forms', async () => {
      for (const [enctype, name, value] of [
        ['application/x-www-form-urlencoded', 'query', LOGOUT],
        ['multipart/form-data', 'query', LOGOUT],
        ['text/plain', `{ "query": "${LOGOUT}", "variables": { "x": "`, '" } }'],
      ]) {
        await page.goto(origin());
        const [shown] = await Promise.all([page.waitForNavigation(), call(page, 'post', enctype, name, value)]);
        expect(shown?.status()).toBe(400);
      }
      expect(arrived()).toEqual(Array.from({ length: 3 }, () => ['POST', origin()]));
      await expectUnharmed();
    });

    it('cannot open a socket', async () => {
      // Any page may connect; the cookies count for nothing there.
      expect(await call(page, 'watch', 'subscription { projectsUpdated { kind } }')).toBe(4401);
      expect(arrived()).toEqual([['WS', origin()]]);
      await expectUnharmed();
    });
  });

  it('cannot be replaced by a page of the same site', async () => {
    const own = await tab();
    await signIn(own);
    const page = await tab(neighbour);
    const stolen = (await tidings.signIn(ada.id, ada.email, service, 'COOKIE')).accessToken;
    const domain = scheme === 'https' ? '; domain=tidings.example' : '';
    const secure = scheme === 'https' ? '; secure' : '';
    for (const place of ['/', '/graphql'])
      for (const where of [domain, ''])
        await page.evaluate(`document.cookie = '${cookies[0]}=${stolen}; path=${place}${where}${secure}'`);
    // Without TLS ports share cookies, and a longer path makes it two of a name: neither is believed.
    expect(await codeOf(own, ME)).toBe(scheme === 'https' ? 'none' : 'UNAUTHENTICATED');
  });

  it("cannot be opened from another origin, and the owner's session is unaffected", async () => {
    const own = await tab();
    const id = await signIn(own);
    const input = { email: ada.email, password: PASSWORD, transport: 'COOKIE' };
    for (const origin of [neighbour, foreigner]) {
      const before = await profile.cookies(service);
      expect(await call(await tab(origin), 'ask', LOGIN, { input })).toEqual({ failed: 'TypeError' });
      expect(await profile.cookies(service)).toEqual(before);
    }
    expect(await sessionRow(id)).toMatchObject({ ended_at: null });
  });
});
