// A service with an SMTP server, and helpers for password changes and resets.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphqlClient, Reply } from './graphql-client.js';
import { MailServer, tokenIn } from './smtp.js';
import { PASSWORD, type Person, TestTidings } from './tidings.js';
import { until } from './wait.js';

export const NEXT = 'another password of the tests';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken session { id } } }';
const CHANGE = `mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
  accessToken refreshToken user { id email } session { id current transport } } }`;
export const REQUEST = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';
export const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) }';
export const ME = '{ me { id } }';

export let mails: MailServer;
export let tidings: TestTidings;
export let folder: string;

/** Starts both in beforeAll and stops them in afterAll. */
export function usePasswords(env: Readonly<Record<string, string>> = {}): void {
  beforeAll(async () => {
    mails = await MailServer.start();
    folder = await mkdtemp(join(tmpdir(), 'tidings-passwords-'));
    tidings = await TestTidings.start({
      env: { SMTP_URL: mails.url, DATA_DIR: folder, PUBLIC_URL: 'https://news.example', ...env },
    });
  });
  afterAll(async () => {
    await tidings.stop();
    await mails.stop();
    await rm(folder, { recursive: true });
  });
}

export const query = (sql: string, parameters: unknown[] = []) =>
  tidings.database.query<Record<string, unknown>>(sql, parameters);
export const login = ({ email }: Person, password: string): Promise<Reply> =>
  tidings.anonymous.send(LOGIN, { input: { email, password } });
export const change = (person: GraphqlClient, currentPassword = PASSWORD, newPassword = NEXT): Promise<Reply> =>
  person.send(CHANGE, { input: { currentPassword, newPassword } });
export const reset = (token: string, newPassword = NEXT): Promise<Reply> =>
  tidings.anonymous.send(RESET, { input: { token, newPassword } });
export const codes = ({ errors = [] }: Reply) => errors.map(({ extensions }) => extensions.code);
export const fields = ({ errors = [] }: Reply) =>
  errors.flatMap(({ extensions }) => (extensions['fields'] as { path: string }[]).map(({ path }) => path));
export const liveSessions = async ({ id }: Person) =>
  (await query('select id from session where account_id = $1 and ended_at is null', [id])).map((row) => row['id']);
export const endings = async ({ id }: Person) =>
  (
    await query(`select facts ->> 'reason' as reason from event where resource_id = $1 and kind = 'SESSIONS_ENDED'`, [
      id,
    ])
  ).map(({ reason }) => reason);

/** Requests a reset and returns the token of the `count`th mail to the account. */
export async function tokenFor(person: Person, count = 1): Promise<string> {
  await tidings.anonymous.data(REQUEST, { email: person.email });
  return tokenIn((await mails.to(person.email, count))[count - 1]!.mail.text);
}

/** Resolves when `count` statements of this database wait for a lock. */
export function waiting(count: number): Promise<void> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return until(async () => (await query(sql)).length >= count, `${count} waited for the account`);
}
