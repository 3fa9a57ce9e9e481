// Password guessing: from any address, at any account, by any operation; and that legitimate users are not locked out.
import { randomUUID } from 'node:crypto';
import { OPERATIONS } from '../src/engine/limits/account-budget.js';
import { Limits } from '../src/engine/limits/limits.js';
import { SIGN_IN_LIMITS } from '../src/engine/sessions/sign-in-limit-table.js';
import { SignInLimits } from '../src/engine/sessions/sign-in-limits.js';
import { codeOf, codesOf, GraphqlClient, type Reply } from './support/graphql-client.js';
import { almostExhaust, manyAccounts } from './support/password-guesses.js';
import { Page } from './support/page.js';
import { type TestRedis, startRedis } from './support/redis.js';
import { PASSWORD, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const LOGIN =
  'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken session { id address } } }';
const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { refreshToken } }';
const RESET = 'mutation ($e: String!) { requestPasswordReset(email: $e) }';
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
const BEHIND_PROXY = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1/32' };

let count = 0;
/** An address that nobody has used before, nor any of its neighbours. */
const newAddress = () => `203.${(count += 1) >> 8}.${count & 255}.9`;
const newEmail = () => `nobody${(count += 1)}@example.com`;

/** Sends from `address`, as the proxy tells it. */
const from = (address: string, client: GraphqlClient, document: string, variables?: Record<string, unknown>) =>
  client.send(document, variables, { 'x-forwarded-for': address });

const signIn = (address: string, email: string, password: string, node = tidings.current) =>
  from(address, node.anonymous, LOGIN, { input: { email, password } });

const change = (by: GraphqlClient, currentPassword: string) =>
  from(newAddress(), by, CHANGE, { input: { currentPassword, newPassword: 'another long phrase' } });

/** A reset link of the account, as if it had been mailed. */
const makeLink = ({ id }: { id: string }, token: string) =>
  tidings.current.database.query(
    `insert into password_reset (account_id, token_hash, requested_at, expires_at)
     values ($1, sha256(convert_to($2, 'UTF8')), clock_timestamp(), clock_timestamp() + interval '30 minutes')`,
    [id, token],
  );

/** What twelve guesses at an account are answered. */
const told = async (email: string) => {
  const replies: Reply[] = [];
  for (let at = 0; at < 12; at += 1) replies.push(await signIn(newAddress(), email, 'a wrong guess'));
  return replies.map(({ status, data, errors }) => {
    const [{ message, path, extensions }] = errors as [NonNullable<typeof errors>[number]];
    const wait = Number(extensions['retryAfter'] ?? 0);
    // The seconds run on while we ask.
    const about = wait > 890 && wait <= 900;
    return { status, data, path, code: extensions.code, message: message.replace(/\d+/, ''), about };
  });
};

const tidings = useTidings(() => ({ env: BEHIND_PROXY }));

