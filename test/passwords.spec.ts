// Passwords: chosen well, changed, forgotten and reset. Whatever was opened with an old one is over, whoever was faster.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from '@node-rs/argon2';
import { PARAMETERS } from '../src/engine/accounts/passwords.js';
import { createDatabase } from './support/database.js';
import { isLong } from './support/extent.js';
import { GraphqlClient, type Reply } from './support/graphql-client.js';
import { MailServer, tokenIn, tokenInOutbox } from './support/smtp.js';
import { RawSocket } from './support/socket-client.js';
import { PASSWORD, type Person, TestTidings } from './support/tidings.js';
import { after, taken, until } from './support/wait.js';

const NEXT = 'another password of the tests';
const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken session { id } } }';
const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
  accessToken refreshToken user { id email } session { id current transport } } }`;
const REQUEST = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { refreshToken } }';
const ME = '{ me { id } }';
/** Of a stolen token. */
const REPLAYS = isLong ? 1_000 : 100;

let mails: MailServer;
let tidings: TestTidings;
let folder: string;

beforeAll(async () => {
  mails = await MailServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tidings-passwords-'));
  tidings = await TestTidings.start({
    env: { SMTP_URL: mails.url, DATA_DIR: folder, PUBLIC_URL: 'https://news.example' },
  });
});
afterAll(async () => {
  await tidings.stop();
  await mails.stop();
  await rm(folder, { recursive: true });
});

const query = (sql: string, parameters: unknown[] = []) =>
  tidings.database.query<Record<string, unknown>>(sql, parameters);
const login = ({ email }: Person, password: string): Promise<Reply> =>
  tidings.anonymous.send(LOGIN, { input: { email, password } });
const change = (person: GraphqlClient, currentPassword = PASSWORD, newPassword = NEXT): Promise<Reply> =>
  person.send(CHANGE, { input: { currentPassword, newPassword } });
const reset = (token: string, newPassword = NEXT): Promise<Reply> =>
  tidings.anonymous.send(RESET, { input: { token, newPassword } });
const codes = ({ errors = [] }: Reply) => errors.map(({ extensions }) => extensions.code);
const fields = ({ errors = [] }: Reply) =>
  errors.flatMap(({ extensions }) => (extensions['fields'] as { path: string }[]).map(({ path }) => path));
const liveSessions = async ({ id }: Person) =>
  (await query('select id from session where account_id = $1 and ended_at is null', [id])).map((row) => row['id']);
const endings = async ({ id }: Person) =>
  (
    await query(`select facts ->> 'reason' as reason from event where resource_id = $1 and kind = 'SESSIONS_ENDED'`, [
      id,
    ])
  ).map(({ reason }) => reason);

/** Asks for a token and takes it from the mail, the `count`th one that the account gets. */
async function tokenFor(person: Person, count = 1): Promise<string> {
  await tidings.anonymous.data(REQUEST, { email: person.email });
  return tokenIn((await mails.to(person.email, count))[count - 1]!.mail.text);
}

describe('a new password', () => {
  it.each([
    ['common', 'baseball'],
    ['common, in capitals', 'PASSWORD'],
    ['common, in mixed case', 'QwertyUIOP'],
    ['common digits', '12345678'],
    ['too short', 'seven77'],
    ['too long', 'x'.repeat(129)],
  ])('is refused when it is %s, wherever it is set, naming the field', async (_what, password) => {
    const user = await tidings.asUser();
    const input = { name: 'Ada', email: `new-${user.email}`, password };
    const replies = [
      await tidings.anonymous.send(REGISTER, { input }),
      await change(user, PASSWORD, password),
      await reset('x'.repeat(43), password),
    ];
    expect(replies.map(codes)).toEqual(replies.map(() => ['BAD_USER_INPUT']));
    expect(replies.map(fields)).toEqual([['input.password'], ['input.newPassword'], ['input.newPassword']]);
    for (const { errors } of replies) expect(JSON.stringify(errors)).not.toContain(password);
    expect(await query('select 1 from account where email = $1', [input.email])).toEqual([]);
    expect(codes(await login(user, PASSWORD))).toEqual([]);
  });

  it.each(['12345678 baseball', 'x'.repeat(128), 'ünüblich', 'baseball\n'])('is taken as %j', async (password) => {
    const user = await tidings.asUser();
    expect(codes(await change(user, PASSWORD, password))).toEqual([]);
    expect(codes(await login(user, password))).toEqual([]);
  });
});

describe('changing the password', () => {
  it('ends every session everywhere, closes their sockets, and opens a new one', async () => {
    const user = await tidings.asUser();
    const other = await tidings.signIn(user.id, user.email);
    const { closed } = await RawSocket.signedIn(tidings.url, other.accessToken!);
    const { data } = await change(user);
    const { changePassword: opened } = data;
    expect(opened).toMatchObject({ user: { id: user.id, email: user.email }, session: { current: true } });
    expect(await liveSessions(user)).toEqual([opened.session.id]);
    for (const old of [user, other]) expect(codes(await old.send(ME))).toEqual(['UNAUTHENTICATED']);
    for (const { refreshToken } of [user, other]) {
      expect(codes(await tidings.anonymous.send(REFRESH, { t: refreshToken }))).toEqual(['UNAUTHENTICATED']);
    }
    expect(await closed).toMatchObject({ code: 4401 });
    expect(await new GraphqlClient(tidings.url, opened.accessToken).data(ME)).toEqual({ me: { id: user.id } });
    await tidings.anonymous.data(REFRESH, { t: opened.refreshToken });
    expect(codes(await login(user, PASSWORD))).toEqual(['INVALID_CREDENTIALS']);
    expect(codes(await login(user, NEXT))).toEqual([]);
    expect(await endings(user)).toEqual(['PASSWORD_CHANGED']);
  });

  it('needs the current one, and says so as a sign-in does: the session is as good as before', async () => {
    const user = await tidings.asUser();
    expect(codes(await change(user, 'not the password'))).toEqual(['INVALID_CREDENTIALS']);
    expect(await user.data(ME)).toEqual({ me: { id: user.id } });
    expect(codes(await login(user, PASSWORD))).toEqual([]);
  });

  it('is told by mail, without either password', async () => {
    const user = await tidings.asUser();
    await change(user);
    const [got] = await mails.to(user.email);
    expect(got!.mail.subject).toBe('Your password was changed');
    expect(got!.raw).not.toMatch(/password of the tests/);
    expect(tidings.logged).toEqual([]);
  });

  it('succeeds once when many try it at the same time', async () => {
    const user = await tidings.asUser();
    const replies = await Promise.all(Array.from({ length: 8 }, (_, n) => change(user, PASSWORD, `${NEXT} ${n}`)));
    const succeeded = replies.filter(({ errors }) => !errors);
    expect(succeeded).toHaveLength(1);
    expect(replies.flatMap(codes)).toEqual(Array.from({ length: 7 }, () => 'UNAUTHENTICATED'));
    expect(await liveSessions(user)).toEqual([succeeded[0]!.data.changePassword.session.id]);
  });

  it('does nothing for a session that ended while the password was being verified', async () => {
    const user = await tidings.asUser();
    await query('begin');
    await query('select 1 from account where id = $1 for update', [user.id]);
    const reply = change(user);
    await waiting(1);
    await query(`update session set ended_at = now(), end_reason = 'REVOKED' where id = $1`, [user.sessionId]);
    await query('commit');
    expect(codes(await reply)).toEqual(['UNAUTHENTICATED']);
    expect(await liveSessions(user)).toEqual([]);
    expect(codes(await login(user, PASSWORD))).toEqual([]);
  });

  it('succeeds when a sign-in hashed the same password anew meanwhile', async () => {
    const user = await tidings.asUser();
    await query('begin');
    await query('update account set password_hash = $2 where id = $1', [user.id, await hash(PASSWORD, PARAMETERS)]);
    const reply = change(user);
    await waiting(1);
    await query('commit');
    expect(codes(await reply)).toEqual([]);
    expect(codes(await login(user, NEXT))).toEqual([]);
  });

  it('leaves no session of the old password, however sign-ins fall into it', async () => {
    const outcomes = { before: 0, refused: 0 };
    const opened: string[] = [];
    const users = await Promise.all(Array.from({ length: 12 }, () => tidings.asUser()));
    const pace = (await taken(async () => change(await tidings.asUser()))) / 5;
    for (const [n, user] of users.entries()) {
      // A change verifies and hashes, a sign-in only verifies: spread, sign-ins land before, within and after it.
      const [changed, ...signIns] = await Promise.all([
        change(user),
        after(n * pace, () => login(user, PASSWORD)),
        after((n * pace) / 2, () => login(user, PASSWORD)),
      ]);
      expect(codes(changed)).toEqual([]);
      expect(await liveSessions(user)).toEqual([changed.data.changePassword.session.id]);
      for (const { errors, data } of signIns) {
        outcomes[errors ? 'refused' : 'before'] += 1;
        if (data?.login) opened.push(data.login.accessToken);
      }
    }
    const answers = await Promise.all(opened.map((token) => new GraphqlClient(tidings.url, token).send(ME)));
    expect(answers.map(codes)).toEqual(opened.map(() => ['UNAUTHENTICATED']));
    // Both sides of the race were seen: else it was none.
    expect(Math.min(outcomes.before, outcomes.refused)).toBeGreaterThan(0);
  }, 60_000);

  it.each([
    ['sign-in', 'change'],
    ['change', 'sign-in'],
  ])('leaves none when both have verified, and the lock goes to the %s first', async (first) => {
    const user = await tidings.asUser();
    await query('begin');
    await query('select 1 from account where id = $1 for update', [user.id]);
    const acts = { 'sign-in': () => login(user, PASSWORD), change: () => change(user) };
    const begun = acts[first as keyof typeof acts]();
    await waiting(1);
    const then = acts[first === 'change' ? 'sign-in' : 'change']();
    await waiting(2);
    await query('commit');
    const [changed, signedIn] = first === 'change' ? [await begun, await then] : [await then, await begun];
    expect(codes(changed)).toEqual([]);
    expect(codes(signedIn)).toEqual(first === 'change' ? ['INVALID_CREDENTIALS'] : []);
    expect(await liveSessions(user)).toEqual([changed.data.changePassword.session.id]);
  });
});

/** Resolves when `count` statements of this database wait for a row that somebody has. */
function waiting(count: number): Promise<void> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return until(async () => (await query(sql)).length >= count, `${count} waited for the account`);
}

describe('a forgotten password', () => {
  it('is replaced by a link in a mail, which ends every session', async () => {
    const user = await tidings.asUser();
    expect(await tidings.anonymous.data(REQUEST, { email: user.email.toUpperCase() })).toEqual({
      requestPasswordReset: true,
    });
    const [got] = await mails.to(user.email);
    expect(got!.recipients).toEqual([user.email]);
    const token = tokenIn(got!.mail.text);
    expect(got!.mail.text).toContain(`https://news.example/reset#token=${token}`);
    expect(got!.mail.html).toContain(`href="https://news.example/reset#token=${token}"`);
    const { closed } = await RawSocket.signedIn(tidings.url, user.accessToken!);
    expect((await reset(token)).data).toEqual({ resetPassword: true });
    expect(await closed).toMatchObject({ code: 4401 });
    expect(codes(await user.send(ME))).toEqual(['UNAUTHENTICATED']);
    expect(await liveSessions(user)).toEqual([]);
    expect(await endings(user)).toEqual(['PASSWORD_RESET']);
    expect(codes(await login(user, PASSWORD))).toEqual(['INVALID_CREDENTIALS']);
    expect(codes(await login(user, NEXT))).toEqual([]);
    const [, notice] = await mails.to(user.email, 2);
    expect(notice!.mail.subject).toBe('Your password was changed');
    expect(tidings.logged).toEqual([]);
  });

  it('has a token that lies nowhere in the database', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    const rows = await query('select *, password_reset::text as all from password_reset where account_id = $1', [
      user.id,
    ]);
    expect(rows).toHaveLength(1);
    expect(String(rows[0]!['all'])).not.toContain(token);
    expect(String(rows[0]!['all'])).not.toContain(Buffer.from(token).toString('hex'));
    expect(rows[0]!['token_hash']).toHaveLength(32);
  });

  it('has a token that works once, even when many use it at the same time', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    const replies = await Promise.all(Array.from({ length: 6 }, (_, n) => reset(token, `${NEXT} ${n}`)));
    expect(replies.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(replies.flatMap(fields)).toEqual(Array.from({ length: 5 }, () => 'input.token'));
    expect(fields(await reset(token))).toEqual(['input.token']);
    const winner = replies.findIndex(({ errors }) => !errors);
    expect(codes(await login(user, `${NEXT} ${winner}`))).toEqual([]);
  });

  it('has a token for 30 minutes on the clock of the database', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    const [row] = await query(
      'select extract(epoch from expires_at - requested_at)::int as life, extract(epoch from now() - requested_at) < 60 as fresh from password_reset where account_id = $1',
      [user.id],
    );
    expect(row).toEqual({ life: 1_800, fresh: true });
    const age = (seconds: number) =>
      query(
        `update password_reset set requested_at = requested_at - $2 * interval '1 s', expires_at = expires_at - $2 * interval '1 s' where account_id = $1`,
        [user.id, seconds],
      );
    await age(1_801);
    expect(fields(await reset(token))).toEqual(['input.token']);
    await age(-60);
    expect(codes(await reset(token))).toEqual([]);
  });

  it('has one token at a time, the one that was asked for last', async () => {
    const user = await tidings.asUser();
    const first = await tokenFor(user);
    const second = await tokenFor(user, 2);
    expect(fields(await reset(first))).toEqual(['input.token']);
    expect(codes(await login(user, PASSWORD))).toEqual([]);
    expect(codes(await reset(second))).toEqual([]);
  });

  it('has no token any more when the password was changed meanwhile', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    await change(user);
    expect(fields(await reset(token, 'yet another password'))).toEqual(['input.token']);
    expect(codes(await login(user, NEXT))).toEqual([]);
  });

  it.each(['', 'x', 'A'.repeat(43), "' or true --", '\u0000'.repeat(43)])(
    'is not replaced by a token made up: %j',
    async (token) => {
      expect(fields(await reset(token))).toEqual(['input.token']);
    },
  );

  it('is answered alike for whoever has no account or may not sign in, and no mail goes out', async () => {
    const [user, disabled] = [await tidings.asUser(), await tidings.asUser()];
    await query('update account set disabled_at = now() where id = $1', [disabled.id]);
    const ask = (email: string) => tidings.anonymous.send(REQUEST, { email });
    const replies = [await ask('nobody@example.com'), await ask(disabled.email), await ask(user.email)];
    expect(replies.map(({ status, data, errors }) => ({ status, data, errors }))).toEqual(
      replies.map(() => ({ status: 200, data: { requestPasswordReset: true }, errors: undefined })),
    );
    // Mails are made in the order in which they were asked for: with the last one here, there was none for the others.
    await mails.to(user.email);
    const others = new Set(['nobody@example.com', disabled.email]);
    expect(mails.received.flatMap(({ recipients }) => recipients).filter((one) => others.has(one))).toEqual([]);
    expect(await query('select 1 from password_reset where account_id = $1', [disabled.id])).toEqual([]);
    expect(tidings.logged).toEqual([]);
  });

  it('cannot be reset for an account that was disabled after the mail', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    await query('update account set disabled_at = now() where id = $1', [user.id]);
    expect(fields(await reset(token))).toEqual(['input.token']);
  });

  it('is answered while the account is locked and the mail server is silent: nobody can tell by the time', async () => {
    const user = await tidings.asUser();
    mails.silent = true;
    await query('begin');
    await query('select 1 from account where id = $1 for update', [user.id]);
    try {
      expect(await tidings.anonymous.data(REQUEST, { email: user.email })).toEqual({ requestPasswordReset: true });
    } finally {
      await query('rollback');
      mails.silent = false;
    }
    await mails.to(user.email);
  });

  it('leaves no session of the old password, however sign-ins fall into it', async () => {
    const outcomes = { before: 0, refused: 0 };
    const forgetful = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const user = await tidings.asUser();
        return { user, token: await tokenFor(user) };
      }),
    );
    const spare = await tokenFor(await tidings.asUser());
    const pace = (await taken(() => reset(spare))) / 3;
    for (const [n, { user, token }] of forgetful.entries()) {
      // From the sign-in well before the reset to well after it.
      const lead = (n - 6) * pace;
      const [done, signedIn] = await Promise.all([
        after(-lead, () => reset(token)),
        after(lead, () => login(user, PASSWORD)),
      ]);
      expect(codes(done)).toEqual([]);
      expect(await liveSessions(user)).toEqual([]);
      outcomes[signedIn.errors ? 'refused' : 'before'] += 1;
    }
    expect(Math.min(outcomes.before, outcomes.refused)).toBeGreaterThan(0);
  }, 60_000);
});

