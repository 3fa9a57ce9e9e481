// `@tidings/client` in several tabs of a real Chromium: one refresh of the token, whatever becomes of the tabs and of the network.
import type { Page } from 'playwright-core';
import type { Person } from '../support/tidings.js';
import {
  ask,
  call,
  expectRenewedOnce,
  expired,
  freeze,
  holds,
  mostRenewals,
  REFRESH,
  SHORT_TOKENS,
  twoTabs,
  useClientStage,
} from './client-stage.js';

const ME = '{ me { id } }';
const stage = useClientStage({ env: SHORT_TOKENS });
let ada: Person;
let one: Page;
let other: Page;
/** Of the session, when its token has expired: a slow start has renewed it already. */
let generation: number;

beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  [one, other] = await twoTabs(stage.current, ada);
  await expired(one);
  stage.current.front.reset();
  ({ generation } = await stage.current.sessionOf(ada));
});

const me = () => ({ me: { id: ada.id } });
const expectSignedIn = async () => {
  expect(await stage.current.sessionOf(ada)).toMatchObject({ ended_at: null });
  for (const page of [one, other])
    expect(await page.evaluate('page.tidings.session.get()')).toMatchObject({ account: { id: ada.id } });
};

/** Begins a request in the first tab, whose refresh reaches the service; its reply waits. */
async function beginRefresh(): Promise<{ release(): void }> {
  const fault = stage.current.front.next('hold', REFRESH);
  // The page may not be there to answer.
  ask(one, ME).catch(() => {});
  await fault.met;
  return fault;
}

describe('two tabs with an expired token', () => {
  it('refresh once and both are answered', async () => {
    const answers = await Promise.all([ask(one, ME), ask(other, ME)]);
    for (const { data } of answers) expect(data).toEqual(me());
    await expectRenewedOnce(stage.current, ada, generation);
    expect(stage.current.front.count(REFRESH)).toBeLessThanOrEqual(mostRenewals(stage.current));
    await expectSignedIn();
  });

  it('are both answered when one refresh is lost', async () => {
    const fault = stage.current.front.next('swallow', REFRESH);
    const answers = await Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    for (const { data } of answers) expect(data).toEqual(me());
    await expectRenewedOnce(stage.current, ada, generation);
    await expectSignedIn();
  });

  it('stay signed in when a refresh reply is lost', async () => {
    const fault = stage.current.front.next('lose', REFRESH);
    const answers = Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    expect((await answers).filter(({ data }) => data)).not.toEqual([]);
    for (const page of [one, other]) expect(await ask(page, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('can sign out while a refresh is lost', async () => {
    const fault = stage.current.front.next('swallow', REFRESH);
    const waiting = Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    await call(one, 'tidings.signOut');
    for (const page of [one, other]) await holds(page, 'page.tidings.session.get().status === "signed-out"');
    for (const { data, code } of await waiting) expect([data, code]).toEqual([undefined, 'UNAUTHENTICATED']);
    expect((await stage.current.sessionOf(ada)).ended_at).not.toBeNull();
  });
});

describe('a refreshing tab', () => {
  it('that is frozen does not block others', async () => {
    const fault = await beginRefresh();
    const thaw = await freeze(one);
    const answer = await ask(other, ME);
    expect(answer).toMatchObject({ data: me() });
    fault.release();
    await thaw();
    expect(await ask(one, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('that is frozen does not block others when the next in line is frozen too', async () => {
    const third = await stage.current.tab();
    await expired(third);
    const fault = await beginRefresh();
    ask(other, ME).catch(() => {});
    const thaws = [await freeze(one), await freeze(other)];
    fault.release();
    const answer = await ask(third, ME);
    expect(answer).toMatchObject({ data: me() });
    for (const thaw of thaws) await thaw();
    for (const page of [one, other]) expect(await ask(page, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('that crashes does not block others', async () => {
    const fault = await beginRefresh();
    const crashed = one.waitForEvent('crash');
    const cdp = await stage.current.profile.newCDPSession(one);
    cdp.send('Page.crash').catch(() => {});
    await crashed;
    const answer = await ask(other, ME);
    fault.release();
    expect(answer).toMatchObject({ data: me() });
    expect(await stage.current.sessionOf(ada)).toMatchObject({ ended_at: null });
  });
});
