// Password resets: links by mail, and what strangers can achieve by requesting them.
import { join } from 'node:path';
import { createDatabase } from './support/database.js';
import {
  change,
  codes,
  endings,
  fields,
  folder,
  liveSessions,
  login,
  mails,
  ME,
  NEXT,
  query,
  REQUEST,
  RESET,
  reset,
  tidings,
  tokenFor,
  usePasswords,
} from './support/passwords.js';
import { tokenIn, tokenInOutbox } from './support/smtp.js';
import { RawSocket } from './support/socket-client.js';
import { PASSWORD, type Person, TestTidings } from './support/tidings.js';

usePasswords();

/** Asks for so many links and takes them from the mails, in the order in which they came. */
async function tokensFor(person: Person, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let at = 1; at <= count; at += 1) tokens.push(await tokenFor(person, at));
  return tokens;
}

const ask = (email: string) => tidings.anonymous.send(REQUEST, { email });

describe('password reset', () => {
  it('by a mailed link ends every session', async () => {
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

  it('stores no usable token in the database', async () => {
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

  it('accepts a token once, under concurrency as well', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    const replies = await Promise.all(Array.from({ length: 6 }, (_, n) => reset(token, `${NEXT} ${n}`)));
    expect(replies.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(replies.flatMap(fields)).toEqual(Array.from({ length: 5 }, () => 'input.token'));
    expect(fields(await reset(token))).toEqual(['input.token']);
    const winner = replies.findIndex(({ errors }) => !errors);
    expect(codes(await login(user, `${NEXT} ${winner}`))).toEqual([]);
  });

  it('accepts a token for 30 minutes of database time', async () => {
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

  it.each([0, 2, 4])('allows five valid links; using number %i invalidates the others', async (used) => {
    const user = await tidings.asUser();
    const tokens = await tokensFor(user, 5);
    expect(codes(await reset(tokens[used]!))).toEqual([]);
    for (const token of tokens) expect(fields(await reset(token, 'yet another password'))).toEqual(['input.token']);
    expect(codes(await login(user, NEXT))).toEqual([]);
    expect(await query('select 1 from password_reset_earlier where account_id = $1', [user.id])).toEqual([]);
    expect(await tokenFor(user, 7)).toMatch(/^[\w-]{43}$/);
  });

  it('answers a sixth request like one for an unknown account and keeps the five links valid', async () => {
    const user = await tidings.asUser();
    const tokens = await tokensFor(user, 5);
    for (let at = 0; at < 20; at += 1) {
      const replies = [await ask(user.email), await ask('nobody@example.com')];
      expect(replies.map(({ status, data, errors }) => ({ status, data, errors }))).toEqual(
        replies.map(() => ({ status: 200, data: { requestPasswordReset: true }, errors: undefined })),
      );
    }
    // Mails are made in the order in which they were asked for: with this one here, there was none for those.
    await tokenFor(await tidings.asUser());
    expect(await mails.to(user.email)).toHaveLength(5);
    expect(codes(await reset(tokens[0]!))).toEqual([]);
  });

  it('allows another link when one of the five has expired', async () => {
    const user = await tidings.asUser();
    const [first] = await tokensFor(user, 5);
    await query(
      `update password_reset_earlier set expires_at = now() where token_hash = sha256(convert_to($1, 'UTF8'))`,
      [first],
    );
    expect(fields(await reset(first!))).toEqual(['input.token']);
    const sixth = await tokenFor(user, 6);
    const rows = await query('select 1 from password_reset_earlier where account_id = $1', [user.id]);
    expect(rows).toHaveLength(4);
    expect(codes(await reset(sixth))).toEqual([]);
  });

  it('allows five links under concurrent requests', async () => {
    const user = await tidings.asUser();
    await Promise.all(Array.from({ length: 30 }, () => ask(user.email)));
    await tokenFor(await tidings.asUser());
    const got = await mails.to(user.email, 5);
    expect(got).toHaveLength(5);
    const outcomes = await Promise.all(got.map(({ mail }) => reset(tokenIn(mail.text))));
    expect(outcomes.filter(({ errors }) => !errors)).toHaveLength(1);
  });

  it('accepts a link created by the previous version', async () => {
    const user = await tidings.asUser();
    const sha = `sha256(convert_to('an older link', 'UTF8'))`;
    await query(
      `insert into password_reset (account_id, token_hash, requested_at, expires_at)
       values ($1, ${sha}, clock_timestamp(), clock_timestamp() + interval '30 minutes')`,
      [user.id],
    );
    await tokenFor(user);
    expect(codes(await reset('an older link'))).toEqual([]);
  });

  it('invalidates links when the password changes', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    await change(user);
    expect(fields(await reset(token, 'yet another password'))).toEqual(['input.token']);
    expect(codes(await login(user, NEXT))).toEqual([]);
  });

  it.each(['', 'x', 'A'.repeat(43), "' or true --", '\u0000'.repeat(43)])(
    'refuses an invalid token: %j',
    async (token) => {
      expect(fields(await reset(token))).toEqual(['input.token']);
    },
  );

  it('answers alike for unknown and disabled accounts and sends no mail', async () => {
    const [user, disabled] = [await tidings.asUser(), await tidings.asUser()];
    await query('update account set disabled_at = now() where id = $1', [disabled.id]);
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

  it('is refused for an account disabled after the mail', async () => {
    const user = await tidings.asUser();
    const token = await tokenFor(user);
    await query('update account set disabled_at = now() where id = $1', [user.id]);
    expect(fields(await reset(token))).toEqual(['input.token']);
  });

  it('answers without waiting for a locked account or a silent mail server', async () => {
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
});

it('without a mail server outside production writes the link to a file', async () => {
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
