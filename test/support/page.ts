// A simulated browser page: it has an origin, sends the CSRF header of our pages, and stores and sends cookies.
import { parseSetCookie, type SetCookie } from 'cookie';
import { WebSocket } from 'ws';
import { GraphqlClient, type Reply } from './graphql-client.js';
import { RawSocket } from './socket-client.js';
import { PASSWORD, type Person, type TestTidings } from './tidings.js';

const CSRF = { 'x-tidings-csrf': '1' };

export interface PageReply extends Reply {
  /** Parsed Set-Cookie headers, in order. */
  readonly set: readonly SetCookie[];
  readonly code: string | undefined;
}

export class Page {
  /** The stored cookies: name → value. */
  readonly jar = new Map<string, string>();
  private readonly client: GraphqlClient;

  constructor(
    readonly url: string,
    readonly origin = url,
  ) {
    this.client = new GraphqlClient(url);
  }

  /** Value of the `Cookie` header. */
  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Headers of a WebSocket upgrade from this page. */
  get upgrade(): Record<string, string> {
    return { origin: this.origin, ...(this.jar.size > 0 ? { cookie: this.cookie } : {}) };
  }

  /** Headers of an HTTP request from this page. */
  get headers(): Record<string, string> {
    return { ...this.upgrade, ...CSRF };
  }

  /** Sends an operation. `headers` override the page's own; an empty value removes a header. */
  async send(
    query: string,
    variables?: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<PageReply> {
    const all = Object.entries({ ...this.headers, ...headers }).filter(([, value]) => value !== '');
    const reply = await this.client.send(query, variables, Object.fromEntries(all));
    const set = reply.headers.getSetCookie().map((line) => parseSetCookie(line));
    for (const { name, value, maxAge } of set) {
      if (maxAge === 0) this.jar.delete(name);
      else this.jar.set(name, value ?? '');
    }
    return { ...reply, set, code: reply.errors?.[0]?.extensions.code };
  }

  /** Stores the tokens as session cookies, as a sign-in would. */
  setSessionCookies(...tokens: readonly [accessToken: string, refreshToken: string]): void {
    for (const [at, token] of tokens.entries()) this.jar.set(SESSION_COOKIES[at]!, token);
  }

  /** Signs in with cookies; returns the session id. */
  async login(email: string): Promise<string> {
    const mutation = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
    const input = { email, password: PASSWORD, transport: 'COOKIE' };
    const { data, errors } = await this.send(mutation, { input });
    if (errors) throw new Error(`The sign-in failed: ${JSON.stringify(errors)}`);
    return data.login.session.id;
  }

  /** Opens a socket and sends `connection_init`. */
  async connect(payload?: Record<string, unknown>): Promise<RawSocket> {
    const socket = await RawSocket.open(this.url, this.upgrade);
    socket.send({ type: 'connection_init', ...(payload ? { payload } : {}) });
    return socket;
  }

  /** Opens a socket and waits for `connection_ack`. */
  async socket(payload?: Record<string, unknown>): Promise<RawSocket> {
    const socket = await this.connect(payload);
    await socket.next('connection_ack');
    return socket;
  }
}

/** Fixtures of the cookie tests: an account, pages signed in with cookies, and queries of their sessions. */
export function usePages(tidings: { readonly current: TestTidings }) {
  let ada: Person;
  beforeAll(async () => {
    ada = await tidings.current.asUser('EDITOR');
  });
  const query = (sql: string, parameters: unknown[] = []) =>
    tidings.current.database.query<Record<string, string>>(sql, parameters);
  const page = () => new Page(tidings.current.url);
  /** A page with a new session in cookies. */
  const signedIn = async ({ id, email } = ada): Promise<Page & { session: string }> => {
    const own = page();
    const { accessToken, refreshToken, sessionId } = await tidings.current.signIn(id, email, own.url, 'COOKIE');
    own.setSessionCookies(accessToken!, refreshToken);
    return Object.assign(own, { session: sessionId });
  };
  return {
    query,
    /** The account of most tests, signed in with tokens in the response body. */
    get ada() {
      return ada;
    },
    page,
    signedIn,
    /** Variables of `login`. */
    login: (more: Record<string, unknown> = {}) => ({
      input: { email: ada.email, password: PASSWORD, transport: 'COOKIE', ...more },
    }),
    sessionRow: async (id: string) => (await query('select * from session where id = $1', [id]))[0]!,
    lastAudit: async () => (await query(`select coalesce(max(id::text), '') as id from audit_entry`))[0]!['id']!,
    auditSince: (id: string) =>
      query('select action, outcome, details from audit_entry where id::text > $1 order by id', [id]),
  };
}

/** Authorization header with an access token. */
export const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });

/** A `WebSocket` class that sends the page's cookies and origin with the upgrade. */
export function webSocketOf(page: Page): new (url: string, protocol: string) => WebSocket {
  return class extends WebSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { headers: page.upgrade });
    }
  };
}

/** Names of the session cookies without TLS, in the order in which they are set. */
export const SESSION_COOKIES = ['tidings-access', 'tidings-refresh'];
/** Parsed Set-Cookie headers that delete the session cookies. */
export const CLEARED_COOKIES = SESSION_COOKIES.map((name) => {
  return { name, value: '', maxAge: 0, path: '/', httpOnly: true, sameSite: 'strict' };
});

/** Origins that differ from `own`, and an absent one. */
export const strangeOrigins = (own: string): readonly (readonly [what: string, origin: string])[] => [
  ['no origin', ''],
  ['the origin null', 'null'],
  ['a foreign origin', 'https://evil.example'],
  ['an origin that ends alike', own.replace('//', '//evil')],
  ['an origin that begins alike', `${own}.evil.example`],
  ['an origin that begins alike, without a dot', `${own}0`],
  ['a sibling subdomain', own.replace('//', '//sibling.')],
  ['another port', own.replace(/(:\d+)?$/, ':1')],
  ['another scheme', own.replace(/^https?/, (scheme) => (scheme === 'http' ? 'https' : 'http'))],
  ['a trailing slash', `${own}/`],
  ['capitals', own.toUpperCase()],
  ['two origins', `${own}, ${own}`],
  ['a wildcard', '*'],
];
