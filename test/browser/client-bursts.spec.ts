// `@tidings/client` in a real Chromium under a burst: nothing is batched away, and the page stays responsive.
import type { Page } from 'playwright-core';
import { createProject, postUpdate } from '../support/factories.js';
import { postMany } from '../support/live.js';
import type { Person } from '../support/tidings.js';
import { call, holds, isFollowing, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage({ mode: 'production' });
const PROJECTS = 50;
const UPDATES = 20;
const BURST = 100;
/** Tries of which one must be without a long task: other work on the machine makes some. */
const TRIES = 12;

let ada: Person;
let page: Page;
const ids: string[] = [];

beforeAll(async () => {
  const { tidings } = stage.current;
  ada = await tidings.asUser('EDITOR', 'Ada');
  for (let at = 0; at < PROJECTS; at += 1) ids.push((await createProject(ada, { name: `Project ${at}` })).id);
  await Promise.all(ids.map((id) => postMany(tidings.app, ada.id, id, UPDATES)));
  // The newest of each says how it is doing.
  for (const id of ids.slice(0, 2)) await postUpdate(ada, id);
});
beforeEach(async () => {
  page = await stage.current.tab();
  await signIn(page, ada);
});

it('calls back once for each of 100 events that come in one tick', async () => {
  await call(page, 'follow', ids[0]);
  await isFollowing(page);
  await postMany(stage.current.tidings.app, ada.id, ids[0]!, BURST);
  await holds(page, `page.heard.events.length >= ${BURST}`);
  const events = await page.evaluate<{ seq: number; at: number }[]>('page.heard.events');
  expect(events.map(({ seq }) => seq)).toEqual(Array.from({ length: BURST }, (_, at) => events[0]!.seq + at));
  const took = events.at(-1)!.at - events[0]!.at;
  process.stdout.write(`figure: ${BURST} callbacks within ${took} ms\n`);
});

it('shows 100 events in a list of 50 projects with 20 updates each without a task of more than 50 ms', async () => {
  await call(page, 'show', [{ name: 'list' }], { strict: false });
  await call(page, 'follow', null);
  await holds(page, `page.shown('list')?.status === 'live' && page.shown('list').rows.length === ${PROJECTS}`);
  await isFollowing(page);
  const cached = Object.keys(JSON.parse(await call<string>(page, 'cache')) as object).length;
  expect(cached).toBeGreaterThan(PROJECTS * UPDATES);
  const longest: number[] = [];
  let taken = 0;
  for (let attempt = 1; attempt <= TRIES && longest.at(-1) !== 0; attempt += 1) {
    await page.evaluate('page.events = page.heard.events.length; page.stopLongTasks = page.longTasks(); void 0');
    const id = ids[attempt]!;
    await postMany(stage.current.tidings.app, ada.id, id, BURST);
    const last = await postUpdate(ada, id, { title: `The last of ${attempt}` });
    taken = await holds(
      page,
      `page.cache().includes(${JSON.stringify(last)}) && page.heard.events.length === page.events + ${BURST + 1}`,
    );
    await page.evaluate('new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve, 100)); })');
    longest.push(Math.max(0, ...(await page.evaluate<number[]>('page.stopLongTasks()'))));
  }
  process.stdout.write(
    `figure: longest task of a burst of ${BURST} over ${cached} entities: ${longest.map((ms) => `${ms} ms`).join(', ')} (0: none over 50), last shown after ${taken.toFixed(0)} ms\n`,
  );
  expect(Math.min(...longest)).toBeLessThanOrEqual(50);
});
