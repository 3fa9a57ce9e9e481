// X-Tidings-Account: a page names the account that it shows. A request with credentials of another account, after a
// sign-in in another tab, is refused as a whole.
import { Role } from '../src/engine/access/role.js';
import { AccessTokens } from '../src/engine/sessions/access-tokens.js';
import { SESSION_COOKIES, type Page, usePages } from './support/page.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';

const ACCOUNT = 'x-tidings-account';
const ME = '{ me { id } }';
const LOGOUT = 'mutation { logout }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { session { id } } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
const OTHER = { code: 'UNAUTHENTICATED', reason: 'OTHER_ACCOUNT' };

const tidings = useTidings();
const { signedIn, login, sessionRow, lastAudit, auditSince, page } = usePages(tidings);
let ada: Person;
let grace: Person;
beforeAll(async () => {
  ada = await tidings.current.asUser('EDITOR', 'Ada');
  grace = await tidings.current.asUser('USER', 'Grace');
});
const untouched = { generation: 1, ended_at: null };
const refusalOf = (reply: { data?: unknown; errors?: readonly { extensions: object }[] | undefined }) => [
  reply.data,
  reply.errors?.map(({ extensions }) => extensions),
];

describe('X-Tidings-Account of the signed-in account', () => {
  it('is accepted for queries, refresh and sign-out', async () => {
    const own = await signedIn(ada);
    const shows = { [ACCOUNT]: ada.id };
    expect((await own.send(ME, {}, shows)).data).toEqual({ me: { id: ada.id } });
    expect((await own.send(ME, {}, { [ACCOUNT]: ada.id.toUpperCase() })).data).toEqual({ me: { id: ada.id } });
    expect((await own.send(REFRESH, {}, shows)).data.refresh.session.id).toBe(own.session);
    expect((await own.send(LOGOUT, {}, shows)).data).toEqual({ logout: true });
    expect(own.jar.size).toBe(0);
  });

  it('is allowed by CORS', async () => {
    const response = await fetch(`${tidings.current.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin: tidings.current.url,
        'access-control-request-method': 'POST',
        'access-control-request-headers': `content-type,${ACCOUNT}`,
      },
    });
    expect(response.headers.get('access-control-allow-headers')).toContain(ACCOUNT);
  });
});

describe('X-Tidings-Account of another account than that of the cookies', () => {
  let own: Page & { session: string };
  beforeEach(async () => {
    own = await signedIn(grace);
  });
  /** What was answered, set and changed by these operations. */
  const outcomesOf = async (documents: readonly (readonly [string, object?])[]) => {
    const since = await lastAudit();
    const kept = new Map(own.jar);
    const replies = [];
    for (const [document, variables] of documents) {
      const reply = await own.send(document, { ...variables }, { [ACCOUNT]: ada.id });
      replies.push([...refusalOf(reply), reply.set]);
    }
    expect(own.jar).toEqual(kept);
    expect(await sessionRow(own.session)).toMatchObject(untouched);
    expect(await auditSince(since)).toEqual([]);
    return replies;
  };
  const refused = [undefined, [OTHER], []];

  it('is refused without changes for queries, refresh, sign-out and sign-in, and keeps the cookies', async () => {
    const outcomes = await outcomesOf([[ME], ['{ __typename }'], [REFRESH], [LOGOUT], [LOGIN, login()]]);
    expect(outcomes).toEqual(Array.from({ length: 5 }, () => refused));
  });

  it('is refused with an expired access token as well, without asking for a refresh', async () => {
    const { token } = tidings.current.app
      .get(AccessTokens)
      .issue(grace.id, own.session, Role.USER, new Date(Date.now() - 60_000));
    own.jar.set(SESSION_COOKIES[0]!, token);
    expect(await outcomesOf([[ME], [REFRESH], [LOGOUT]])).toEqual([refused, refused, refused]);
  });

  it('is refused with the refresh token alone', async () => {
    own.jar.delete(SESSION_COOKIES[0]!);
    for (const [document, variables] of [[REFRESH], [LOGOUT], [LOGIN, login()]] as const) {
      const reply = await own.send(document, { ...variables }, { [ACCOUNT]: ada.id });
      expect(reply.errors?.map(({ extensions }) => extensions)).toEqual([OTHER]);
      expect(reply.set).toEqual([]);
    }
    expect(await sessionRow(own.session)).toMatchObject(untouched);
  });

  it('keeps the cookies when a sign-out is refused by a limit first', async () => {
    own.jar.delete(SESSION_COOKIES[0]!);
    for (const t of ['x'.repeat(5_000), 'none']) {
      const reply = await own.send('mutation ($t: String) { logout(refreshToken: $t) }', { t }, { [ACCOUNT]: ada.id });
      expect([reply.errors?.length, reply.set]).toEqual([1, []]);
    }
    expect(own.jar.size).toBe(1);
  });

  it.each(['', 'nobody', '*'])('is refused with the value %j', async (account) => {
    const headers = { ...own.headers, [ACCOUNT]: account, 'content-type': 'application/json' };
    const body = JSON.stringify({ query: ME });
    const reply = await fetch(`${own.url}/graphql`, { method: 'POST', headers, body });
    expect(await reply.json()).toEqual({ errors: [expect.objectContaining({ extensions: OTHER })] });
  });

  it('closes a socket with 4401 and the reason', async () => {
    const socket = await own.connect({ [ACCOUNT]: ada.id });
    expect(await socket.closed).toEqual({ code: 4401, reason: 'OTHER_ACCOUNT' });
    await (await own.socket({ [ACCOUNT]: grace.id })).close();
  });
});

describe('X-Tidings-Account of another account than that of the tokens', () => {
  it('is refused over HTTP, with the access token and with the refresh token', async () => {
    expect(refusalOf(await grace.send(ME, {}, { [ACCOUNT]: ada.id }))).toEqual([undefined, [OTHER]]);
    const visitor = tidings.current.anonymous;
    for (const document of [REFRESH, 'mutation ($t: String) { logout(refreshToken: $t) }']) {
      const reply = await visitor.send(document, { t: grace.refreshToken }, { [ACCOUNT]: ada.id });
      expect(reply.errors?.map(({ extensions }) => extensions)).toEqual([OTHER]);
    }
    expect(await sessionRow(grace.sessionId)).toMatchObject(untouched);
  });

  it.each(['X-Tidings-Account', 'X-TIDINGS-ACCOUNT'])(
    'closes a socket with 4401 as well when spelled %s',
    async (name) => {
      const authorization = `Bearer ${grace.accessToken}`;
      for (const said of [{ [name]: ada.id }, { [name]: ada.id, [ACCOUNT]: grace.id }, { [name]: [grace.id] }]) {
        const socket = await RawSocket.open(tidings.current.url);
        socket.send({ type: 'connection_init', payload: { authorization, ...said } });
        expect(await socket.closed).toEqual({ code: 4401, reason: 'OTHER_ACCOUNT' });
      }
      const socket = await RawSocket.open(tidings.current.url);
      socket.send({ type: 'connection_init', payload: { authorization, [name]: grace.id } });
      await socket.next('connection_ack');
      await socket.close();
    },
  );

  it('closes a socket with 4401, with an expired token as well', async () => {
    const expired = tidings.current.app
      .get(AccessTokens)
      .issue(grace.id, grace.sessionId, Role.USER, new Date(Date.now() - 60_000)).token;
    for (const token of [grace.accessToken!, expired]) {
      const socket = await RawSocket.open(tidings.current.url);
      socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}`, [ACCOUNT]: ada.id } });
      expect(await socket.closed).toEqual({ code: 4401, reason: 'OTHER_ACCOUNT' });
    }
  });
});

describe('X-Tidings-Account without credentials', () => {
  it('is accepted as anonymous and may sign in', async () => {
    const visitor = page();
    expect((await visitor.send(ME, {}, { [ACCOUNT]: ada.id })).errors?.[0]?.extensions).toEqual({
      code: 'UNAUTHENTICATED',
    });
    expect((await visitor.send(LOGIN, login(), { [ACCOUNT]: ada.id })).errors).toBeUndefined();
  });
});
