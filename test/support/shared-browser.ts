// A model of one browser with the tabs of two accounts, whose requests are reordered and whose replies are delayed or
// lost, and the expected result of each request.
import { deepStrictEqual, equal, ok } from 'node:assert/strict';
import { parseSetCookie, type SetCookie } from 'cookie';
import * as fc from 'fast-check';
import { Role } from '../../src/engine/access/role.js';
import { AccessTokens } from '../../src/engine/sessions/access-tokens.js';
import { SessionService } from '../../src/engine/sessions/session.service.js';
import { GraphqlClient, type Reply } from './graphql-client.js';
import { SESSION_COOKIES } from './page.js';
import { RawSocket } from './socket-client.js';
import { PASSWORD, type Person, type TestTidings } from './tidings.js';

const ACCOUNT = 'x-tidings-account';
const OTHER = { code: 'UNAUTHENTICATED', reason: 'OTHER_ACCOUNT' };
const AUTH = '{ user { id } session { id } }';
const DOCUMENTS = {
  me: '{ me { id } }',
  refresh: `mutation { refresh ${AUTH} }`,
  login: `mutation ($input: LoginInput!) { login(input: $input) ${AUTH} }`,
  logout: 'mutation ($t: String) { logout(refreshToken: $t) }',
  changePassword: `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) ${AUTH} }`,
  logoutEverywhere: 'mutation { logoutEverywhere }',
} as const;
type Act = keyof typeof DOCUMENTS;
const ACTS = Object.keys(DOCUMENTS) as Act[];
/** Only these end sessions, and only sessions of the account whose cookies they carry. */
const ENDING: ReadonlySet<Act> = new Set(['login', 'logout', 'changePassword', 'logoutEverywhere']);

/** Operations that read the refresh token. */
const LOOKING: ReadonlySet<Act> = new Set(['login', 'logout', 'refresh']);

type Jar = ReadonlyMap<string, string>;
/** Owner of the cookies according to their tokens. */
interface Owner {
  readonly account: string | undefined;
  readonly session: string | undefined;
  /** Account and expiry (ms since the epoch) of the access token, if present. */
  readonly access: { readonly account: string; readonly expiresAt: number } | undefined;
}

export type Step =
  | { readonly step: 'send'; readonly tab: number; readonly act: Act; readonly person: number }
  | { readonly step: 'arrive' | 'answer' | 'lose'; readonly which: number }
  | { readonly step: 'connect' | 'reload'; readonly tab: number }
  | { readonly step: 'expire' | 'evict' }
  | { readonly step: 'end elsewhere'; readonly person: number };

const which = fc.nat({ max: 5 });
const tab = fc.nat({ max: 2 });
const whose = fc.nat({ max: 1 });
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        step: fc.constant('send' as const),
        tab,
        act: fc.constantFrom(...ACTS, 'refresh' as const, 'refresh' as const, 'login' as const),
        person: whose,
      }),
    },
    { weight: 9, arbitrary: fc.record({ step: fc.constantFrom('arrive' as const, 'answer' as const), which }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('lose' as const), which }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constantFrom('connect' as const, 'reload' as const), tab }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constantFrom('expire' as const, 'evict' as const) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('end elsewhere' as const), person: whose }) },
  ),
  { minLength: 8, maxLength: 40 },
);

interface Sent {
  readonly tab: number;
  readonly act: Act;
  readonly person: number;
  /** The cookies when the request was sent. */
  readonly jar: Jar;
  readonly shown: string | undefined;
  reply?: Reply;
}

type States = ReadonlyMap<string, { readonly account: string; readonly generation: number; readonly ended: boolean }>;
const textOf = (jar: Jar) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

interface Opened {
  readonly user: { readonly id: string };
  readonly session: { readonly id: string };
}

/** The first two tabs send the account header; the third is a client without it. */
export class SharedBrowser {
  /** Requests answered and verified so far. */
  answered = 0;
  private jar: Jar = new Map();
  private readonly shown: (string | undefined)[] = [undefined, undefined, undefined];
  private readonly sent: Sent[] = [];
  private readonly arrived: Sent[] = [];
  private readonly client: GraphqlClient;
  /** Session id → account id. */
  private readonly owners = new Map<string, string>();

  /** `since`: a session id; older sessions are ignored. */
  constructor(
    private readonly tidings: TestTidings,
    private readonly people: readonly Person[],
    private readonly since: string,
  ) {
    this.client = new GraphqlClient(tidings.url);
  }

