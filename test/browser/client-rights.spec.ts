// `@tidings/client` with React and Apollo Client in a real Chromium: the screen follows what the account may see, without a reload.
import type { Page } from 'playwright-core';
import { addMember, createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { call, holds, isFollowing, isShown, shown, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage();

let ada: Person;
let grace: Person;
let projectId = '';
let page: Page;

beforeEach(async () => {
  const { tidings } = stage.current;
  [ada, grace] = [await tidings.asUser('EDITOR', 'Ada'), await tidings.asUser('EDITOR', 'Grace')];
  projectId = (await createProject(ada, { name: 'Apollo', budget: 1200 })).id;
  await addMember(ada, projectId, grace, 'EDITOR');
  page = await stage.current.tab();
});

describe('a VIEWER whose document asks for the budget', () => {
  it('is shown everything else, and which field was refused', async () => {
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

describe('while somebody looks', () => {
  beforeEach(() => signIn(page, grace));

  it('a membership that ends takes the project from the screen, and says why', async () => {
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

  it('a role that is lowered takes the fields with it, and gives them back', async () => {
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

  it('projects that are gained and lost come into the list and leave it', async () => {
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

  it('a project that is lost behind the first page leaves the list too', async () => {
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

  it('an account whose role is lowered is shown less in all its projects', async () => {
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
