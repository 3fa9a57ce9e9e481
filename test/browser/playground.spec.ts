// What somebody does who explores the API in the playground.
import { DEMO_PASSWORD } from '../../src/demo/people.js';
import { PASSWORD } from '../support/tidings.js';
import { until } from '../support/wait.js';
import {
  contents,
  holds,
  openTab,
  response,
  run,
  shows,
  signInAs,
  stop,
  switchTo,
  type,
  usePlayground,
  wire,
  wireHas,
} from './playground-stage.js';

/** What Chromium itself reports of connections that a test cuts. */
const OF_CUTS = /WebSocket connection|ERR_(?:CONNECTION|EMPTY|INTERNET|NETWORK)/;

/** Subscriptions of the page itself: to the rights of the account. */
const OF_PAGE = 1;

const playground = usePlayground();

it('a demo account signs in by one click and runs an example without console output', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await run(page, 'Projects');
  await shows(page, '"viewerRole": "OWNER"');
  await openTab(page, 'Sessions');
  await run(page, 'Sessions');
  await shows(page, '"current": true');
  for (const name of ['Documentation Explorer', 'History', 'Wire'])
    await page.getByRole('button', { name: `Show ${name}` }).click();
  await page.getByRole('button', { name: 'Open settings dialog' }).click();
  await page.getByRole('dialog').waitFor();
  expect(stage.complaints).toEqual([]);
});

it('sign-in by form reports errors in plain words', async () => {
  const stage = playground.current;
  const page = await stage.open();
  const { email } = await stage.tidings.asUser('USER', 'Grace Hopper');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill('not that one');
  await page.locator('form').getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.locator('form').getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Account: Grace Hopper' }).waitFor();
  await page.getByRole('button', { name: 'Account: Grace Hopper' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByText('You have signed out.').waitFor();
  expect(stage.complaints).toEqual([]);
});

it('one document runs as three roles and shows why a field is null', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await openTab(page, 'GuardedFields');
  await run(page, 'GuardedFields');
  await shows(page, '"budget": 640000');
  expect(await response(page)).not.toContain('errors');

  await switchTo(page, 'Uma Reyes');
  await run(page, 'GuardedFields');
  await shows(page, 'FORBIDDEN');
  const { data, errors } = JSON.parse(await response(page));
  expect(data).toMatchObject({ one: { viewerRole: 'VIEWER', budget: null }, other: null });
  const told = errors.map(({ path, extensions }: { path: string[]; extensions: { code: string } }) =>
    [...path, extensions.code].join(' '),
  );
  expect(told.sort()).toEqual(['one budget FORBIDDEN', 'one latestUpdate internalNote FORBIDDEN', 'other NOT_FOUND']);

  await page.getByRole('button', { name: 'Show Wire' }).click();
  await page
    .locator('li > button', { hasText: /response.*GuardedFields.*FORBIDDEN/ })
    .first()
    .click();
  await page.getByText('one.budget: FORBIDDEN').waitFor();
  await page.getByText('It requires EDITOR; you are VIEWER in RIDER.').first().waitFor();

  await switchTo(page, 'Ada Moreau');
  await run(page, 'GuardedFields');
  await shows(page, '"role": "ADMIN"');
  expect(await response(page)).not.toContain('errors');
});

it('a subscription starts and stops twenty times and leaves none at the service', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await openTab(page, 'LiveUpdates');
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await wireHas(page, /subscribe.*PlaygroundRights/);
  await stage.hasSubscriptions(OF_PAGE);
  for (let count = 0; count < 20; count += 1) {
    await run(page, 'LiveUpdates');
    await stage.hasSubscriptions(OF_PAGE + 1);
    await stop(page);
    await stage.hasSubscriptions(OF_PAGE);
  }
  const lines = async (pattern: RegExp) => (await wire(page)).filter((line) => pattern.test(line));
  // Wire shows frames later than the service has them.
  await until(
    async () => (await lines(/→.* complete .*LiveUpdates/)).length >= 20,
    'Wire showed that all were stopped',
  );
  expect(await lines(/→.* subscribe .*LiveUpdates/)).toHaveLength(20);
  expect(await lines(/→.* complete .*LiveUpdates/)).toHaveLength(20);
  expect(stage.complaints).toEqual([]);
});