  async take(step: Step): Promise<void> {
    switch (step.step) {
      case 'send':
        this.sent.push({ ...step, jar: this.jar, shown: this.shown[step.tab] });
        break;
      case 'arrive':
        await this.arrive(step.which);
        break;
      case 'answer':
        this.answer(step.which);
        break;
      case 'lose':
        this.arrived.splice(step.which % Math.max(1, this.arrived.length), 1);
        break;
      case 'connect':
        await this.connect(step.tab);
        break;
      case 'reload':
        this.shown[step.tab] = undefined;
        break;
      case 'expire':
        this.expire();
        break;
      case 'evict':
        this.jar = new Map([...this.jar].filter(([name]) => name !== SESSION_COOKIES[0]));
        break;
      case 'end elsewhere':
        await this.tidings.app.get(SessionService).endAll(this.people[step.person]!.id, undefined, 'PASSWORD_RESET');
    }
  }

  /** Delivers all pending requests and replies. */
  async settle(): Promise<void> {
    while (this.sent.length > 0) await this.arrive(0);
    while (this.arrived.length > 0) this.answer(0);
  }

  private expire(): void {
    const { account, session } = this.ownerOf(this.jar);
    if (!account || !session) return;
    const { token } = this.tidings.app
      .get(AccessTokens)
      .issue(account, session, Role.USER, new Date(Date.now() - 60_000));
    this.jar = new Map([...this.jar, [SESSION_COOKIES[0]!, token]]);
  }

  /** Delivers a request to the service and verifies the reply. */
  private async arrive(at: number): Promise<void> {
    const [sent] = this.sent.splice(at % Math.max(1, this.sent.length), 1);
    if (!sent) return;
    const before = await this.states();
    // A refresh token two rotations old counts as stolen by design (test/refresh.spec.ts), even if other tabs merely
    // overtook the request. Such requests are lost here.
    if (LOOKING.has(sent.act) && this.rotationsSince(sent, before) > 1) return;
    sent.reply = await this.client.send(DOCUMENTS[sent.act], { input: this.inputOf(sent) }, this.headersOf(sent));
    this.judge(sent, sent.reply, before, await this.states());
    this.answered += 1;
    this.arrived.push(sent);
  }

  private rotationsSince({ jar }: Sent, states: States): number {
    const [, session = '', generation] = (jar.get(SESSION_COOKIES[1]!) ?? '').split('.');
    return (states.get(session)?.generation ?? 0) - Number(generation ?? 0);
  }

  /** Delivers a reply to the browser. */
  private answer(at: number): void {
    const [sent] = this.arrived.splice(at % Math.max(1, this.arrived.length), 1);
    if (!sent?.reply) return;
    const jar = new Map(this.jar);
    for (const { name, value, maxAge } of this.cookiesOf(sent.reply)) {
      if (maxAge === 0) jar.delete(name);
      else jar.set(name, value ?? '');
    }
    this.jar = jar;
    if (sent.tab === 2) return;
    const { data, errors } = sent.reply;
    const opened = data?.[sent.act]?.user?.id as string | undefined;
    if (opened) this.shown[sent.tab] = opened;
    else if (errors?.[0]?.extensions['reason'] === OTHER.reason) this.shown[sent.tab] = undefined;
  }

  private async connect(at: number): Promise<void> {
    const shown = this.shown[at];
    const { access, session } = this.ownerOf(this.jar);
    const lives = (await this.states()).get(session ?? '')?.ended === false;
    const socket = await RawSocket.open(this.tidings.url, {
      origin: this.tidings.url,
      ...(this.jar.size > 0 ? { cookie: textOf(this.jar) } : {}),
    });
    socket.send({ type: 'connection_init', payload: shown ? { [ACCOUNT]: shown } : {} });
    socket.send({ type: 'ping' });
    if (access && lives && access.expiresAt > Date.now() && (!shown || shown === access.account)) {
      equal((await socket.next('connection_ack')).payload.accountId, access.account);
      await socket.close();
      return;
    }
    const { code, reason } = await socket.closed;
    if (access && shown && shown !== access.account) deepStrictEqual([code, reason], [4401, OTHER.reason]);
    else ok(code === 4401 || code === 4403);
    deepStrictEqual(
      socket.messages.filter((message) => message.type !== 'pong' || message.payload),
      [],
    );
  }