describe('the limit of sign-in attempts per account', () => {
  it('refuses even the right password after ten attempts from many addresses', async () => {
    const victim = await tidings.current.asUser();
    expect(await codesOf(14, () => signIn(newAddress(), victim.email, 'a wrong guess'))).toEqual({
      INVALID_CREDENTIALS: 10,
      RATE_LIMITED: 4,
    });
    expect(codeOf(await signIn(newAddress(), victim.email.toUpperCase(), PASSWORD))).toBe('RATE_LIMITED');
  });

  it('does not lock the owner out at an address of an earlier sign-in', async () => {
    const victim = await tidings.current.asUser();
    const home = newAddress();
    expect(codeOf(await signIn(home, victim.email, PASSWORD))).toBe('OK');
    await codesOf(12, () => signIn(newAddress(), victim.email, 'a wrong guess'));
    expect(codeOf(await signIn(home, victim.email, PASSWORD))).toBe('OK');
    expect(codeOf(await signIn(newAddress(), victim.email, PASSWORD))).toBe('RATE_LIMITED');
    // The own bucket has an end too.
    expect(await codesOf(12, () => signIn(home, victim.email, 'a wrong guess'))).toEqual({
      INVALID_CREDENTIALS: 10,
      RATE_LIMITED: 2,
    });
  });

  it('does not lock the owner out at a new address after a password reset', async () => {
    const victim = await tidings.current.asUser();
    const [address, link] = [newAddress(), `a link of ${victim.id}`];
    await codesOf(11, () => signIn(newAddress(), victim.email, 'a wrong guess'));
    expect(codeOf(await signIn(address, victim.email, PASSWORD))).toBe('RATE_LIMITED');
    await makeLink(victim, link);
    const document = 'mutation ($t: String!) { resetPassword(input: { token: $t, newPassword: "another phrase" }) }';
    expect(codeOf(await from(address, tidings.current.anonymous, document, { t: link }))).toBe('OK');
    expect(codeOf(await signIn(address, victim.email, 'another phrase'))).toBe('OK');
  });

  it('keeps an address known for 30 days, including that of the registration', async () => {
    const [home, email] = [newAddress(), newEmail()];
    const input = { name: 'Ada', email, password: PASSWORD };
    expect(codeOf(await from(home, tidings.current.anonymous, REGISTER, { input }))).toBe('OK');
    await codesOf(11, () => signIn(newAddress(), email, 'a wrong guess'));
    expect(codeOf(await signIn(home, email, PASSWORD))).toBe('OK');
    await tidings.current.database.query(
      `update known_address set last_at = now() - interval '30 days 1 second' where network = $1`,
      [home],
    );
    expect(codeOf(await signIn(home, email, PASSWORD))).toBe('RATE_LIMITED');
  });

  it('answers alike for existing and unknown accounts', async () => {
    const victim = await tidings.current.asUser();
    expect(await told(victim.email)).toEqual(await told(newEmail()));
  });

  it('is not reset by signing in to another account in between', async () => {
    const [victim, thief] = [await tidings.current.asUser(), await tidings.current.asUser()];
    const address = newAddress();
    const codes = await codesOf(24, (at) =>
      at % 2 ? signIn(address, thief.email, PASSWORD) : signIn(address, victim.email, 'a wrong guess'),
    );
    expect(codes).toEqual({ OK: 12, INVALID_CREDENTIALS: 10, RATE_LIMITED: 2 });
  });

  it('holds under concurrent attempts', async () => {
    const victim = await tidings.current.asUser();
    const guesses = Array.from({ length: 40 }, () => signIn(newAddress(), victim.email, 'a wrong guess'));
    const codes = (await Promise.all(guesses)).map(codeOf);
    expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(10);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(30);
  });

  it('does not affect other accounts at the same address, and refused attempts count nowhere', async () => {
    const [victim, neighbour] = [await tidings.current.asUser(), await tidings.current.asUser()];
    const address = newAddress();
    expect(await codesOf(105, () => signIn(address, victim.email, 'a wrong guess'))).toMatchObject({
      RATE_LIMITED: 95,
    });
    expect(codeOf(await signIn(address, neighbour.email, PASSWORD))).toBe('OK');
  });

  it('does not count concurrent sign-ins of the owner', async () => {
    const owner = await tidings.current.asUser();
    const codes = await Promise.all(Array.from({ length: 30 }, () => signIn(newAddress(), owner.email, PASSWORD)));
    expect(new Set(codes.map(codeOf))).not.toContain('INVALID_CREDENTIALS');
    expect(codeOf(await signIn(newAddress(), owner.email, PASSWORD))).toBe('OK');
  });

  it('counts a hundred attempts in one document as one refusal', async () => {
    const victim = await tidings.current.asUser();
    const one = `login(input: { email: "${victim.email}", password: "a wrong guess" }) { accessToken }`;
    const document = `mutation { ${Array.from({ length: 100 }, (_, at) => `a${at}: ${one}`).join(' ')} }`;
    const reply = await from(newAddress(), tidings.current.anonymous, document);
    expect(reply.errors?.length).toBeGreaterThan(0);
    expect(reply.data?.a0).toBeUndefined();
    expect(codeOf(await signIn(newAddress(), victim.email, PASSWORD))).toBe('OK');
  });
});

