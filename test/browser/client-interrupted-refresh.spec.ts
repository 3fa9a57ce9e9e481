// `@tidings/client` in a page that is left while it renews the token: where the service takes any older token for theft, at once.
import { until } from '../support/wait.js';
import { ask, expired, holds, REFRESH, SHORT_TOKENS, signedIn, signIn, useClientStage } from './client-stage.js';

const ME = '{ me { id } }';
const stage = useClientStage({ env: { ...SHORT_TOKENS, REFRESH_REUSE_WINDOW: '0' } });

it('a refresh interrupted by leaving the page is not judged theft', async () => {
  const ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  const me = { me: { id: ada.id } };
  const [one, other] = [await stage.current.tab(), await stage.current.tab()];
  await signIn(one, ada);
  await signedIn(other);
  await expired(one);
  const fault = stage.current.front.next('hold', REFRESH);
  // The page will not be there to answer.
  ask(one, ME).catch(() => {});
  await fault.met;
  await one.goto('about:blank');
  const cookies = async () => JSON.stringify(await stage.current.profile.cookies(stage.current.service));
  const before = await cookies();
  fault.release();
  await until(async () => (await cookies()) !== before, 'what came for the page that has gone was kept');
  await expired(other);
  expect((await ask(other, ME)).data).toEqual(me);
  await one.goto(stage.current.address());
  await holds(one, 'page.tidings.session.get().status === "signed-in"');
  expect((await ask(one, ME)).data).toEqual(me);
  expect(await stage.current.sessionOf(ada)).toMatchObject({ ended_at: null });
});
