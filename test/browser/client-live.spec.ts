// `@tidings/client` with React and Apollo Client in a real Chromium: what is on the screen is what is so, without a reload.
import type { Page } from 'playwright-core';
import { postUpdate } from '../support/factories.js';
import { Hub } from '../../src/engine/realtime/fan-out/hub.js';
import type { Person } from '../support/tidings.js';
import { call, holds, isShown, oneProject, shown, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage();

/** Of the project, and of what the account gains and loses. */
const SUBSCRIPTIONS = 2;

let ada: Person;
let grace: Person;
let projectId = '';
let page: Page;

beforeEach(async () => {
  ({ ada, grace, projectId, page } = await oneProject(stage.current));
});

const edit = (person: Person, update: string, input: object) =>
  person.data('mutation ($id: ID!, $input: EditUpdateInput!) { editUpdate(id: $id, input: $input) { id } }', {
    id: update,
    input,
  });
const rename = (person: Person, name: string) =>
  person.data('mutation ($id: ID!, $input: EditProjectInput!) { editProject(id: $id, input: $input) { id } }', {
    id: projectId,
    input: { name },
  });

describe('useLive', () => {
  beforeEach(() => signIn(page, grace));

  it('shares one subscription between two components in StrictMode, without losing events', async () => {
    await call(page, 'show', [
      { name: 'one', id: projectId },
      { name: 'two', id: projectId },
    ]);
    for (const name of ['one', 'two']) await isShown(page, name, 'status === "live"');
    await stage.current.tidings.watching(SUBSCRIPTIONS);
    await postUpdate(ada, projectId, { title: 'First' });
    for (const name of ['one', 'two']) await isShown(page, name, 'rows.length === 1');
    await call(page, 'show', [
      { name: 'one', id: projectId },
      { name: 'two', id: projectId },
      { name: 'late', id: projectId },
    ]);
    await postUpdate(ada, projectId, { title: 'Second' });
    for (const name of ['one', 'two', 'late']) {
      await isShown(page, name, 'rows.length === 2');
      expect((await shown(page, name))!.rows).toEqual(['Second', 'First']);
    }
    expect(await page.evaluate('page.told')).toMatchObject({ one: ['First', 'Second'], two: ['First', 'Second'] });
    expect(stage.current.tidings.app.get(Hub).size).toBe(SUBSCRIPTIONS);
    // The same without React: two that ask for the same.
    for (let times = 0; times < 2; times += 1) await call(page, 'follow', projectId);
    await stage.current.tidings.watching(SUBSCRIPTIONS + 1);
    await postUpdate(ada, projectId, { title: 'Third' });
    await holds(page, 'page.heard.events.length >= 2');
    await isShown(page, 'late', 'rows[0] === "Third"');
    expect(await page.evaluate('page.heard.events.length')).toBe(2);
    expect(stage.current.tidings.app.get(Hub).size).toBe(SUBSCRIPTIONS + 1);
    expect(stage.current.front.upgrades).toBe(1);
  });

  it('survives a remount and unsubscribes after the unmount', async () => {
    for (let times = 0; times < 3; times += 1) {
      await call(page, 'show', [{ name: 'one', id: projectId }]);
      await isShown(page, 'one', `status === "live" && rows.length === ${times}`);
      await call(page, 'show', []);
      await postUpdate(ada, projectId, { title: `Update ${times}` });
    }
    await call(page, 'show', [{ name: 'one', id: projectId }]);
    await isShown(page, 'one', 'status === "live" && rows.length === 3');
    expect((await shown(page, 'one'))!.rows).toEqual(['Update 2', 'Update 1', 'Update 0']);
    await stage.current.tidings.watching(SUBSCRIPTIONS);
    await call(page, 'unmount');
    await stage.current.tidings.watching(0);
  });

  it('shows the newest state when the snapshot arrives after events', async () => {
    const fault = stage.current.front.next('hold', /"query Project/);
    const id = await postUpdate(ada, projectId, { title: 'Draft' });
    await call(page, 'show', [{ name: 'one', id: projectId }]);
    await fault.met;
    // The answer is on its way, and old already.
    await edit(ada, id, { title: 'Final' });
    await postUpdate(ada, projectId, { title: 'Another' });
    await rename(ada, 'Apollo 11');
    fault.release();
    await isShown(page, 'one', 'status === "live" && heading === "Apollo 11" && rows.length === 2');
    expect(await shown(page, 'one')).toMatchObject({ status: 'live', rows: ['Another', 'Final'], latest: 'Another' });
  });

  it('ignores an older version that a query returns', async () => {
    const id = await postUpdate(ada, projectId, { title: 'Draft' });
    await call(page, 'show', [{ name: 'one', id: projectId }]);
    await isShown(page, 'one', 'status === "live" && rows.length === 1');
    const fault = stage.current.front.next('hold', /"query Project/);
    const late = page.evaluate(
      `page.apollo.query({ query: page.gql(page.documents.project()), variables: { id: '${projectId}' }, fetchPolicy: 'network-only' }).then(() => 'answered')`,
    );
    await fault.met;
    await edit(ada, id, { title: 'Final' });
    await rename(ada, 'Apollo 11');
    await isShown(page, 'one', 'heading === "Apollo 11" && rows[0] === "Final"');
    fault.release();
    expect(await late).toBe('answered');
    await postUpdate(ada, projectId, { title: 'Another' });
    await isShown(page, 'one', 'rows.length === 2');
    expect(await shown(page, 'one')).toMatchObject({ heading: 'Apollo 11', rows: ['Another', 'Final'] });
  });
});