describe('limits per address', () => {
  it('allow a hundred failed sign-ins per address or IPv6 /64', async () => {
    const email = await manyAccounts(tidings.current);
    const codes = await codesOf(103, (at) => signIn(`2001:db8:7:7::${at.toString(16)}`, email(at), 'a wrong guess'));
    expect(codes).toEqual({ INVALID_CREDENTIALS: 100, RATE_LIMITED: 3 });
    expect(codeOf(await signIn('2001:db8:7:8::1', newEmail(), 'a wrong guess'))).toBe('INVALID_CREDENTIALS');
    // Whoever has signed in from that site before is no stranger there, whatever the neighbours do.
    const neighbour = await tidings.current.asUser();
    await signIn('2001:db8:7:8::2', neighbour.email, PASSWORD);
    await almostExhaust('2001:db8:7:8::3', tidings.current);
    await codesOf(2, () => signIn('2001:db8:7:8::3', newEmail(), 'a wrong guess'));
    expect(codeOf(await signIn('2001:db8:7:8::4', newEmail(), 'a wrong guess'))).toBe('RATE_LIMITED');
    expect(codeOf(await signIn('2001:db8:7:8::5', neighbour.email, PASSWORD))).toBe('OK');
  });

  it('allow thirty registrations in fifteen minutes and return Retry-After', async () => {
    const address = newAddress();
    const register = () =>
      from(address, tidings.current.anonymous, REGISTER, {
        input: { name: 'Ada', email: 'taken@example.com', password: PASSWORD },
      });
    expect(await codesOf(30, register)).toEqual({ OK: 1, CONFLICT: 29 });
    const refused = await register();
    const { retryAfter } = refused.errors![0]!.extensions;
    expect(refused.errors).toEqual([
      {
        message: `Too many requests. Try again in ${String(retryAfter)} s.`,
        path: ['register'],
        locations: expect.anything(),
        extensions: { code: 'RATE_LIMITED', retryAfter },
      },
    ]);
    expect(retryAfter).toBeGreaterThan(800);
    expect(retryAfter).toBeLessThanOrEqual(900);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(retryAfter)]);
  }, 60_000);

  it('allow thirty reset requests, for registered and unknown e-mails alike', async () => {
    const user = await tidings.current.asUser();
    for (const email of [user.email, newEmail()]) {
      const address = newAddress();
      const codes = await codesOf(32, () => from(address, tidings.current.anonymous, RESET, { e: email }));
      expect(codes).toEqual({ OK: 30, RATE_LIMITED: 2 });
    }
  });

  it('do not delay reset requests of the owner because of other addresses', async () => {
    const victim = await tidings.current.asUser();
    const home = newAddress();
    const request = (address: string, e = victim.email) => from(address, tidings.current.anonymous, RESET, { e });
    expect(await codesOf(40, () => request(newAddress()))).toEqual({ OK: 40 });
    expect(codeOf(await request(newAddress()))).toBe('OK');
    await signIn(home, victim.email, PASSWORD);
    expect(await codesOf(31, () => request(home, newEmail()))).toEqual({ OK: 30, RATE_LIMITED: 1 });
    expect(codeOf(await request(home))).toBe('OK');
  });

  it('allow thirty reset tokens in fifteen minutes', async () => {
    const address = newAddress();
    const document =
      'mutation ($t: String!) { resetPassword(input: { token: $t, newPassword: "another long phrase" }) }';
    const tried = (at: number) =>
      from(address, tidings.current.anonymous, document, { t: String(at).padStart(43, 'A') });
    expect(await codesOf(32, tried)).toEqual({ BAD_USER_INPUT: 30, RATE_LIMITED: 2 });
    expect(codeOf(await from(newAddress(), tidings.current.anonymous, document, { t: 'A' }))).toBe('BAD_USER_INPUT');
    // A valid link works in the same network at the same time.
    const user = await tidings.current.asUser();
    await makeLink(user, 'a valid link');
    expect(codeOf(await from(address, tidings.current.anonymous, document, { t: 'a valid link' }))).toBe('OK');
  });

  it('count invalid refresh tokens separately from those of neighbours', async () => {
    const [user, address] = [await tidings.current.asUser(), newAddress()];
    const limits = tidings.current.app.get(Limits);
    for (let at = 0; at < 1_199; at += 1) await limits.consume(SIGN_IN_LIMITS['refresh: network'], address);
    const rubbish = (at: number) =>
      from(address, tidings.current.anonymous, REFRESH, { t: `tr1.${randomUUID()}.${at + 1}.${'A'.repeat(43)}` });
    expect(await codesOf(3, rubbish)).toEqual({ UNAUTHENTICATED: 1, RATE_LIMITED: 2 });
    expect(codeOf(await from(address, tidings.current.anonymous, REFRESH, { t: user.refreshToken }))).toBe('OK');
  });

  it('allow sixty refreshes of one session per minute, without affecting other sessions', async () => {
    const user = await tidings.current.asUser();
    const rubbish = `tr1.${user.sessionId}.1.${'A'.repeat(43)}`;
    const address = newAddress();
    const codes = await codesOf(62, () => from(address, tidings.current.anonymous, REFRESH, { t: rubbish }));
    expect(codes).toEqual({ UNAUTHENTICATED: 60, RATE_LIMITED: 2 });
    expect(codeOf(await from(newAddress(), tidings.current.anonymous, REFRESH, { t: user.refreshToken }))).toBe('OK');
  });

  it('allow sixty refreshes by cookie per minute and keep the cookies', async () => {
    const { email, id } = await tidings.current.asUser();
    const [own, other] = [new Page(tidings.current.url), new Page(tidings.current.url)];
    const [address, sessionId] = [newAddress(), await own.login(email)];
    await other.login(email);
    const rubbish = { cookie: `tidings-refresh=tr1.${sessionId}.1.${'A'.repeat(43)}`, 'x-forwarded-for': address };
    expect(await codesOf(61, () => own.send(REFRESH, {}, rubbish))).toEqual({ UNAUTHENTICATED: 60, RATE_LIMITED: 1 });
    expect((await own.send(REFRESH, {}, rubbish)).set).toEqual([]);
    expect((await other.send(REFRESH, {}, { 'x-forwarded-for': address })).data.refresh.refreshToken).toBeNull();
    expect((await other.send('{ me { id } }')).data).toEqual({ me: { id } });
  });

  it('do not count requests of invalid shape', async () => {
    const address = newAddress();
    const bad = { name: '', email: 'x', password: 'short' };
    const codes = await codesOf(40, () => from(address, tidings.current.anonymous, REGISTER, { input: bad }));
    expect(codes).toEqual({ BAD_USER_INPUT: 40 });
  });
});

