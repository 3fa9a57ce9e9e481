// `@tidings/client` in a real Chromium: writes whose reply is lost are done once.
import type { Page } from 'playwright-core';
import { createProject } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { ask, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage();
const POST = 'mutation Post($input: PostUpdateInput!) { postUpdate(input: $input) { id title } }';
const EDIT = 'mutation Edit($id: ID!, $input: EditProjectInput!) { editProject(id: $id, input: $input) { version } }';

let ada: Person;
let projectId = '';
let page: Page;
beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  projectId = (await createProject(ada)).id;
  page = await stage.current.tab();
  await signIn(page, ada);
});
const titles = () =>
  stage.current.tidings.database.query('select title from project_update where project_id = $1', [projectId]);

it('a post with a lost reply is repeated with its idempotency key and runs once', async () => {
  const lost = [stage.current.front.next('lose', /mutation Post/), stage.current.front.next('lose', /mutation Post/)];
  const { data, ms } = await ask(page, POST, { input: { projectId, title: 'Once', health: 'ON_TRACK' } });
  await Promise.all(lost.map(({ met }) => met));
  process.stdout.write(`figure: two replies lost: answered after ${ms} ms\n`);
  expect(data.postUpdate.title).toBe('Once');
  const keys = stage.current.front.seen
    .filter((body) => body.includes('mutation Post'))
    .map((body) => JSON.parse(body).variables.input.idempotencyKey as unknown);
  expect(keys).toEqual([expect.any(String), keys[0], keys[0]]);
  expect(await titles()).toEqual([{ title: 'Once' }]);
});

it('two posts of the same text are two', async () => {
  const input = { projectId, title: 'Twice', health: 'ON_TRACK' };
  await Promise.all([ask(page, POST, { input }), ask(page, POST, { input })]);
  expect(await titles()).toHaveLength(2);
});

it('a mutation without idempotency key is not repeated and reports an unknown outcome', async () => {
  const fault = stage.current.front.next('lose', /mutation Edit/);
  const { code } = await ask(page, EDIT, { id: projectId, input: { name: 'Perhaps' } });
  await fault.met;
  expect(code).toBe('SERVICE_UNAVAILABLE');
  expect(stage.current.front.count(/mutation Edit/)).toBe(1);
});
