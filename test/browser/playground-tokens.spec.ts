// Access tokens that expire while the playground is open.
import { until } from '../support/wait.js';
import { openTab, response, run, shows, signInAs, usePlayground, wireHas } from './playground-stage.js';

const playground = usePlayground({ ACCESS_TOKEN_TTL: '3s' });

it('the playground renews tokens while a subscription runs, as Wire shows', async () => {
  const stage = playground.current;
  const page = await stage.open();
  await signInAs(page, 'Elias Brandt');
  await page.getByRole('button', { name: 'Show Wire' }).click();
  await openTab(page, 'LiveUpdates');
  await run(page, 'LiveUpdates');
  await wireHas(page, /subscribe.*LiveUpdates/);
  // Three lives of a token, and the 10 s that a socket has beyond it.
  const began = Date.now();
  await until(async () => Date.now() - began > 20_000, 'the tokens had expired', 30_000);
  await wireHas(page, /request.*refresh/);

  await stage.comment('Long after.');
  await shows(page, 'Long after.');
  await openTab(page, 'Projects');
  await run(page, 'Projects');
  await shows(page, 'healthCounts');
  expect(await response(page)).not.toContain('errors');
  expect(stage.complaints).toEqual([]);
});
