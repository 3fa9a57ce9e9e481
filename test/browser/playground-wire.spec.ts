// The Wire pane of the playground in a real browser: what it shows, and what it never shows.
import { DEMO_PASSWORD } from '../../src/demo/people.js';
import { until } from '../support/wait.js';
import {
  contents,
  everything,
  openTab,
  response,
  run,
  shows,
  signInAs,
  stop,
  type,
  usePlayground,
  wire,
  wireHas,
} from './playground-stage.js';

const playground = usePlayground();

describe('secrets in the playground', () => {
  it('no token or password is in the page after running operations', async () => {
    const stage = playground.current;
    const page = await stage.open();
    const tokens: string[] = [];
    page.on('response', async (reply) => {
      const body = await reply.text().catch(() => '');
      for (const [token] of body.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+|tr1\.[\w.-]+/g)) tokens.push(token);
    });
    await signInAs(page, 'Elias Brandt');
    await page.getByRole('button', { name: 'Show Wire' }).click();
    await page.getByLabel('Pings').check();
    await openTab(page, 'Sessions');
    const login = { email: 'user@example.com', password: DEMO_PASSWORD };
    await type(page, 'variables.json', JSON.stringify({ login }));
    await run(page, 'SignIn');
    await shows(page, 'accessToken');
    // Signing in as programs do leaves the page alone.
    await page.getByRole('button', { name: 'Account: Elias Brandt' }).waitFor();
    const { data } = JSON.parse(await response(page));
    const { accessToken } = data.login;
    await until(() => tokens.includes(accessToken), 'the test had seen the tokens too');

    // As the token of a header: over HTTP, and on a socket.
    await type(page, 'request-headers.json', JSON.stringify({ Authorization: `Bearer ${accessToken}` }));
    await run(page, 'Sessions');
    await shows(page, '"name": "Uma Reyes"');
    await type(page, 'operation.graphql', 'subscription Own { accessChanged { cursor role } }');
    await page.locator('.graphiql-tab-button', { hasText: 'Own' }).waitFor();
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await wireHas(page, /subscribe.*Own/);
    await stop(page);

    // What was typed and shown by hand is cleared by hand; everything else must be clean.
    for (const file of ['request-headers.json', 'variables.json', 'response.json']) await type(page, file, '');
    await contents(page);
    await page.getByRole('button', { name: 'Show History' }).waitFor();
    const all = await everything(page);
    for (const secret of [...tokens, DEMO_PASSWORD]) expect(all).not.toContain(secret);
    expect(all).toContain('[hidden]');
    expect(all).toContain('connection_init');
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    expect(stage.complaints).toEqual([]);
  });
});

describe('the Wire pane', () => {
  it('shows operations, frames, and pongs with their cursor', async () => {
    const stage = playground.current;
    const page = await stage.open();
    await signInAs(page, 'Elias Brandt');
    await page.getByRole('button', { name: 'Show Wire' }).click();
    await page.getByText(/as of \d\d:\d\d:\d\d, nothing is missing/).waitFor();
    await page.getByLabel('Pings').check();
    await wireHas(page, /pong\s+behind 0/);
    await page.locator('li > button', { hasText: 'pong' }).first().click();
    await page.getByText(/Complete as of .* up to the cursor were sent; nothing is missing/).waitFor();
    expect(stage.complaints).toEqual([]);
  });

  it('filters, pauses, clears and copies', async () => {
    const stage = playground.current;
    await stage.profile.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stage.origin });
    const page = await stage.open();
    await signInAs(page, 'Elias Brandt');
    await page.getByRole('button', { name: 'Show Wire' }).click();
    await run(page, 'Projects');
    await wireHas(page, /response.*Projects/);
    await page.getByRole('searchbox', { name: 'Filter' }).fill('healthCounts OFF_TRACK');
    await page.getByText(/^\d+ of \d+ frames/).waitFor();
    for (const line of await wire(page)) expect(line).toMatch(/response/);
    // It says so for 2 s.
    const said = page.getByRole('button', { name: 'Copied' }).waitFor();
    await Promise.all([said, page.getByRole('button', { name: 'Copy', exact: true }).click()]);
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(copied).toContain('healthCounts');
    expect(copied.split('\n')).toHaveLength((await wire(page)).length);

    // Such as a browser whose user has forbidden it.
    await page.evaluate(
      'navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"))',
    );
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('alert').getByText('The browser did not allow this page to copy.').waitFor();

    await page.getByRole('searchbox', { name: 'Filter' }).fill('');
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    const missed = async () =>
      Number(/since (\d+)/.exec(await page.getByText(/Paused since \d+ frames/).innerText())?.[1]);
    const before = await missed();
    const paused = await wire(page);
    await run(page, 'Projects');
    await until(async () => (await missed()) >= before + 2, 'a request and its response were not taken');
    expect(await wire(page)).toEqual(paused);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await until(async () => (await wire(page)).length === 0, 'the list was empty');
    expect(stage.complaints).toEqual([]);
  });
});
