// What others write is text, whatever it says: nothing of it runs, and the policy of the page has nothing to refuse.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { addMember, createProject, postUpdate } from '../support/factories.js';
import { Site } from './browser.js';
import { attributesOf, card, inPage, isLive, useWallStage } from './wall-stage.js';

const stage = useWallStage();

/** Each would call `ran` if it were taken for more than text. */
const CORPUS = [
  '<script>ran.push(1)</script>',
  '<img src=x onerror="ran.push(2)">',
  '<svg/onload=ran.push(3)>',
  '"><svg onload=ran.push(4)>',
  "javascript:ran.push(5)//';ran.push(5)//",
  '[click](javascript:ran.push(6)) ![image](javascript:ran.push(6)) <javascript:ran.push(6)>',
  '![image](https://evil.example/track.png) [data](data:text/html,<script>ran.push(7)</script>)',
  '<iframe srcdoc="<script>parent.ran.push(8)</script>"></iframe><object data="javascript:ran.push(8)"></object>',
  '<style>@import "https://evil.example/x.css"; *{display:none}</style><base href="https://evil.example/">',
  '{{constructor.constructor("ran.push(9)")()}} ${ran.push(9)} <%= ran.push(9) %>',
  '__proto__ <form action="https://evil.example"><input name=email><button formaction=javascript:ran.push(10)>x</button></form>',
  'evil <a href="vbscript:ran.push(11)" style="position:fixed;inset:0">whole page</a>',
];

const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

