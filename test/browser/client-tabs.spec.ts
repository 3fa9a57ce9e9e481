// `@tidings/client` in several tabs of a real Chromium: one refresh of the token, whatever becomes of the tabs and of the network.
import type { Page } from 'playwright-core';
import type { Person } from '../support/tidings.js';
import {
  ask,
  call,
  expired,
  figure,
  freeze,
  holds,
  SHORT_TOKENS,
  signedIn,
  signIn,
  useClientStage,
} from './client-stage.js';

const ME = '{ me { id } }';
const REFRESH = /refresh\(/;
const stage = useClientStage({ env: SHORT_TOKENS });
let ada: Person;
let one: Page;
let other: Page;

beforeEach(async () => {
  ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  [one, other] = [await stage.current.tab(), await stage.current.tab()];
  await signIn(one, ada);
  await signedIn(other);
  await expired(one);
  stage.current.front.reset();
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

describe('two tabs whose token has expired', () => {
  it('renew it once, and both are answered', async () => {
    const answers = await Promise.all([ask(one, ME), ask(other, ME)]);
    for (const { data } of answers) expect(data).toEqual(me());
    expect(await stage.current.sessionOf(ada)).toMatchObject({ generation: 2 });
    expect(stage.current.front.count(REFRESH)).toBe(1);
    await expectSignedIn();
  });

  it('are both answered within 10 s if the refresh of one disappears on the way', async () => {
    const fault = stage.current.front.next('swallow', REFRESH);
    const answers = await Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    for (const { ms } of answers) figure('one refresh disappeared: answered', ms);
    for (const { data, ms } of answers) {
      expect(data).toEqual(me());
      expect(ms).toBeLessThan(10_000);
    }
    expect(await stage.current.sessionOf(ada)).toMatchObject({ generation: 2 });
    await expectSignedIn();
  });

  it('stay signed in if the reply to the refresh of one is lost', async () => {
    const fault = stage.current.front.next('lose', REFRESH);
    const answers = Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    expect((await answers).filter(({ data }) => data)).not.toEqual([]);
    for (const page of [one, other]) expect(await ask(page, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('can sign out while a refresh disappears on the way', async () => {
    const fault = stage.current.front.next('swallow', REFRESH);
    const waiting = Promise.all([ask(one, ME), ask(other, ME)]);
    await fault.met;
    const began = performance.now();
    await call(one, 'tidings.signOut');
    const took = performance.now() - began;
    figure('signed out while a refresh disappeared', took);
    expect(took).toBeLessThan(6_000);
    for (const page of [one, other]) await holds(page, 'page.tidings.session.get().status === "signed-out"', 2_000);
    for (const { data, code } of await waiting) expect([data, code]).toEqual([undefined, 'UNAUTHENTICATED']);
    expect((await stage.current.sessionOf(ada)).ended_at).not.toBeNull();
  });
});

describe('a tab that renews the token', () => {
  it('holds up no other when it is frozen meanwhile', async () => {
    const fault = await beginRefresh();
    const thaw = await freeze(one);
    const answer = await ask(other, ME);
    figure('lock holder frozen: the other tab was answered', answer.ms);
    expect(answer).toMatchObject({ data: me() });
    expect(answer.ms).toBeLessThan(6_000);
    fault.release();
    await thaw();
    expect(await ask(one, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('holds up no other when the next one in the queue is frozen too', async () => {
    const third = await stage.current.tab();
    await expired(third);
    const fault = await beginRefresh();
    ask(other, ME).catch(() => {});
    const thaws = [await freeze(one), await freeze(other)];
    fault.release();
    const answer = await ask(third, ME);
    figure('holder and next of the lock frozen: the third tab was answered', answer.ms);
    expect(answer).toMatchObject({ data: me() });
    expect(answer.ms).toBeLessThan(6_000);
    for (const thaw of thaws) await thaw();
    for (const page of [one, other]) expect(await ask(page, ME)).toMatchObject({ data: me() });
    await expectSignedIn();
  });

  it('holds up no other when it crashes meanwhile', async () => {
    const fault = await beginRefresh();
    const crashed = one.waitForEvent('crash');
    const cdp = await stage.current.profile.newCDPSession(one);
    cdp.send('Page.crash').catch(() => {});
    await crashed;
    const answer = await ask(other, ME);
    figure('lock holder crashed: the other tab was answered', answer.ms);
    fault.release();
    expect(answer).toMatchObject({ data: me() });
    expect(answer.ms).toBeLessThan(6_000);
    expect(await stage.current.sessionOf(ada)).toMatchObject({ ended_at: null });
  });
});