describe('a stolen refresh token', () => {
  it('is told by one mail and one row, however often it is replayed', async () => {
    const user = await tidings.asUser();
    const refresh = () => tidings.anonymous.send(REFRESH, { t: user.refreshToken });
    await refresh();
    await query(`update session set rotated_at = rotated_at - interval '1 minute' where id = $1`, [user.sessionId]);
    const replies: (string | undefined)[] = [];
    const thief = async () => {
      while (replies.length < REPLAYS) replies.push(codes(await refresh())[0]);
    };
    await Promise.all(Array.from({ length: 50 }, thief));
    expect(replies.filter((code) => code === 'REFRESH_TOKEN_REUSED')).toHaveLength(1);
    expect(replies.filter((code) => code === 'UNAUTHENTICATED').length).toBe(replies.length - 1);
    const told = `select action from audit_entry where subject_id in ($1, $2)`;
    expect(await query(told, [user.id, user.sessionId])).toEqual([{ action: 'REFRESH_TOKEN_REUSED' }]);
    // Notices leave in the order in which they were queued: this one comes after all that the replays have caused.
    const again = await tidings.signIn(user.id, user.email);
    await change(again);
    const got = await mails.to(user.email, 2);
    expect(got.map(({ mail }) => mail.subject).toSorted((a, b) => a!.localeCompare(b!))).toEqual([
      'A session of yours was ended',
      'Your password was changed',
    ]);
    expect(got.map(({ raw }) => raw).join()).not.toContain(user.refreshToken.split('.')[3]);
  });
});

it('passwords are reset where there is no mail server too, outside production: by a file', async () => {
  const database = await createDatabase();
  const own = await TestTidings.start({ database, env: { DATA_DIR: folder } });
  try {
    const user = await own.asUser();
    await own.anonymous.data(REQUEST, { email: user.email });
    const token = await tokenInOutbox(join(folder, 'outbox'));
    expect(await own.anonymous.data(RESET, { input: { token, newPassword: NEXT } })).toEqual({ resetPassword: true });
  } finally {
    await own.stop();
    await database.drop();
  }
});
