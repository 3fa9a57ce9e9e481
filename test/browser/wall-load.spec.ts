// The wall with many projects, and with many updates: it is there soon, it stays usable, and it has everything.
import { createProject, postUpdate, addMember } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { card, isLive, signIn, useWallStage } from './wall-stage.js';

const stage = useWallStage();

const FILL = `
  with made as (
    insert into project (id, key, name, description, version, created_at, updated_at)
    select gen_random_uuid(), 'N' || i, 'Number ' || i, '', 1, now(), now() from generate_series(1, $2) as i returning id
  )
  insert into project_member (id, project_id, account_id, role, created_at)
  select gen_random_uuid(), id, $1, 'OWNER', now() from made`;

/** ms of tasks longer than 50 ms, from now on. */
const OBSERVE = `globalThis.long = 0;
  new PerformanceObserver((entries) => entries.getEntries().forEach(({ duration }) => (long += duration))).observe({ type: 'longtask' });`;

let ada: Person;
beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
});

it('1,000 projects: the first are shown soon, the others by search and scrolling', async () => {
  await stage.current.tidings.database.query(FILL, [ada.id, 999]);
  const last = await createProject(ada, { name: 'Aardvark' });
  await postUpdate(ada, last.id, { health: 'OFF_TRACK' });
  const page = await stage.current.open();
  await page.getByLabel('Password').waitFor();
  await signIn(page, ada);
  const began = performance.now();
  await page.locator('article').first().waitFor();
  process.stdout.write(`figure: first cards of 1,000 after ${(performance.now() - began).toFixed(0)} ms\n`);
  await page.getByRole('heading', { level: 1, name: '1 of 1000 off track' }).waitFor();
  expect(await page.locator('article').first().getAttribute('data-project')).toBe(last.key);
  expect(await page.locator('article').count()).toBeLessThan(200);
  await page.getByLabel('Find a project').fill('Number 77');
  // Those behind the first page are found once they are there.
  await page.getByText('19 found').waitFor({ timeout: 30_000 });
  await page.getByLabel('Find a project').fill('');
  await until(async () => {
    await page.mouse.wheel(0, 20_000);
    return (await page.locator('article').count()) > 400;
  }, 'more cards were made while scrolling');
});

it('50 projects with 10 updates a second leave the page most of its time', async () => {
  const watcher = await stage.current.tidings.asUser('EDITOR', 'Grace');
  const projects = [];
  for (let made = 0; made < 50; made += 1) {
    const project = await createProject(ada);
    await addMember(ada, project.id, watcher, 'VIEWER');
    projects.push(project);
  }
  const page = await stage.current.openAs(watcher);
  await isLive(page);
  await card(page, projects[0]!.key).waitFor();
  await page.evaluate(OBSERVE);
  const cdp = await page.context().newCDPSession(page);
  // In time of the CPU: what else runs on this machine does not count.
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () =>
    1_000 * (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value;
  const before = await busy();
  const [began, count] = [performance.now(), 200];
  for (let posted = 0; posted < count; posted += 1) {
    const health = ['ON_TRACK', 'AT_RISK', 'OFF_TRACK'][posted % 3];
    const { id } = projects[posted % projects.length]!;
    const due = began + posted * 100;
    await until(() => performance.now() >= due, 'its time had come');
    await postUpdate(ada, id, { title: `Number ${posted}`, health });
  }
  await card(page, projects[(count - 1) % 50]!.key)
    .getByText(`Number ${count - 1}`)
    .waitFor();
  const took = performance.now() - began;
  const used = (await busy()) - before;
  const long = await page.evaluate<number>('long');
  process.stdout.write(
    `figure: ${count} updates in ${(took / 1_000).toFixed(1)} s, CPU ${used.toFixed(0)} ms, long tasks ${long.toFixed(0)} ms\n`,
  );
  expect(used / took).toBeLessThan(0.4);
  for (let at = 0; at < 50; at += 1)
    expect(await card(page, projects[at]!.key).textContent()).toContain(`Number ${count - 50 + at}`);
});
