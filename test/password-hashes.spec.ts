// Hashes with outdated parameters are replaced transparently at the owner's next sign-in.
import { hash } from '@node-rs/argon2';
import { PARAMETERS } from '../src/engine/passwords/passwords.js';
import type { Reply } from './support/graphql-client.js';
import { OWN_PARAMETERS, PASSWORD, type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const query = (sql: string, parameters: unknown[] = []) =>
  tidings.current.database.query<Record<string, unknown>>(sql, parameters);

const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } } }';
const login = ({ email }: Person, password: string): Promise<Reply> =>
  tidings.current.anonymous.send(LOGIN, { input: { email, password } });
const codes = ({ errors = [] }: Reply) => errors.map(({ extensions }) => extensions.code);
const liveSessions = ({ id }: Person) =>
  query('select id from session where account_id = $1 and ended_at is null', [id]);

const weak = () => hash(PASSWORD, { memoryCost: 1_024, timeCost: 1, parallelism: 1 });
const hashOf = async ({ id }: Person) =>
  String((await query('select password_hash from account where id = $1', [id]))[0]!['password_hash']);

it('a password hash is argon2id with 19 MiB, two passes, one lane (OWASP)', () => {
  expect(OWN_PARAMETERS).toEqual({ memoryCost: 19 * 1_024, timeCost: 2, parallelism: 1 });
});

describe('a hash with other parameters', () => {
  it('is rehashed at the next sign-in without ending sessions', async () => {
    const user = await tidings.current.asUser();
    await query('update account set password_hash = $2 where id = $1', [user.id, await weak()]);
    expect(codes(await login(user, 'not the password'))).toEqual(['INVALID_CREDENTIALS']);
    expect(await hashOf(user)).toContain('m=1024,t=1,p=1');
    expect(codes(await login(user, PASSWORD))).toEqual([]);
    const renewed = await hashOf(user);
    expect(renewed).toContain(`m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=1`);
    expect(codes(await login(user, PASSWORD))).toEqual([]);
    expect(await hashOf(user)).toBe(renewed);
    expect(await liveSessions(user)).toHaveLength(3);
  });

  it('does not refuse concurrent sign-ins during the rehash', async () => {
    const user = await tidings.current.asUser();
    await query('update account set password_hash = $2 where id = $1', [user.id, await weak()]);
    const replies = await Promise.all(Array.from({ length: 6 }, () => login(user, PASSWORD)));
    expect(replies.flatMap(codes)).toEqual([]);
    expect(await liveSessions(user)).toHaveLength(7);
  });
});
