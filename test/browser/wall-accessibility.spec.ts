// The wall for people who use no mouse, who read from right to left, who want nothing to move, and who have no projects yet.
import type { Locator, Page } from 'playwright-core';
import { createProject, postUpdate, type TestProject } from '../support/factories.js';
import { PASSWORD, type Person } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { card, inPage, isFocused, isLive, useWallStage } from './wall-stage.js';

const stage = useWallStage();
let ada: Person;
let harbour: TestProject;
beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  harbour = await createProject(ada, { name: 'Harbour' });
});

/** What has the focus, as it is called. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(
    `(({ activeElement: at }) => at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent ?? '')(document)`,
  );

/** Presses Tab until that has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    const now = await focused(page);
    if (now.trim() === name) return;
    passed.push(now.trim());
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${name}, but to ${passed.join(', ')}`);
}

it('the wall works by keyboard alone: sign in, search, post, sign out', async () => {
  const page = await stage.current.open();
  await page.getByLabel('Password').waitFor();
  await tabTo(page, 'E-mail address');
  await page.keyboard.type(ada.email);
  await tabTo(page, 'Password');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await card(page, harbour.key).waitFor();
  await isLive(page);
  await page.keyboard.press('/');
  await page.keyboard.type('harb');
  await page.getByText('1 found').waitFor();
  await tabTo(page, 'Harbour');
  await page.keyboard.press('Enter');
  const panel = page.getByRole('dialog');
  await panel.getByRole('button', { name: 'Write an update' }).waitFor();
  await tabTo(page, 'Write an update');
  await page.keyboard.press('Enter');
  await panel.getByLabel('Title').waitFor();
  await until(() => isFocused(panel.getByLabel('Title')), 'the title could be typed');
  await page.keyboard.type('Cranes are up');
  await page.keyboard.press('Enter');
  await panel.getByRole('heading', { name: 'Cranes are up' }).waitFor();
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  await card(page, harbour.key).getByText('Cranes are up').waitFor();
  await tabTo(page, 'Account of Ada');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Sign out');
  await page.keyboard.press('Enter');
  await page.getByText('You are signed out').waitFor();
  expect(await page.getByLabel('Password').count()).toBe(1);
});

const isRightToLeft = (of: Locator) => inPage(of, (element) => element.matches(':dir(rtl)'));

it('right-to-left names and titles have their own direction', async () => {
  const { key, id } = await createProject(ada, { name: 'רכבת לילה' });
  await postUpdate(ada, id, { title: 'מזג האוויר טוב (2 תחנות)' });
  const page = await stage.current.openAs(ada);
  const name = card(page, key).getByRole('link', { name: 'רכבת לילה' });
  await name.waitFor();
  expect(await isRightToLeft(name)).toBe(true);
  expect(await isRightToLeft(card(page, key).getByText('מזג האוויר'))).toBe(true);
  expect(await isRightToLeft(card(page, harbour.key).getByRole('link'))).toBe(false);
});

it('prefers-reduced-motion stops animations', async () => {
  const context = await stage.current.context({ reducedMotion: 'reduce' });
  const page = await stage.current.openAs(ada, '/', context);
  await isLive(page);
  await postUpdate(ada, harbour.id, { title: 'Fog', health: 'OFF_TRACK' });
  await card(page, harbour.key).getByText('Fog').waitFor();
  await card(page, harbour.key).getByRole('link').click();
  await page.getByRole('dialog').getByRole('heading', { name: 'Fog' }).waitFor();
  const moving = `document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime > 1).length`;
  expect(await page.evaluate(moving)).toBe(0);
  await context.close();
});

it('an account without projects is told how to get one', async () => {
  const newcomer = await stage.current.tidings.asUser('USER', 'Grace');
  const page = await stage.current.openAs(newcomer);
  await page.getByText('Ask the owner of a project to invite you').waitFor();
  expect(await page.locator('article').count()).toBe(0);
});
