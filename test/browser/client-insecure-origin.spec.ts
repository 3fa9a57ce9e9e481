// `@tidings/client` in a real Chromium over plain HTTP in a local network: no secure context, so no locks and no `randomUUID`.
import type { Page } from 'playwright-core';
import { createProject } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import {
  ask,
  call,
  expectRenewedOnce,
  expired,
  isFollowing,
  SHORT_TOKENS,
  twoTabs,
  useClientStage,
} from './client-stage.js';

const stage = useClientStage({
  env: SHORT_TOKENS,
  hosts: ['app.tidings.example', 'api.tidings.example'],
  transport: 'body',
});
const ME = '{ me { id } }';

let ada: Person;
let one: Page;
let other: Page;
beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  [one, other] = await twoTabs(stage.current, ada);
});

it('two tabs with an expired token refresh once on an insecure origin', async () => {
  expect(await one.evaluate('[isSecureContext, typeof navigator.locks]')).toEqual([false, 'undefined']);
  for (const tabs of [
    [one, other],
    [other, one],
  ]) {
    await expired(one);
    stage.current.front.reset();
    const { generation } = await stage.current.sessionOf(ada);
    for (const { data } of await Promise.all(tabs.map((tab) => ask(tab, ME))))
      expect(data).toEqual({ me: { id: ada.id } });
    await expectRenewedOnce(stage.current, ada, generation);
  }
});

it('idempotency keys, events and sign-out across tabs work on an insecure origin', async () => {
  const { id } = await createProject(await stage.current.tidings.signIn(ada.id, ada.email));
  await call(other, 'follow', id);
  await isFollowing(other);
  const post = 'mutation Post($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';
  const lost = stage.current.front.next('lose', /mutation Post/);
  const { data } = await ask(one, post, { i: { projectId: id, title: 'Once', health: 'ON_TRACK' } });
  await lost.met;
  expect(data.postUpdate.id).toEqual(expect.any(String));
  await other.waitForFunction('page.heard.events.length > 0');
  expect(await other.evaluate('page.heard.events.map(({ kind }) => kind)')).toEqual(['UPDATE_POSTED']);
  await call(one, 'tidings.signOut');
  await other.waitForFunction('page.tidings.session.get().status === "signed-out"');
  expect((await stage.current.sessionOf(ada)).ended_at).not.toBeNull();
});
