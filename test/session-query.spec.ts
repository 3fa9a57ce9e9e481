// `session`: the first query of a reloaded page, about the session of its request.
import { usePages } from './support/page.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';

const SESSION = '{ session { id kind transport current accessTokenExpiresAt now user { id name email } } }';

const tidings = useTidings();
const { signedIn, sessionRow } = usePages(tidings);
let ada: Person;
beforeAll(async () => {
  ada = await tidings.current.asUser('USER', 'Ada');
});

const inSeconds = (time: string) => (Date.parse(time) - Date.now()) / 1000;

describe('session', () => {
  it('returns the account and the refresh time to a page with cookies, without rotation', async () => {
    const page = await signedIn(ada);
    const { data, set } = await page.send(SESSION);
    expect(data.session).toEqual({
      id: page.session,
      kind: 'PERSON',
      transport: 'COOKIE',
      current: true,
      accessTokenExpiresAt: expect.any(String),
      now: expect.any(String),
      user: { id: ada.id, name: 'Ada', email: ada.email },
    });
    expect(Math.abs(inSeconds(data.session.now))).toBeLessThan(5);
    expect(inSeconds(data.session.accessTokenExpiresAt)).toBeGreaterThan(60);
    expect(set).toEqual([]);
    expect(await sessionRow(page.session)).toMatchObject({ generation: 1 });
  });

  it('describes the token of a socket', async () => {
    const watch = ada.socket().subscribe(SESSION);
    const { session } = (await watch.next()).data;
    expect(session).toMatchObject({ id: ada.sessionId, transport: 'BODY', current: true });
    expect(session.accessTokenExpiresAt).toBe((await ada.data(SESSION)).session.accessTokenExpiresAt);
  });

  it('takes one statement for the session and one for the account', async () => {
    expect(await fewestStatementsOf(() => ada.data('{ session { id now } }'))).toHaveLength(1);
    expect(await fewestStatementsOf(() => ada.data(SESSION))).toHaveLength(2);
  });
});

describe('other sessions of the account', () => {
  it('hide the expiry of their access tokens', async () => {
    const other = await tidings.current.signIn(ada.id, ada.email);
    const { sessions } = await ada.data('{ sessions { id kind accessTokenExpiresAt user { id } } }');
    expect(sessions).toContainEqual({
      id: other.sessionId,
      kind: 'PERSON',
      accessTokenExpiresAt: null,
      user: { id: ada.id },
    });
    expect(sessions.find(({ id }: { id: string }) => id === ada.sessionId).accessTokenExpiresAt).toEqual(
      expect.any(String),
    );
  });
});
