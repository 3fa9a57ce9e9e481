// The wall and its panel in a real Chromium: several accounts, and what each of them may see, live.
import type { Page } from 'playwright-core';
import { addMember, createProject, postUpdate, type TestProject } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { card, isFocused, isLive, isSame, keysOf, mark, signIn, useWallStage } from './wall-stage.js';

const stage = useWallStage();
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

let ada: Person;
let grace: Person;
let harbour: TestProject;

beforeEach(async () => {
  const { tidings } = stage.current;
  [ada, grace] = [await tidings.asUser('EDITOR', 'Ada'), await tidings.asUser('EDITOR', 'Grace')];
  harbour = await createProject(ada, { name: 'Harbour', budget: 1200 });
  await addMember(ada, harbour.id, grace, 'EDITOR');
});

const panel = (page: Page) => page.getByRole('dialog');

async function openPanel(page: Page, { key }: TestProject): Promise<void> {
  await card(page, key).getByRole('link').click();
  await panel(page).getByRole('heading', { level: 2 }).waitFor();
}

async function write(page: Page, title: string, health?: string): Promise<void> {
  await panel(page).getByRole('button', { name: 'Write an update' }).click();
  await panel(page).getByLabel('Title').fill(title);
  if (health) await panel(page).getByText(health, { exact: true }).first().click();
  await panel(page).getByRole('button', { name: 'Post update' }).click();
}

describe('the wall', () => {
  it('shows the worst project first, with its newest update and activity', async () => {
    const [calm, late] = [await createProject(ada, { name: 'Calm' }), await createProject(ada, { name: 'Late' })];
    await postUpdate(ada, calm.id, { title: 'Fine', health: 'ON_TRACK' });
    await postUpdate(ada, late.id, { title: 'The ship is late', health: 'OFF_TRACK' });
    const page = await stage.current.openAs(ada);
    await isLive(page);
    await page.getByRole('heading', { level: 1, name: '1 of 3 off track', exact: true }).waitFor();
    await card(page, harbour.key).waitFor();
    expect(await keysOf(page)).toEqual([late.key, calm.key, harbour.key]);
    const text = await card(page, late.key).innerText();
    expect(text).toContain('The ship is late');
    expect(text).toContain('Ada');
    await card(page, late.key).getByRole('img', { name: '1 update and 0 comments in 30 days' }).waitFor();
  });

  it('shows updates of others live, reorders by health and counts today', async () => {
    const page = await stage.current.openAs(grace);
    await isLive(page);
    const other = await createProject(ada, { name: 'Other' });
    await addMember(ada, other.id, grace, 'VIEWER');
    await card(page, other.key).waitFor();
    await postUpdate(ada, other.id, { title: 'Anchor lost', health: 'OFF_TRACK' });
    await card(page, other.key).getByText('Anchor lost').waitFor();
    await page.getByRole('heading', { name: '1 of 2 off track' }).waitFor();
    await until(async () => (await keysOf(page))[0] === other.key, 'it came first');
    expect(await keysOf(page)).toEqual([other.key, harbour.key]);
    await card(page, other.key).getByRole('img', { name: '1 update and 0 comments in 30 days' }).waitFor();
    await card(page, other.key).getByText('New', { exact: true }).waitFor();
  });

  it('names a lost project and removes its card', async () => {
    const page = await stage.current.openAs(grace);
    await card(page, harbour.key).waitFor();
    await isLive(page);
    await mark(page);
    await ada.data(REMOVE, { p: harbour.id, u: grace.id });
    await page.getByText('You no longer have access to Harbour.').waitFor();
    await card(page, harbour.key).waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'No projects yet' }).waitFor();
    await addMember(ada, harbour.id, grace, 'VIEWER');
    await card(page, harbour.key).waitFor();
    expect(await isSame(page)).toBe(true);
  });

  it('filters by text typed after "/" and keeps it in the address', async () => {
    await createProject(ada, { name: 'Lighthouse' });
    const page = await stage.current.openAs(ada);
    await card(page, harbour.key).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('light');
    await page.getByText('1 found').waitFor();
    await page.locator('article').nth(1).waitFor({ state: 'detached' });
    await page.waitForURL((url) => url.search === '?q=light');
    expect(await keysOf(page)).toHaveLength(1);
    await page.keyboard.press('Escape');
    await card(page, harbour.key).waitFor();
  });

  it('shows who is watching', async () => {
    const watcher = await stage.current.openAs(ada, '/', await stage.current.context());
    await openPanel(watcher, harbour);
    await panel(watcher).getByText('Watching now').waitFor();
    await isLive(watcher);
    const page = await stage.current.openAs(grace);
    const faces = card(page, harbour.key).getByRole('img', { name: /^Watching/ });
    await faces.waitFor({ timeout: 60_000 });
    expect(await faces.getAttribute('aria-label')).toBe('Watching: Ada');
    await watcher.context().close();
  });
});