  /** Fails unless reply and sessions are what the request's cookies and account header allow. */
  private judge(sent: Sent, { data, errors }: Reply, before: States, after: States): void {
    const { act, shown, jar } = sent;
    const { account, session, access } = this.ownerOf(jar);
    const set = this.cookiesOf(sent.reply!);
    const ended = [...after].filter(([id, { ended: isEnded }]) => isEnded && before.get(id)?.ended === false);
    const rotated = [...after].filter(
      ([id, { generation }]) => (before.get(id)?.generation ?? generation) !== generation,
    );
    const codes = errors?.map(({ extensions }) => extensions);
    const lives = before.get(session ?? '')?.ended === false;
    const context = JSON.stringify({ act, shown, account, access, lives, codes, data });
    const check = (value: unknown, wanted: unknown) =>
      deepStrictEqual({ value, of: context }, { value: wanted, of: context });

    check(codes?.some(({ code }) => code === 'REFRESH_TOKEN_REUSED') ?? false, false);
    // A request may end, rotate or clear only the session of its own cookies.
    if (!ENDING.has(act)) check(ended, []);
    check(
      ended.filter(([, row]) => row.account !== account),
      [],
    );
    check(
      rotated.filter(([id]) => act !== 'refresh' || id !== session),
      [],
    );
    if (shown !== undefined && account !== undefined && shown !== account) {
      // Without an access token, only operations that read the refresh token can identify the account.
      const tells = access !== undefined || LOOKING.has(act);
      check(codes, [tells ? OTHER : { code: 'UNAUTHENTICATED' }]);
      check([set, ended, rotated], [[], [], []]);
      return;
    }
    const isAccepted = lives && access !== undefined && access.expiresAt > Date.now();
    const names = set.map(({ name, maxAge }) => [name, maxAge === 0]);
    const [kept, cleared] = [SESSION_COOKIES.map((name) => [name, false]), SESSION_COOKIES.map((name) => [name, true])];
    switch (act) {
      case 'me':
        check([data?.me?.id, names], [isAccepted ? account : undefined, []]);
        break;
      case 'refresh':
        // Succeeds as long as the session lives, regardless of refreshes by other tabs and of lost replies.
        check([data?.refresh?.session.id, names], lives ? [session, kept] : [undefined, []]);
        break;
      case 'login':
        check([data?.login?.user.id, names], [this.people[sent.person]!.id, kept]);
        break;
      case 'logout':
        check(data?.logout, lives ? true : undefined);
        // Cookies are not cleared if their owner is unknown.
        check(names, jar.size === 0 || (!lives && shown !== undefined && !access) ? [] : cleared);
        break;
      case 'changePassword':
        check([data?.changePassword?.user.id, names], isAccepted ? [account, kept] : [undefined, []]);
        break;
      case 'logoutEverywhere':
        check([data !== undefined && data !== null, names], [isAccepted, isAccepted ? cleared : []]);
    }
  }

  private async states(): Promise<States> {
    const rows = await this.tidings.database.query<{
      id: string;
      account: string;
      generation: number;
      ended: boolean;
    }>(`select id, account_id as account, generation, ended_at is not null as ended from session where id::text > $1`, [
      this.since,
    ]);
    return new Map(rows.map(({ id, ...row }) => [id, row]));
  }

  private ownerOf(jar: Jar): Owner {
    const [accessToken, refreshToken] = SESSION_COOKIES.map((name) => jar.get(name));
    const session = refreshToken?.split('.')[1];
    const claims = accessToken && JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString());
    const access = claims && { account: claims.sub as string, expiresAt: claims.exp * 1000 };
    return { session, account: access?.account ?? this.owners.get(session ?? ''), access };
  }

  /** The cookies set by a reply. Records the owner of the session in its payload. */
  private cookiesOf({ headers, data }: Reply): readonly SetCookie[] {
    for (const payload of Object.values((data ?? {}) as Record<string, Opened | null | boolean>)) {
      if (payload && typeof payload === 'object' && 'session' in payload)
        this.owners.set(payload.session.id, payload.user.id);
    }
    // Array.from: Node's arrays have the prototype of another realm, which `deepStrictEqual` treats as unequal.
    return Array.from(headers.getSetCookie(), (line) => parseSetCookie(line));
  }

  private headersOf({ jar, shown }: Sent): Record<string, string> {
    return {
      origin: this.tidings.url,
      'x-tidings-csrf': '1',
      ...(jar.size > 0 ? { cookie: textOf(jar) } : {}),
      ...(shown ? { [ACCOUNT]: shown } : {}),
    };
  }

  private inputOf({ act, person }: Sent): Record<string, string> {
    return act === 'login'
      ? { email: this.people[person]!.email, password: PASSWORD, transport: 'COOKIE' }
      : { currentPassword: PASSWORD, newPassword: PASSWORD };
  }
}
