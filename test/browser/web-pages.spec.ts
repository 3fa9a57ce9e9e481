// The pages as they are built, in a browser, from the service itself: under their policies, as small as they must be, across deployments.
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page, Response } from 'playwright-core';
import { createDatabase } from '../support/database.js';
import { createProject, postUpdate, type TestProject } from '../support/factories.js';
import { PASSWORD, type Person, TestTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { launchBrowser } from './browser.js';

/** Bytes, gzipped, of what `/` loads before it is complete; fonts come on top, and are not waited for. */
const FIRST_LOAD = 200_000;

let browser: Browser;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly responses: Response[];
  /** What the page was not allowed to do. */
  readonly violations: () => Promise<unknown[]>;
}

async function visit(): Promise<Visit> {
  const context = await browser.newContext();
  closing.push(() => context.close());
  const violations: unknown[] = [];
  await context.exposeBinding('reportViolation', (_source, violation: unknown) => violations.push(violation));
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) => {
    const { violatedDirective, blockedURI, sample, sourceFile } = event;
    reportViolation({ violatedDirective, blockedURI, sample, sourceFile });
  })`);
  const page = await context.newPage();
  const responses: Response[] = [];
  page.on('response', (response) => responses.push(response));
  return {
    context,
    page,
    responses,
    violations: async () => {
      await page.evaluate('0');
      return violations;
    },
  };
}

async function signIn(page: Page, email: string): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

interface Stage {
  readonly service: TestTidings;
  readonly person: Person;
  readonly project: TestProject;
}

async function stage(web?: string): Promise<Stage> {
  const service = await TestTidings.start(web ? { web } : {});
  closing.push(() => service.stop());
  return { service, ...(await withProject(service)) };
}

async function withProject(service: TestTidings): Promise<Omit<Stage, 'service'>> {
  const person = await service.asUser('EDITOR');
  const project = await createProject(person, { name: 'Comet' });
  await postUpdate(person, project.id, { title: 'First light', body: 'Seen **through clouds**, and `coded`.' });
  return { person, project };
}

const panel = (page: Page) => page.locator('strong', { hasText: 'through clouds' });

it('the content security policy covers every page, and no other origin is requested', async () => {
  const { service, person, project } = await stage();
  const { page, responses, violations } = await visit();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  for (const path of ['/register', '/forgot-password', '/reset']) {
    await page.goto(`${service.url}${path}`, { waitUntil: 'networkidle' });
  }
  await page.goto(`${service.url}/projects/${project.key}`);
  await signIn(page, person.email);
  await panel(page).waitFor();
  await page.goto(`${service.url}/graphql`);
  await page.locator('.monaco-editor .view-lines').first().waitFor();
  expect(await violations()).toEqual([]);
  const urls = responses.map((response) => response.url()).filter((url) => !url.startsWith('data:'));
  expect(urls.filter((url) => !url.startsWith(`${service.url}/`))).toEqual([]);
  expect(urls.length).toBeGreaterThan(20);
  expect(responses.filter((response) => response.status() >= 400).map((response) => response.url())).toEqual([]);
  expect(complaints).toEqual([]);
});

it.each(['/', '/graphql'])('the page at %s has an icon', async (path) => {
  const { service } = await stage();
  const { page } = await visit();
  await page.goto(`${service.url}${path}`);
  const icon = await page.evaluate<string>(`document.querySelector('link[rel=icon]')?.href`);
  const response = await page.request.get(icon);
  expect([response.status(), response.headers()['content-type']]).toEqual([200, 'image/svg+xml']);
});

it('a violated policy fails these tests', async () => {
  const { service } = await stage();
  const { page, violations } = await visit();
  await page.goto(`${service.url}/register`);
  await page.evaluate(`document.head.append(Object.assign(document.createElement('style'), { textContent: 'a {}' }))`);
  expect(await violations()).toMatchObject([{ violatedDirective: 'style-src-elem' }]);
});

it(`the first load of / is at most ${FIRST_LOAD / 1_000} KB gzipped, signed out and signed in`, async () => {
  const { service, person } = await stage();
  const { page, responses } = await visit();
  const loaded = async (): Promise<number> => {
    const wanted = responses
      .splice(0)
      .filter((response) => ['document', 'script', 'stylesheet', 'other'].includes(response.request().resourceType()));
    expect(wanted.filter((response) => response.request().resourceType() === 'script').length).toBeGreaterThan(1);
    const sizes = await Promise.all(wanted.map(async (response) => gzipSync(await response.body()).length));
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  await page.goto(service.url, { waitUntil: 'networkidle' });
  const signedOut = await loaded();
  await signIn(page, person.email);
  await page.getByText('First light').first().waitFor();
  responses.splice(0);
  await page.reload();
  await page.getByText('First light').first().waitFor();
  const signedIn = await loaded();
  expect(signedOut).toBeLessThanOrEqual(FIRST_LOAD);
  expect(signedIn).toBeLessThanOrEqual(FIRST_LOAD);
  expect(signedIn).toBeGreaterThan(50_000);
});

/** The pages that are built here, as another build would have them: each file under another name. */
function nextBuild(web: string): void {
  const assets = join(web, 'dist/dashboard/assets');
  const names = readdirSync(assets).filter((name) => /\.(?:js|css)$/.test(name));
  const renamed = (text: string) =>
    names.reduce((all, name) => all.replaceAll(name, name.replace(/(?=\.\w{1,4}$)/, '-next')), text);
  const html = join(web, 'dist/dashboard/index.html');
  writeFileSync(html, renamed(readFileSync(html, 'utf8')));
  for (const name of names) {
    writeFileSync(join(assets, name), renamed(readFileSync(join(assets, name), 'utf8')));
    renameSync(join(assets, name), join(assets, renamed(name)));
  }
}

describe('a page that was loaded before a deployment', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidings-deployed-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['goes on with the files of the build before', true],
    ['is loaded again, once, where these are gone', false],
  ])('%s', async (_what, keepsPrevious) => {
    const [before, after] = [join(folder, 'before'), join(folder, 'after')];
    for (const web of [before, after]) {
      cpSync('web/dist/dashboard', join(web, 'dist/dashboard'), { recursive: true });
    }
    nextBuild(after);
    if (keepsPrevious)
      cpSync(join(before, 'dist/dashboard'), join(after, 'dist/previous/dashboard'), { recursive: true });
    const database = await createDatabase();
    closing.push(() => database.drop());
    const old = await TestTidings.start({ database, web: before });
    const { person, project } = await withProject(old);
    const { page, responses, violations } = await visit();
    await page.goto(old.url);
    await signIn(page, person.email);
    await page.getByText('First light').first().waitFor();
    let loads = 0;
    page.on('load', () => (loads += 1));
    const { port } = new URL(old.url);
    responses.splice(0);
    await old.stop();
    const deployed = await TestTidings.start({ database, web: after, env: { PORT: port } });
    closing.push(() => deployed.stop());
    await page.getByText('Comet').first().click();
    await panel(page).waitFor();
    const missing = responses.filter((response) => response.status() === 404).map((response) => response.url());
    if (!keepsPrevious) await until(() => loads > 0, 'it was loaded again');
    expect(loads).toBe(keepsPrevious ? 0 : 1);
    // A request that the reload has overtaken has no response here.
    expect(keepsPrevious ? missing : []).toEqual([]);
    expect(page.url()).toContain(project.key);
    expect(await violations()).toEqual([]);
  });
});
