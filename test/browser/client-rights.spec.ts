// `@tidings/client` with React and Apollo Client in a real Chromium: the screen follows what the account may see, without a reload.
import type { Page } from 'playwright-core';
import { addMember, createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { call, holds, isFollowing, isShown, oneProject, shown, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage();

let ada: Person;
let grace: Person;
let projectId = '';
let page: Page;

beforeEach(async () => {
  ({ ada, grace, projectId, page } = await oneProject(stage.current));
});

describe('a document that asks for a forbidden field', () => {
  it('shows everything else and the refused field', async () => {
    await addMember(ada, projectId, grace, 'VIEWER');
    await signIn(page, grace);
    await call(page, 'show', [{ name: 'one', id: projectId, fields: 'budget' }]);
    await isShown(page, 'one', 'status === "live"');
    expect(await shown(page, 'one')).toMatchObject({ heading: 'Apollo', budget: '', refused: [['project', 'budget']] });
    await postUpdate(ada, projectId, { title: 'Seen by all' });
    await isShown(page, 'one', 'rows[0] === "Seen by all"');
    expect(await shown(page, 'one')).toMatchObject({ status: 'live', refused: [['project', 'budget']] });
  });
});

describe('a change of rights while a page is open', () => {
  beforeEach(() => signIn(page, grace));

  it('removes the project of an ended membership and reports why', async () => {
    await postUpdate(ada, projectId, { title: 'For members' });
    await call(page, 'show', [{ name: 'one', id: projectId }]);
    await call(page, 'follow', projectId);
    await isShown(page, 'one', 'status === "live" && rows.length === 1');
    await isFollowing(page);
    await ada.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: projectId,
      u: grace.id,
    });
    await isShown(page, 'one', 'status === "ended"');
    expect((await shown(page, 'one'))!.end).toBe('lost');
    await holds(page, 'page.heard.ends.length > 0');
    expect(await page.evaluate('page.heard.ends[0].reason')).toBe('lost');
    const left = (await shown(page, 'one'))!;
    expect([left.heading, left.rows]).toEqual(['', []]);
  });

  it('hides and restores guarded fields with the role', async () => {
    await call(page, 'show', [{ name: 'one', id: projectId, fields: 'budget' }]);
    await call(page, 'follow', projectId, 'budget');
    await isShown(page, 'one', 'status === "live" && budget === "1200"');
    await isFollowing(page);
    await addMember(ada, projectId, grace, 'VIEWER');
    await isShown(page, 'one', 'budget === "" && refused.length === 1');
    await holds(page, 'page.heard.access.length > 0');
    expect(await page.evaluate('page.heard.access[0]')).toMatchObject({ projectId, role: 'VIEWER' });
    expect(await call(page, 'cache')).not.toContain('1200');
    await addMember(ada, projectId, grace, 'EDITOR');
    await isShown(page, 'one', 'budget === "1200" && refused.length === 0');
  });

  it('adds gained projects to the list and removes lost ones', async () => {
    await call(page, 'show', [{ name: 'list' }]);
    await isShown(page, 'list', 'status === "live" && rows.length === 1');
    const { id } = await createProject(ada, { name: 'Gemini' });
    await addMember(ada, id, grace, 'VIEWER');
    await isShown(page, 'list', 'rows.length === 2');
    expect((await shown(page, 'list'))!.rows).toEqual(['Gemini', 'Apollo']);
    await ada.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: projectId,
      u: grace.id,
    });
    await isShown(page, 'list', 'rows.length === 1');
    expect(await shown(page, 'list')).toMatchObject({ status: 'live', rows: ['Gemini'] });
  });

  it('removes a lost project behind the first page', async () => {
    for (let at = 0; at < 52; at += 1) {
      const { id } = await createProject(ada, { name: `Project ${at}` });
      await addMember(ada, id, grace, 'VIEWER');
    }
    await call(page, 'show', [{ name: 'list' }]);
    await isShown(page, 'list', 'status === "live" && rows.length === 50');
    // Apollo is the oldest, and comes with the second page.
    await call(page, 'moreProjects');
    await isShown(page, 'list', 'rows.length === 53 && rows[52] === "Apollo"');
    await ada.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: projectId,
      u: grace.id,
    });
    await isShown(page, 'list', 'rows.length === 52');
    expect((await shown(page, 'list'))!.rows).not.toContain('Apollo');
  });

  it('applies a lowered account role to all projects', async () => {
    const root = await stage.current.tidings.asUser('ADMIN', 'Root');
    await call(page, 'show', [{ name: 'one', id: projectId, fields: 'budget' }]);
    await call(page, 'follow', projectId);
    await isShown(page, 'one', 'status === "live" && budget === "1200"');
    await isFollowing(page);
    await root.data('mutation ($u: ID!) { setUserRole(userId: $u, role: USER) { id } }', { u: grace.id });
    await isShown(page, 'one', 'budget === "" && refused.length === 1');
    await holds(page, 'page.heard.access.length > 0');
    expect(await page.evaluate('page.heard.access[0]')).toMatchObject({ projectId: null });
  });
});
