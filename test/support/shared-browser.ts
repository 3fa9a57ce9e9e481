// One browser with the tabs of two accounts, whose requests overtake each other and whose replies come late or never; and what the service may
// answer each of them.
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
/** Acts that end sessions of the account whose cookies they carry; nothing else ends any. */
const ENDING: ReadonlySet<Act> = new Set(['login', 'logout', 'changePassword', 'logoutEverywhere']);

/** Acts that look at the refresh token. */
const LOOKING: ReadonlySet<Act> = new Set(['login', 'logout', 'refresh']);

type Jar = ReadonlyMap<string, string>;
/** Whose the cookies are, as their tokens say. */
interface Owner {
  readonly account: string | undefined;
  readonly session: string | undefined;
  /** Whether the access token is there, and when it expires, ms since 1970. */
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
  /** As they were when it was sent. */
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

/** One browser, whose first two tabs say which account they show; the third is a client that does not. */
export class SharedBrowser {
  /** Requests that the service has answered, and each answer was right. */
  answered = 0;
  private jar: Jar = new Map();
  private readonly shown: (string | undefined)[] = [undefined, undefined, undefined];
  private readonly sent: Sent[] = [];
  private readonly arrived: Sent[] = [];
  private readonly client: GraphqlClient;
  /** Whose each session is. */
  private readonly owners = new Map<string, string>();

  /** `since`: an id of a session; older ones are not looked at. */
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

  /** What is under way arrives, and is answered. */
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

  /** The service carries it out. */
  private async arrive(at: number): Promise<void> {
    const [sent] = this.sent.splice(at % Math.max(1, this.sent.length), 1);
    if (!sent) return;
    const before = await this.states();
    // Two rotations old is theft by design (test/refresh.spec.ts), even if other tabs have merely overtaken it: here it is lost on the way.
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

  /** The reply reaches the browser. */
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

  /** Fails if the reply, or what became of sessions with it, is not what the cookies and the page that sent it give a right to. */
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
    // Nobody's session ends, is renewed or loses its cookies but that of the cookies that were sent.
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
      // Without an access token only acts that look at the refresh token can tell whose the cookies are.
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
        // As long as the session lives, however many tabs have refreshed it meanwhile and whichever replies were lost.
        check([data?.refresh?.session.id, names], lives ? [session, kept] : [undefined, []]);
        break;
      case 'login':
        check([data?.login?.user.id, names], [this.people[sent.person]!.id, kept]);
        break;
      case 'logout':
        check(data?.logout, lives ? true : undefined);
        // Kept where it is in doubt whose they are.
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

  /** The cookies that a reply sets. Whose session it tells of is remembered. */
  private cookiesOf({ headers, data }: Reply): readonly SetCookie[] {
    for (const payload of Object.values((data ?? {}) as Record<string, Opened | null | boolean>)) {
      if (payload && typeof payload === 'object' && 'session' in payload)
        this.owners.set(payload.session.id, payload.user.id);
    }
    // An array of the test's own: those of Node have another prototype, which is unequal to `deepStrictEqual`.
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