describe('the limit of password changes', () => {
  it('allows ten verifications of the current password per session, from any address', async () => {
    const user = await tidings.current.asUser();
    const document =
      'mutation { changePassword(input: { currentPassword: "a wrong guess", newPassword: "another long phrase" }) { accessToken } }';
    const codes = await codesOf(12, () => from(newAddress(), user, document));
    expect(codes['RATE_LIMITED']).toBe(2);
    const stranger = await tidings.current.asUser();
    expect(codeOf(await from(newAddress(), stranger, document))).not.toBe('RATE_LIMITED');
    // Nor is the owner kept from it by somebody who has one of the sessions.
    expect(codeOf(await change(await tidings.current.signIn(user.id, user.email), PASSWORD))).toBe('OK');
  });

  it('does not count the right password', async () => {
    const user = await tidings.current.asUser();
    expect(await codesOf(9, () => change(user, 'a wrong guess'))).toEqual({ INVALID_CREDENTIALS: 9 });
    const { data } = await change(user, PASSWORD);
    const changed = new GraphqlClient(user.url, data.changePassword.accessToken);
    expect(await codesOf(11, () => change(changed, 'a wrong guess'))).toEqual({
      INVALID_CREDENTIALS: 10,
      RATE_LIMITED: 1,
    });
  });
});