it('a cut socket resumes without gap or repetition, as Wire shows', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await wireHas(page, /subscribe.*PlaygroundRights/);
  await stage.hasSubscriptions(OF_PAGE);
  await openTab(page, 'LiveUpdates');
  await run(page, 'LiveUpdates');
  await wireHas(page, /subscribe.*LiveUpdates/);
  await stage.hasSubscriptions(OF_PAGE + 1);
  await stage.comment('before-the-cut');
  await shows(page, 'before-the-cut');
  stage.proxy.cut();
  await stage.comment('during-the-cut');
  await shows(page, 'during-the-cut');
  await stage.comment('after-the-cut');
  await shows(page, 'after-the-cut');

  await wireHas(page, /close\s+1006/);
  await page.getByText('The connection was lost, or could not be made. The client comes back.').first().waitFor();
  // The second subscribe says where it goes on.
  await page
    .locator('li > button', { hasText: /subscribe.*LiveUpdates/ })
    .first()
    .click();
  await page.getByText('Resumes after the cursor in after').waitFor();
  await page.getByText('nothing was lost').waitFor();
  // Each comment came in one frame. The response shows it earlier than Wire does.
  await page.getByRole('searchbox', { name: 'Filter' }).fill('-the-cut');
  await page.getByText(/^3 of \d+ frames/).waitFor();
  expect((await contents(page)).map((text) => /[\w]+-the-cut/.exec(text)?.[0])).toEqual([
    'after-the-cut',
    'during-the-cut',
    'before-the-cut',
  ]);
  expect(stage.complaints.filter((complaint) => !OF_CUTS.test(complaint))).toEqual([]);
});

it('a session ended elsewhere is reported at once', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Uma Reyes');
  await page.getByRole('button', { name: 'Show Wire' }).click();
  const other = await stage.elsewhere('user');
  await other.data('mutation { logoutEverywhere(keepCurrent: true) }');
  await page
    .getByText('Your session has ended: it was ended elsewhere, or not used for too long. Sign in again.')
    .waitFor();
  await wireHas(page, /close\s+4401/);
  await page.getByText('the session has ended.').first().waitFor();
  expect(stage.complaints).toEqual([]);
});

it('a login mutation in the editor keeps the page signed in, a logout signs it out', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  const enter = async (name: string, operation: string) => {
    await type(page, 'operation.graphql', `mutation ${name} { ${operation} }`);
    await page.locator('.graphiql-tab-button', { hasText: name }).waitFor();
    await page.getByRole('button', { name: /^Execute query/ }).click();
  };
  const account = `email: "user@example.com", password: "${DEMO_PASSWORD}"`;
  await enter('ByCookie', `login(input: {${account}, transport: COOKIE}) { user { name } }`);
  await shows(page, 'use the form at the top');
  await enter('ByBody', `login(input: {${account}}) { user { name } }`);
  await shows(page, 'Uma Reyes');
  await page.getByRole('button', { name: 'Account: Elias Brandt' }).waitFor();
  await enter('Leave', 'logout');
  await page.getByText('Your session has ended').waitFor();
  expect(stage.complaints).toEqual([]);
});

it('a change of rights is shown live', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Uma Reyes');
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await page.getByText('Uma Reyes is USER, with a role in 3 projects').waitFor();
  const other = await stage.elsewhere('editor');
  const data = await other.data('{ project(key: "RIDER") { id members { nodes { user { id name } } } } }');
  const uma = data.project.members.nodes.find(({ user }: { user: { name: string } }) => user.name === 'Uma Reyes').user
    .id;
  const ids = { p: data.project.id, u: uma };
  const remove = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
  const restore = 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }';
  try {
    await other.data(remove, ids);
    await page.getByText('Uma Reyes is USER, with a role in 2 projects').waitFor();
  } finally {
    await other.data(restore, ids);
  }
  await page.getByText('Uma Reyes is USER, with a role in 3 projects').waitFor();
  expect(stage.complaints).toEqual([]);
});