describe('the project panel', () => {
  it('shows posts and comments of two people to each other', async () => {
    const theirs = await stage.current.context();
    const [one, other] = [await stage.current.openAs(ada), await stage.current.openAs(grace, '/', theirs)];
    for (const page of [one, other]) await openPanel(page, harbour);
    await write(one, 'Cranes are up', 'At risk');
    await panel(other).getByRole('heading', { name: 'Cranes are up' }).waitFor();
    await panel(other).getByLabel('Add a comment').fill('Seen from here **too**');
    await panel(other).getByRole('button', { name: 'Post comment' }).click();
    await panel(one).getByText('Seen from here **too**').waitFor();
    for (const page of [one, other]) {
      await panel(page).getByText('Posting').waitFor({ state: 'detached' });
      expect(await panel(page).getByRole('heading', { name: 'Cranes are up' }).count()).toBe(1);
      expect(await panel(page).getByText('Seen from here **too**').count()).toBe(1);
    }
    await theirs.close();
  });

  it('hides budget and notes after a demotion and shows them after a promotion', async () => {
    await postUpdate(ada, harbour.id, { title: 'Dredging', internalNote: 'Costs twice as much' });
    const page = await stage.current.openAs(grace);
    await openPanel(page, harbour);
    await panel(page).getByText('1,200.00').waitFor();
    await panel(page).getByText('Costs twice as much').waitFor();
    await isLive(page);
    await mark(page);
    await addMember(ada, harbour.id, grace, 'VIEWER');
    await panel(page).getByText('1,200.00').waitFor({ state: 'detached' });
    await panel(page).getByText('Costs twice as much').waitFor({ state: 'detached' });
    await panel(page).getByRole('button', { name: 'Write an update' }).waitFor({ state: 'detached' });
    await panel(page).getByRole('heading', { name: 'Dredging' }).waitFor();
    await addMember(ada, harbour.id, grace, 'EDITOR');
    await panel(page).getByText('1,200.00').waitFor();
    await panel(page).getByText('Costs twice as much').waitFor();
    expect(await isSame(page)).toBe(true);
  });

  it('says that the project was lost', async () => {
    const page = await stage.current.openAs(grace);
    await openPanel(page, harbour);
    await isLive(page);
    await ada.data(REMOVE, { p: harbour.id, u: grace.id });
    await panel(page).getByRole('alert').getByText('You no longer have access to Harbour.').waitFor();
    await panel(page).getByText('1,200.00').waitFor({ state: 'detached' });
    expect(await panel(page).getByText('1,200.00').count()).toBe(0);
  });

  it('has its own address: links, Escape, back and focus work', async () => {
    const page = await stage.current.openAs(ada, `/projects/${harbour.key}`);
    await panel(page).getByRole('heading', { name: 'Harbour' }).waitFor();
    expect(new URL(page.url()).search).toBe(`?project=${harbour.key}`);
    await page.keyboard.press('Escape');
    await panel(page).waitFor({ state: 'detached' });
    const link = card(page, harbour.key).getByRole('link');
    await until(() => isFocused(link), 'the focus had returned');
    await page.keyboard.press('Enter');
    await panel(page).getByRole('heading', { name: 'Harbour' }).waitFor();
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab');
      expect(
        await page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")'),
      ).toBe(true);
    }
    await page.goBack();
    await panel(page).waitFor({ state: 'detached' });
    await until(() => isFocused(link), 'the focus had returned');
  });

  it('goes back once when closed twice', async () => {
    const page = await stage.current.open('/forgot-password');
    await page.goto(stage.current.origin);
    await signIn(page, ada);
    await card(page, harbour.key).getByRole('link').click();
    await panel(page).getByRole('heading', { name: 'Harbour' }).waitFor();
    await page.evaluate(
      `{ const close = [...document.querySelectorAll('dialog button')].find(({ textContent }) => textContent === 'Close'); close.click(); close.click(); }`,
    );
    await panel(page).waitFor({ state: 'detached' });
    await isLive(page);
    expect(new URL(page.url()).pathname).toBe('/');
  });

  it('discards drafts at sign-out', async () => {
    const page = await stage.current.openAs(ada, `/?project=${harbour.key}`);
    const kept = () => page.evaluate<string>('JSON.stringify(Object.values(sessionStorage))');
    await panel(page).getByRole('button', { name: 'Write an update' }).click();
    await panel(page).getByLabel('Title').fill('Half a thought');
    await until(async () => (await kept()).includes('Half a thought'), 'the draft was kept');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Account of' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
    await until(async () => !(await kept()).includes('Half a thought'), 'the draft was gone');
    expect(await kept()).not.toContain('Half a thought');
  });

  it('folds after three comments', async () => {
    const updateId = await postUpdate(ada, harbour.id, { title: 'Much is said' });
    const say = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
    for (const body of ['one', 'two', 'three', 'four', 'five'])
      await ada.data(say, { i: { projectId: harbour.id, updateId, body } });
    const page = await stage.current.openAs(grace, `/?project=${harbour.key}`);
    const comments = panel(page).getByRole('list', { name: 'Comments about Much is said' }).getByRole('listitem');
    await comments.first().waitFor();
    expect(await comments.count()).toBe(3);
    expect(await comments.last().innerText()).toContain('five');
    await panel(page).getByRole('button', { name: 'Show 2 earlier comments' }).click();
    await comments.nth(4).waitFor();
    expect(await comments.count()).toBe(5);
    expect(await comments.first().innerText()).toContain('one');
  });

  it('keeps an unsent post over a reload and posts it once', async () => {
    const page = await stage.current.openAs(grace, `/?project=${harbour.key}`);
    await isLive(page);
    stage.current.proxy.answer503();
    stage.current.proxy.cut();
    await write(page, 'Written in a tunnel');
    await panel(page).getByText('Not posted. Your draft is saved.').waitFor({ timeout: 60_000 });
    stage.current.proxy.open();
    await page.reload();
    await panel(page).getByText('Not posted. Your draft is saved.').waitFor();
    await panel(page).getByRole('button', { name: 'Try again' }).click();
    await panel(page).getByText('Your draft is saved.').waitFor({ state: 'detached' });
    await page.reload();
    await panel(page).getByRole('heading', { name: 'Written in a tunnel' }).waitFor();
    expect(await panel(page).getByRole('heading', { name: 'Written in a tunnel' }).count()).toBe(1);
  });
});

describe('a session ended elsewhere', () => {
  it('shows the sign-in with the reason and returns to the same page', async () => {
    const page = await stage.current.openAs(grace, `/?project=${harbour.key}`);
    await isLive(page);
    await grace.data('mutation { logoutEverywhere }');
    await page.getByText('Your session has ended').waitFor({ timeout: 60_000 });
    expect(await page.getByText('Harbour').count()).toBe(0);
    expect(new URL(page.url()).search).toBe(`?project=${harbour.key}`);
    await signIn(page, grace);
    await panel(page).getByRole('heading', { name: 'Harbour' }).waitFor();
  });
});
