// The pictures of README.md, taken from the running pages: `npm run screenshots` writes them to docs/images.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { GraphqlClient } from '../support/graphql-client.js';
import { postUpdate } from '../support/factories.js';
import { run, shows } from './playground-stage.js';
import { card, isLive, signIn, useWallStage } from './wall-stage.js';

const KEPT = 'docs/images';
const folder = process.env['SCREENSHOTS'] === 'write' ? KEPT : mkdtempSync(join(tmpdir(), 'tidings-screenshots-'));
mkdirSync(folder, { recursive: true });
afterAll(() => {
  if (folder !== KEPT) rmSync(folder, { recursive: true });
});

/** Bytes of a picture that a page of documentation may load. */
const MAX_BYTES = 150_000;

const stage = useWallStage({ env: { DEMO: 'true', PLAYGROUND: 'on' } });
const EDITOR = { email: 'editor@example.com' };
const DEMO_PASSWORD = 'tidings-demo';

/** Beside the demo's own three projects. */
const PROJECTS = [
  ['NIGHT', 'Night service', 'Two drivers short until Friday', 'AT_RISK'],
  ['CARGO', 'Cargo bikes for shops', 'Forty shops signed up, pilot begins on Monday', 'ON_TRACK'],
  ['WINTER', 'Winter maintenance', 'Chain supplier has missed the second date', 'OFF_TRACK'],
  ['MAPS', 'Station maps', 'Printed for all stations but three', 'ON_TRACK'],
  ['FARES', 'Simpler fares', 'Council decides on the 3rd', 'AT_RISK'],
  ['APP', 'Accessible ticketing', 'Screen reader tests passed', 'ON_TRACK'],
] as const;

beforeAll(async () => {
  const { tidings } = stage.current;
  const login = `mutation { login(input: { email: "${EDITOR.email}", password: "${DEMO_PASSWORD}" }) { accessToken } }`;
  const editor = new GraphqlClient(tidings.url, (await tidings.anonymous.data(login)).login.accessToken);
  const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }';
  for (const [key, name, title, health] of PROJECTS) {
    const { id } = (await editor.data(create, { input: { key, name } })).createProject;
    await postUpdate(editor, id, { title, health });
  }
  // Else all of them were new at once.
  await tidings.database.query(
    `update project_update set created_at = now() - (1 + length(title) % 20) * interval '1 hour' where created_at > now() - interval '1 minute'`,
  );
});

async function wall(colorScheme: 'light' | 'dark', path = '/'): Promise<Page> {
  const viewport = { width: 1120, height: 700 };
  const context = await stage.current.context({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await stage.current.open(path, context);
  await signIn(page, EDITOR, DEMO_PASSWORD);
  await isLive(page);
  await page.evaluate('document.fonts.ready');
  return page;
}

/** Bytes of the picture. */
async function take(page: Page, name: string): Promise<number> {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  await page.context().close();
  return statSync(path).size;
}

it('the wall in light and dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await wall(colorScheme);
    await card(page, 'WINTER').waitFor();
    await page.mouse.move(0, 0);
    expect(await take(page, `wall-${colorScheme}`)).toBeLessThan(MAX_BYTES);
  }
});

it('a project', async () => {
  const page = await wall('light');
  await page.goto(`${stage.current.origin}/projects/RIDER`);
  await page.getByRole('dialog').getByText('Watching now').waitFor();
  expect(await take(page, 'project')).toBeLessThan(MAX_BYTES);
});

it('the kiosk', async () => {
  const page = await wall('dark', '/?kiosk');
  await card(page, 'WINTER').waitFor();
  await page.locator('[data-attended=false]').waitFor({ state: 'attached' });
  expect(await take(page, 'kiosk')).toBeLessThan(MAX_BYTES);
});

it('the playground with Wire', async () => {
  const page = await wall('light');
  await page.goto(`${stage.current.origin}/graphql`);
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  await run(page, 'Projects');
  await shows(page, 'healthCounts');
  expect(await take(page, 'playground')).toBeLessThan(MAX_BYTES);
});

it('README.md shows existing, small pictures', () => {
  const shown = [...readFileSync('README.md', 'utf8').matchAll(/\]\((docs\/images\/[\w-]+\.png)\)/g)].map(
    ([, path]) => path!,
  );
  expect(shown[0]).toMatch(/wall/);
  expect(readdirSync(KEPT).map((name) => `${KEPT}/${name}`)).toEqual(expect.arrayContaining(shown));
  for (const path of shown) expect(statSync(path).size).toBeLessThan(MAX_BYTES);
});