interface Finding {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds. It is evaluated over the debugger, so the policy of the page stays as it is. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  // What fades in is looked at when it is there.
  await page.evaluate(
    'Promise.all(document.getAnimations().filter(({ effect }) => effect.getTiming().duration < 1000).map(({ finished }) => finished))',
  );
  const found = await page.evaluate<Finding[]>(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

const RAN = '[...ran, ...refused]';

it('hostile texts are shown as text everywhere', async () => {
  const { tidings } = stage.current;
  const ada = await tidings.asUser('EDITOR', CORPUS[1]);
  const say = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
  const first = await createProject(ada, { name: CORPUS[0]!.slice(0, 120), description: CORPUS.join('\n') });
  for (const text of CORPUS) {
    const { id } = await createProject(ada, { name: text.slice(0, 120), description: text });
    await postUpdate(ada, id, { title: text.slice(0, 200) });
    const input = { title: text.slice(0, 200), body: `${text}\n\n\`\`\`\n${text}\n\`\`\``, internalNote: text };
    const updateId = await postUpdate(ada, first.id, input);
    await ada.data(say, { i: { projectId: first.id, updateId, body: text } });
    await ada.data(say, { i: { projectId: first.id, body: text } });
  }
  const page = await stage.current.openAs(ada);
  await card(page, first.key).waitFor();
  await isLive(page);
  await page.locator('article h2', { hasText: CORPUS[1] }).first().waitFor();
  expect(await page.locator('article h2', { hasText: CORPUS[1] }).count()).toBe(1);
  expect(await page.evaluate(RAN)).toEqual([]);
  await page.goto(`${stage.current.origin}/?project=${first.key}&q=${encodeURIComponent(CORPUS[2]!)}`);
  const panel = page.getByRole('dialog');
  await panel.locator('pre').first().waitFor();
  await panel.getByText(CORPUS[1]!, { exact: true }).first().waitFor();
  // Links to scripts are none.
  const links = await attributesOf(panel.locator('a'), 'href');
  expect(links.filter((href) => !/^(?:https?:|$)/.test(href ?? ''))).toEqual([]);
  expect(await page.locator('dialog img, dialog iframe, dialog object, dialog style, dialog base').count()).toBe(0);
  await panel.getByRole('tab', { name: 'Chat' }).click();
  await panel.getByRole('list', { name: 'Chat' }).getByText(CORPUS[0]!, { exact: true }).first().waitFor();
  await page.goto(`${stage.current.origin}/?kiosk`);
  await page.locator('main article').first().waitFor();
  expect(await page.evaluate(RAN)).toEqual([]);
});

/** As long as the text of an update may be: they nest, or make parsers start over. */
const EXHAUSTING = ['>', '- ', '1. ', '> - ', '*', '*a_ ', '**a*', '![', '[a](', 'a\n'].map(
  (part) => `${part.repeat(20_000).slice(0, 19_900)}the end`,
);

it('texts made to exhaust a parser are shown', async () => {
  const { tidings } = stage.current;
  const ada = await tidings.asUser('EDITOR', 'Ada');
  const { key, id } = await createProject(ada);
  for (const body of EXHAUSTING) await postUpdate(ada, id, { body });
  const page = await stage.current.openAs(ada, `/?project=${key}`);
  const ends = page.getByRole('dialog').getByRole('article').filter({ hasText: 'the end' });
  await ends.nth(EXHAUSTING.length - 1).waitFor();
  // The page has not given up.
  await page.getByRole('dialog').getByRole('tab', { name: 'Chat' }).click();
  await page.getByText('Nothing has been said yet.').waitFor();
  expect(await page.evaluate(RAN)).toEqual([]);
});

it('the wall requests its own origin only', async () => {
  const { tidings } = stage.current;
  const ada = await tidings.asUser('EDITOR', 'Ada');
  const { key, id } = await createProject(ada);
  await postUpdate(ada, id, { body: '![far](https://evil.example/x.png)' });
  const context = await stage.current.context();
  const hosts = new Set<string>();
  context.on('request', (request) => void hosts.add(new URL(request.url()).origin));
  const page = await stage.current.openAs(ada, `/?project=${key}`, context);
  await page.getByRole('dialog').getByRole('link', { name: 'far' }).waitFor();
  await isLive(page);
  expect([...hosts]).toEqual([stage.current.origin]);
  await context.close();
});

it('the wall cannot be framed or read by other origins', async () => {
  const { tidings, origin } = stage.current;
  const ada = await tidings.asUser('EDITOR', 'Ada');
  const page = await stage.current.openAs(ada);
  await page.getByRole('heading', { name: 'No projects yet' }).waitFor();
  const evil = await Site.listen(undefined, (_request, response) =>
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><title>evil</title><iframe id="frame" src="${origin}/"></iframe>`),
  );
  const other = await stage.current.profile.newPage();
  await other.goto(`http://127.0.0.1:${evil.port}/`, { waitUntil: 'load' });
  const framed = other.frames().find((frame) => frame !== other.mainFrame());
  expect(
    await framed
      ?.locator('#root')
      .count()
      .catch(() => 0),
  ).toBe(0);
  const asked = await other.evaluate<string>(
    `fetch('${origin}/graphql', { method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json', 'x-tidings-csrf': '1' },
      body: JSON.stringify({ query: '{ me { id } }' }) }).then((r) => r.text(), () => 'blocked')`,
  );
  expect(asked).toBe('blocked');
  await other.close();
  await evil.stop();
});

describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
  it('axe finds no violation on the sign-in, the wall, the panel and the kiosk', async () => {
    const { tidings } = stage.current;
    const [ada, grace] = [await tidings.asUser('EDITOR', 'Ada'), await tidings.asUser('USER', 'Grace')];
    const late = await createProject(ada, { name: 'Late', budget: 5, description: 'Ships' });
    await createProject(ada, { name: 'New' });
    const risky = await createProject(ada, { name: 'Risky' });
    await postUpdate(ada, late.id, { title: 'Fine before', health: 'ON_TRACK' });
    await postUpdate(ada, risky.id, { title: 'Hm', health: 'AT_RISK' });
    const text = '# Head\n\n- one\n- two\n\n`code` and **bold** [link](https://example.com)\n\n```\npre\n```';
    await postUpdate(ada, late.id, { title: 'Late', health: 'OFF_TRACK', body: text, internalNote: 'Note' });
    await addMember(ada, late.id, grace, 'VIEWER');
    const context = await stage.current.context({ colorScheme, reducedMotion: 'reduce' });
    const page = await stage.current.open('/register', context);
    await page.getByRole('button', { name: 'Create account' }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.goto(stage.current.origin);
    await page.getByLabel('Password').waitFor();
    expect(await findings(page)).toEqual([]);
    await page.close();
    const wall = await stage.current.openAs(ada, '/', context);
    await card(wall, late.key).waitFor();
    await isLive(wall);
    expect(await findings(wall)).toEqual([]);
    await wall.getByRole('button', { name: 'Account of Ada' }).click();
    expect(await findings(wall)).toEqual([]);
    await wall.keyboard.press('Escape');
    await card(wall, late.key).getByRole('link').click();
    await wall.getByRole('dialog').getByText('Internal note').first().waitFor();
    await wall.getByRole('dialog').getByRole('button', { name: 'Write an update' }).click();
    expect(await findings(wall)).toEqual([]);
    await wall.goto(`${stage.current.origin}/?kiosk`);
    await wall.locator('main article').first().waitFor();
    expect(await findings(wall)).toEqual([]);
    await context.close();
  });
});

it('a kiosk fits an upright screen', async () => {
  const { tidings } = stage.current;
  const ada = await tidings.asUser('EDITOR', 'Ada');
  const { key, id } = await createProject(ada, { name: 'Harbour' });
  await postUpdate(ada, id, { health: 'OFF_TRACK' });
  const context = await stage.current.context({ viewport: { width: 390, height: 844 } });
  const page = await stage.current.openAs(ada, '/?kiosk', context);
  await card(page, key).waitFor();
  const isCut = `[...document.querySelectorAll('h1, article, article h2, article [data-health]')].some((element) => {
    const { top, left, right, bottom } = element.getBoundingClientRect();
    return top < 0 || left < 0 || right > innerWidth || bottom > innerHeight || element.scrollWidth > element.clientWidth + 1;
  })`;
  expect(await page.evaluate(isCut)).toBe(false);
  await context.close();
});

it.each([
  [2, 3],
  [3, 3],
  [5, 3],
  [5, 6],
])('a kiosk read from %s m fits %s projects without overlapping text', async (distance, count) => {
  const ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  const title = 'The supplier has missed the second date, and the third is in doubt since the strike began on Monday';
  for (let made = 0; made < count; made += 1) await postUpdate(ada, (await createProject(ada)).id, { title });
  const page = await stage.current.openAs(ada, `/?kiosk&distance=${distance}`);
  await page
    .locator('article')
    .nth(count - 1)
    .waitFor();
  const bottom = await page.evaluate<number>(
    `[...document.querySelectorAll('article')].at(-1).getBoundingClientRect().bottom`,
  );
  expect(bottom).toBeGreaterThan(0.85 * 900);
  const isCovered = `[...document.querySelectorAll('article')].some((article) => {
    const boxes = [...article.children].map((child) => child.getBoundingClientRect());
    return boxes.some(({ bottom }, at) => at + 1 < boxes.length && bottom > boxes[at + 1].top + 1);
  })`;
  expect(await page.evaluate(isCovered)).toBe(false);
});

it.each([320, 390, 1440, 3840])('no overflow at a width of %s', async (width) => {
  const { tidings } = stage.current;
  const ada = await tidings.asUser('EDITOR', 'Adalbertina Wolfeschlegelsteinhausenbergerdorff '.repeat(2).trim());
  const name = `${'Donaudampfschifffahrtsgesellschaft'.repeat(3)} מסילה`;
  const { key, id } = await createProject(ada, { name, description: 'x'.repeat(500) });
  const updateId = await postUpdate(ada, id, {
    title: 'Rindfleischetikettierung'.repeat(8),
    body: `${'y'.repeat(300)} \n\n| a | b |\n|-|-|\n| ${'z'.repeat(200)} | c |`,
  });
  const say = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
  await ada.data(say, { i: { projectId: id, updateId, body: 'w'.repeat(400) } });
  const context = await stage.current.context({ viewport: { width, height: 700 } });
  const page = await stage.current.openAs(ada, '/', context);
  await card(page, key).waitFor();
  const OVER = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(OVER)).toBeLessThanOrEqual(0);
  await card(page, key).getByRole('link').click();
  const panel = page.getByRole('dialog');
  await panel.getByText('w'.repeat(400)).waitFor();
  expect(await inPage(panel, (element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  await context.close();
});
