// Passwords: rules and change. A change ends the sessions opened with the old password, under concurrency as well.
import { hash } from '@node-rs/argon2';
import { PARAMETERS } from '../src/engine/passwords/passwords.js';
import { isLong } from './support/extent.js';
import { GraphqlClient } from './support/graphql-client.js';
import {
  change,
  codes,
  endings,
  fields,
  liveSessions,
  login,
  mails,
  ME,
  NEXT,
  query,
  reset,
  tidings,
  usePasswords,
  waiting,
} from './support/passwords.js';
import { RawSocket } from './support/socket-client.js';
import { PASSWORD } from './support/tidings.js';

const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { refreshToken } }';
/** Of a stolen token. */
const REPLAYS = isLong ? 1_000 : 100;

usePasswords();

describe('a new password', () => {
  it.each([
    ['common', 'baseball'],
    ['common, in capitals', 'PASSWORD'],
    ['common, in mixed case', 'QwertyUIOP'],
    ['common digits', '12345678'],
    ['too short', 'seven77'],
    ['too long', 'x'.repeat(129)],
  ])('that is %s is refused in every mutation by field', async (_what, password) => {
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

  it.each(['12345678 baseball', 'x'.repeat(128), 'ünüblich', 'baseball\n'])('is accepted: %j', async (password) => {
    const user = await tidings.asUser();
    expect(codes(await change(user, PASSWORD, password))).toEqual([]);
    expect(codes(await login(user, password))).toEqual([]);
  });
});

describe('changePassword', () => {
  it('ends every session, closes their sockets, and opens a new session', async () => {
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

  it('requires the current password and keeps the session otherwise', async () => {
    const user = await tidings.asUser();
    expect(codes(await change(user, 'not the password'))).toEqual(['INVALID_CREDENTIALS']);
    expect(await user.data(ME)).toEqual({ me: { id: user.id } });
    expect(codes(await login(user, PASSWORD))).toEqual([]);
  });

  it('is announced by mail without either password', async () => {
    const user = await tidings.asUser();
    await change(user);
    const [got] = await mails.to(user.email);
    expect(got!.mail.subject).toBe('Your password was changed');
    expect(got!.raw).not.toMatch(/password of the tests/);
    expect(tidings.logged).toEqual([]);
  });

  it('succeeds once under concurrency', async () => {
    const user = await tidings.asUser();
    const replies = await Promise.all(Array.from({ length: 8 }, (_, n) => change(user, PASSWORD, `${NEXT} ${n}`)));
    const succeeded = replies.filter(({ errors }) => !errors);
    expect(succeeded).toHaveLength(1);
    expect(replies.flatMap(codes)).toEqual(Array.from({ length: 7 }, () => 'UNAUTHENTICATED'));
    expect(await liveSessions(user)).toEqual([succeeded[0]!.data.changePassword.session.id]);
  });

  it('fails for a session that ended during the verification', async () => {
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

  it('succeeds when a sign-in rehashes the same password concurrently', async () => {
    const user = await tidings.asUser();
    await query('begin');
    await query('update account set password_hash = $2 where id = $1', [user.id, await hash(PASSWORD, PARAMETERS)]);
    const reply = change(user);
    await waiting(1);
    await query('commit');
    expect(codes(await reply)).toEqual([]);
    expect(codes(await login(user, NEXT))).toEqual([]);
  });

  it.each([
    ['sign-in', 'change'],
    ['change', 'sign-in'],
  ])('leaves no session of a concurrent sign-in when the %s gets the lock first', async (first) => {
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

describe('a stolen refresh token', () => {
  it('causes one mail and one audit entry for any number of replays', async () => {
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