describe('tabs', () => {
  it('survive a reload, and examples can be restored beside them', async () => {
    const stage = playground.current;
    const page = await stage.open();
    await signInAs(page, 'Elias Brandt');
    await type(page, 'operation.graphql', 'query Mine { me { name } }');
    await page.locator('.graphiql-tab-button', { hasText: 'Mine' }).waitFor();
    await openTab(page, 'Errors');
    await page.locator('.graphiql-tab', { hasText: 'Errors' }).getByRole('button', { name: 'Close Tab' }).click();
    const titles = () => page.locator('.graphiql-tab-button').allInnerTexts();
    const changed = ['Mine', 'LiveUpdates', 'GuardedFields', 'WhoIsWatching', 'Notifications', 'Sessions'];
    await until(async () => (await titles()).join() === changed.join(), 'the tab was closed');
    // GraphiQL keeps tabs half a second later.
    await holds(
      page,
      `JSON.stringify({ ...localStorage }).includes('query Mine') && !JSON.stringify({ ...localStorage }).includes('query Errors')`,
    );
    await page.reload();
    await page.locator('.graphiql-tab-button', { hasText: 'Mine' }).waitFor();
    expect(await titles()).toEqual(changed);

    await page.getByRole('button', { name: 'Account: Elias Brandt' }).waitFor();
    await page.getByRole('button', { name: 'Restore examples' }).click();
    const all = ['Projects', 'LiveUpdates', 'GuardedFields', 'WhoIsWatching', 'Notifications', 'Errors', 'Sessions'];
    await until(async () => (await titles()).join() === [...all, 'Mine'].join(), 'the examples were back');
    await run(page, 'Projects');
    await shows(page, 'healthCounts');
    await page.getByRole('button', { name: 'Restore examples' }).click();
    await until(async () => (await titles()).join() === [...all, 'Mine'].join(), 'none was there twice');
    expect(stage.complaints).toEqual([]);
  });

  it('use the id of an existing project in their variables', async () => {
    const stage = playground.current;
    const page = await stage.open();
    await signInAs(page, 'Elias Brandt');
    for (const [tab, operation, text] of [
      ['WhoIsWatching', 'Watching', '"count"'],
      ['LiveUpdates', 'WhatHasHappened', '"seq"'],
      ['Errors', 'Conflict', 'CONFLICT'],
    ] as const) {
      await openTab(page, tab);
      await run(page, operation);
      await shows(page, text);
    }
    expect(stage.complaints).toEqual([]);
  });
});

const background = (selector: string) => `getComputedStyle(document.querySelector('${selector}')).backgroundColor`;
const ink = `getComputedStyle(document.querySelector('.graphiql-query-editor .view-line span span')).color`;

describe('the theme', () => {
  it('follows the system, editors included', async () => {
    const stage = playground.current;
    const page = await stage.open();
    await page.emulateMedia({ colorScheme: 'light' });
    await holds(page, `${background('#graphiql-session')} === 'rgb(255, 255, 255)'`);
    await holds(page, `${ink} === 'rgb(79, 75, 70)'`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await holds(page, `${background('#graphiql-session')} === 'rgb(24, 26, 31)'`);
    await holds(page, `${ink} === 'rgb(172, 175, 184)'`);
    expect(stage.complaints).toEqual([]);
  });

  it('keeps the chosen value over a reload', async () => {
    const stage = playground.current;
    const page = await stage.open();
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.getByRole('button', { name: 'Open settings dialog' }).click();
    await page.getByRole('button', { name: 'Dark', exact: true }).click();
    await holds(page, `${background('#graphiql-session')} === 'rgb(24, 26, 31)'`);
    await holds(page, `${ink} === 'rgb(172, 175, 184)'`);
    await page.reload();
    await holds(
      page,
      `document.querySelector('#graphiql-session') && ${background('#graphiql-session')} === 'rgb(24, 26, 31)'`,
    );
    expect(stage.complaints).toEqual([]);
  });
});

it('works with every request to another origin blocked', async () => {
  const stage = playground.current;
  await stage.profile.route(
    (url) => url.origin !== stage.origin && url.protocol !== 'data:',
    (route) => route.abort(),
  );
  const page = await stage.open();
  await signInAs(page, 'Uma Reyes');
  await run(page, 'Projects');
  await shows(page, 'healthCounts');
  expect(stage.complaints).toEqual([]);
});

it('works by keyboard alone', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await page.locator('.graphiql-query-editor textarea').first().focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+Enter');
  await shows(page, 'healthCounts');
  await page.getByRole('button', { name: /^Account: / }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Switch to Ada Moreau' }).waitFor();
  await page.keyboard.press('Escape');
  expect(stage.complaints).toEqual([]);
});
