// Requests of two accounts in tabs of one browser, in random order: no legitimate user is signed out, and no request of
// a page that shows one account affects the other.
import * as fc from 'fast-check';
import { isLong } from './support/extent.js';
import { SharedBrowser, steps } from './support/shared-browser.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
let people: readonly Person[];
beforeAll(async () => {
  people = [await tidings.current.asUser('USER', 'Ada'), await tidings.current.asUser('USER', 'Grace')];
});
const newestSession = async () => {
  const sql = `select coalesce(max(id::text), '') as id from session`;
  const [newest] = await tidings.current.database.query<{ id: string }>(sql);
  return newest!.id;
};

it('tabs of two accounts keep their own sessions in random interleavings with lost replies', async () => {
  let answered = 0;
  const property = fc.asyncProperty(steps, async (taken) => {
    const browser = new SharedBrowser(tidings.current, people, await newestSession());
    await browser.take({ step: 'send', tab: 0, act: 'login', person: 0 });
    await browser.settle();
    for (const step of taken) await browser.take(step);
    await browser.settle();
    answered += browser.answered;
  });
  await fc.assert(property, { numRuns: isLong ? 300 : 25 });
  expect(answered).toBeGreaterThan(25);
  process.stdout.write(`figure: ${answered} requests of tabs in random order\n`);
}, 600_000);