describe('the client address', () => {
  const direct = useTidings(() => ({ env: { RATE_LIMITS: 'on' } }));

  it('ignores forwarding headers without TRUST_PROXY', async () => {
    const user = await direct.current.login(await direct.current.asUser());
    const email = await manyAccounts(direct.current);
    const spoofed = (at: number) =>
      direct.current.anonymous.send(
        LOGIN,
        { input: { email: email(at), password: 'a wrong guess' } },
        { 'x-forwarded-for': `198.51.100.${at}`, 'x-real-ip': `198.51.100.${at}`, forwarded: `for=198.51.100.${at}` },
      );
    await almostExhaust('127.0.0.1', direct.current);
    expect(await codesOf(4, spoofed)).toEqual({ INVALID_CREDENTIALS: 2, RATE_LIMITED: 2 });
    const { login } = (
      await direct.current.anonymous.send(
        LOGIN,
        { input: { email: user.email, password: PASSWORD } },
        { 'x-forwarded-for': '198.51.100.9' },
      )
    ).data;
    expect(login.session.address).toBe('127.0.0.1');
  });

  it('is taken from the nearest trusted proxy', async () => {
    const [email, address] = [await manyAccounts(tidings.current), newAddress()];
    const user = await tidings.current.asUser();
    const { data } = await signIn(`198.51.100.1, ${address}`, user.email, PASSWORD);
    expect(data.login.session.address).toBe(address);
    await almostExhaust(address, tidings.current);
    const codes = await codesOf(4, (at) => signIn(`198.51.100.${at}, ${address}`, email(at), 'a wrong guess'));
    expect(codes).toEqual({ INVALID_CREDENTIALS: 2, RATE_LIMITED: 2 });
    expect(codeOf(await signIn(newAddress(), email(0), 'a wrong guess'))).toBe('INVALID_CREDENTIALS');
  });
});

describe('limits across two instances', () => {
  let redis: TestRedis;
  let second: TestTidings;
  beforeAll(async () => {
    redis = await startRedis();
  });
  const first = useTidings(() => ({ env: { ...BEHIND_PROXY, REDIS_URL: redis.url } }));
  beforeAll(async () => {
    second = await TestTidings.start({
      env: { ...BEHIND_PROXY, REDIS_URL: redis.url },
      database: first.current.database,
    });
  });
  afterAll(async () => {
    await second.stop();
    await redis.stop();
  });

  it('are shared', async () => {
    const victim = await first.current.asUser();
    const nodes = [first.current, second];
    const codes = await codesOf(14, (at) => signIn(newAddress(), victim.email, 'a wrong guess', nodes[at % 2]));
    expect(codes).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 4 });
  });

  it('store neither e-mails nor addresses in Redis', async () => {
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    const keys = await client.keys('tidings:*');
    client.disconnect();
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => /@|example|203\.0/.test(key))).toEqual([]);
  });

  it('fall back to counters per instance while Redis is away', async () => {
    await redis.kill9();
    await until(
      () => [...first.current.logged, ...second.logged].some((line) => line.includes('counts sign-ins by itself')),
      'the loss was logged',
    );
    const victim = newEmail();
    const codes = await codesOf(13, () => signIn(newAddress(), victim, 'a wrong guess', first.current));
    expect(codes).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 3 });
    expect(codeOf(await signIn(newAddress(), victim, 'a wrong guess', second))).toBe('INVALID_CREDENTIALS');
  });
});

describe('RATE_LIMITS=off', () => {
  const free = useTidings();

  it('disables the limits', async () => {
    const user = await free.current.asUser();
    const codes = await codesOf(130, () =>
      free.current.anonymous.send(LOGIN, { input: { email: user.email, password: 'a wrong guess' } }),
    );
    expect(codes).toEqual({ INVALID_CREDENTIALS: 130 });
    const limits = free.current.app.get(SignInLimits);
    for (let at = 0; at <= OPERATIONS.points; at += 1) limits.operation(user.id);
    expect(codeOf(await user.send('{ me { id } }'))).toBe('OK');
  }, 60_000);
});
