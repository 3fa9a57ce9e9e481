// `@tidings/client` in two tabs of a real Chromium, of which one signs out or signs in as another account: nothing of the account
// before stays anywhere, whatever still arrives for it.
import type { Page } from 'playwright-core';
import { createProject, postUpdate } from '../support/factories.js';
import { PASSWORD, type Person } from '../support/tidings.js';
import { until } from '../support/wait.js';
import { ask, call, figure, holds, isShown, signedIn, signIn, twoTabs, useClientStage } from './client-stage.js';

const stage = useClientStage();
const ME = '{ me { id } }';

let ada: Person;
beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
});

describe('sessions across tabs', () => {
  let one: Page;
  let other: Page;
  let projectId = '';
  let grace: Person;

  beforeEach(async () => {
    grace = await stage.current.tidings.asUser('EDITOR', 'Grace');
    projectId = (await createProject(ada, { name: 'Secret of Ada' })).id;
    await postUpdate(ada, projectId, { title: 'Update of Ada' });
    [one, other] = await twoTabs(stage.current, ada);
    await call(other, 'show', [{ name: 'project', id: projectId }]);
    await isShown(other, 'project', 'status === "live" && rows[0] === "Update of Ada"');
    await other.fill('#draft', 'Draft of Ada');
    stage.current.front.reset();
  });

  /** Nothing of the account before is on the screen of the other tab, in its cache or in its drafts. */
  async function expectNothingLeft(): Promise<void> {
    const text = await other.evaluate<string>(
      'document.documentElement.outerHTML + document.querySelector("#draft").value',
    );
    const cache = await call<string>(other, 'cache');
    for (const what of ['Secret of Ada', 'Update of Ada', 'Draft of Ada']) {
      expect(text).not.toContain(what);
      expect(cache).not.toContain(what);
    }
  }

  it('signing out signs out all tabs and clears their screens', async () => {
    const began = performance.now();
    const out = call(one, 'tidings.signOut');
    await holds(other, 'document.querySelector("#badge").dataset.session === "signed-out"');
    figure('signed out in the other tab', performance.now() - began);
    await out;
    await expectNothingLeft();
    // A request that was made before the other page heard of it.
    expect(stage.current.front.seen.filter((body) => !body.includes('logout')).length).toBeLessThanOrEqual(1);
    expect((await stage.current.sessionOf(ada)).ended_at).not.toBeNull();
    await stage.current.tidings.watching(0);
  });

  it('signing in as another account switches all tabs', async () => {
    await signIn(one, grace);
    await holds(other, 'document.querySelector("#badge").dataset.account === "Grace"');
    await holds(other, 'page.shown("project")?.status === "ended"');
    await expectNothingLeft();
    expect((await ask(other, ME)).data).toEqual({ me: { id: grace.id } });
    expect((await ask(one, ME)).data).toEqual({ me: { id: grace.id } });
    expect(await stage.current.sessionOf(grace)).toMatchObject({ ended_at: null });
  });

  it('a tab that missed the switch detects it with its next request, which is refused', async () => {
    // Its socket would tell it.
    await call(other, 'show', []);
    await stage.current.tidings.watching(0);
    // A page of the same browser that uses another client: nothing tells the first one.
    const input = { email: grace.email, password: PASSWORD, transport: 'COOKIE' };
    const query = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
    const request = {
      method: 'POST',
      credentials: 'include',
      headers: { 'content-type': 'application/json', 'x-tidings-csrf': '1' },
    };
    const body = JSON.stringify({ query, variables: { input } });
    const url = `http://localhost:${stage.current.proxy.port}/graphql`;
    await one.evaluate(
      `fetch(${JSON.stringify(url)}, { ...${JSON.stringify(request)}, body: ${JSON.stringify(body)} }).then((r) => r.json())`,
    );
    const write =
      'mutation ($p: ID!) { postUpdate(input: { projectId: $p, title: "By whom?", health: ON_TRACK }) { id } }';
    const answer = await ask(other, write, { p: projectId });
    expect([answer.data, answer.code]).toEqual([undefined, 'UNAUTHENTICATED']);
    await holds(other, 'document.querySelector("#badge").dataset.account === "Grace"');
    await expectNothingLeft();
    const titles = await stage.current.tidings.database.query('select title from project_update');
    expect(titles).not.toContainEqual({ title: 'By whom?' });
  });
});

describe('a reply that arrives after signing out', () => {
  let page: Page;
  let projectId = '';
  beforeEach(async () => {
    projectId = (await createProject(ada, { name: 'Late' })).id;
    page = await stage.current.tab();
    await signIn(page, ada);
  });

  it('is discarded, and its query fails with SignedOut', async () => {
    const fault = stage.current.front.next('hold', /"query Project/);
    const answer = page.evaluate(
      `page.apollo.query({ query: page.gql(page.documents.project()), variables: { id: '${projectId}' } }).then(() => 'answered', (error) => error.name)`,
    );
    await fault.met;
    const out = call(page, 'tidings.signOut');
    await holds(page, 'page.tidings.session.get().status === "signed-out"');
    fault.release();
    await out;
    expect(await answer).not.toBe('answered');
    expect(await call(page, 'cache')).not.toContain('Late');
  });

  it('does not write into the cleared cache, nor does a mutation', async () => {
    await page.evaluate(
      `page.apollo.query({ query: page.gql(page.documents.project()), variables: { id: '${projectId}' } }).then(() => 1)`,
    );
    expect(await call(page, 'cache')).toContain('Late');
    const fault = stage.current.front.next('hold', /mutation Late/);
    const mutation = `mutation Late($id: ID!, $input: EditProjectInput!) { editProject(id: $id, input: $input) { id name } }`;
    const answer = page.evaluate(
      `page.apollo.mutate({ mutation: page.gql(${JSON.stringify(mutation)}), variables: { id: '${projectId}', input: { name: 'Later' } } }).then(() => 'answered', (error) => error.name)`,
    );
    await fault.met;
    const out = call(page, 'tidings.signOut');
    await holds(page, 'page.tidings.session.get().status === "signed-out"');
    fault.release();
    await out;
    expect(await answer).not.toBe('answered');
    // What was sent before has arrived, and whatever the client had to do with it is done.
    await ask(page, '{ __typename }');
    expect(JSON.parse(await call<string>(page, 'cache'))).toEqual({});
    const [row] = await stage.current.tidings.database.query('select name from project where id = $1', [projectId]);
    expect(row).toEqual({ name: 'Later' });
  });
});

describe('a reloaded page', () => {
  let page: Page;
  beforeEach(async () => {
    page = await stage.current.tab();
    await signIn(page, ada);
  });
  const session = () => page.evaluate('page.tidings.session.get()');

  it('is signed in without new tokens', async () => {
    await page.reload();
    await signedIn(page);
    expect(await session()).toMatchObject({ account: { id: ada.id } });
    expect(await stage.current.sessionOf(ada)).toMatchObject({ generation: 1, ended_at: null });
  });

  it('stays signed out while the service cannot be reached and completes the sign-out later', async () => {
    const { proxy, profile } = stage.current;
    proxy.answer503();
    proxy.cut();
    await call(page, 'tidings.signOut');
    await page.reload();
    await holds(page, 'page.tidings.session.get().status === "signed-out"');
    expect((await stage.current.sessionOf(ada)).ended_at).toBeNull();
    proxy.open();
    await until(async () => (await profile.cookies()).length === 0, 'the service had ended it');
    expect((await stage.current.sessionOf(ada)).ended_at).not.toBeNull();
    expect(await session()).toEqual({ status: 'signed-out', reason: 'signed-out' });
  });
});
