// Budgets of an account's writes: operations, root fields of mutations, projects, members, notifications.
import { AccountBudget, OPERATIONS, WRITES } from '../src/engine/limits/account-budget.js';
import { Limits } from '../src/engine/limits/limits.js';
import { MAX_PER_SENDER } from '../src/domain/notifications/notifications-of-events.js';
import { addMember, createProject } from './support/factories.js';
import { codeOf, codesOf, type GraphqlClient } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings(() => ({ env: { RATE_LIMITS: 'on' } }));
/** What Prometheus is told of refusals, by limit. */
async function refusals(limit: string): Promise<number> {
  const page = await fetch(`${tidings.current.url}/metrics`).then((response) => response.text());
  const line = page.split('\n').find((one) => one.startsWith(`tidings_rate_limited_total{limit="${limit}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Counts so many root fields that write as if the account had sent them, but `left`. */
function writeAllBut(left: number, { id }: Person): void {
  const budget = tidings.current.app.get(AccountBudget);
  for (let at = 0; at < WRITES[0]!.points - left; at += 1) budget.write(id);
}

const comments = (count: number, projectId: string, text = 'Hello') =>
  `mutation { ${Array.from({ length: count }, (_, at) => `c${at}: postComment(input: { projectId: "${projectId}", body: "${text}" }) { id }`).join(' ')} }`;

const mention = (by: GraphqlClient, projectId: string, body: string) =>
  by.data('mutation ($p: ID!, $b: String!) { postComment(input: { projectId: $p, body: $b }) { id } }', {
    p: projectId,
    b: body,
  });

describe('the limit of root fields that write', () => {
  it('counts each field of an operation', async () => {
    const author = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(author);
    writeAllBut(3 + 1, author);
    const before = await refusals(WRITES[0]!.name);
    const reply = await author.send(comments(5, id));
    expect(reply.errors?.map(({ extensions }) => extensions.code)).toEqual(['RATE_LIMITED']);
    expect(reply.errors![0]!.extensions['retryAfter']).toBeLessThanOrEqual(60);
    const rows = await tidings.current.database.query('select 1 from comment where project_id = $1', [id]);
    expect(rows).toHaveLength(3);
    expect((await refusals(WRITES[0]!.name)) - before).toBe(1);
  });

  it('is per account and does not affect reads', async () => {
    const [author, other] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser('EDITOR')];
    const { id } = await createProject(author);
    await addMember(author, id, other, 'EDITOR');
    writeAllBut(0 + 2, author);
    expect(codeOf(await author.send(comments(1, id)))).toBe('RATE_LIMITED');
    expect(codeOf(await author.send('{ me { id } }'))).toBe('OK');
    expect(codeOf(await other.send(comments(1, id)))).toBe('OK');
  });

  it('leaves an account able to end sessions', async () => {
    const owner = await tidings.current.asUser();
    const thief = await tidings.current.signIn(owner.id, owner.email);
    writeAllBut(0, owner);
    const revoke = 'mutation ($id: ID!) { revokeSession(id: $id) }';
    expect((await owner.send(revoke, { id: thief.sessionId })).data).toEqual({ revokeSession: true });
    expect(codeOf(await thief.send('{ me { id } }'))).toBe('UNAUTHENTICATED');
    expect((await owner.send('mutation { logoutEverywhere(keepCurrent: true) }')).data).toEqual({
      logoutEverywhere: 0,
    });
    expect((await owner.send('mutation { logout }')).data).toEqual({ logout: true });
  });

  it('counts over sockets and HTTP together', async () => {
    const author = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(author);
    const socket = await RawSocket.signedIn(tidings.current.url, author.accessToken!);
    writeAllBut(1 + 1, author);
    socket.send({ type: 'subscribe', id: '1', payload: { query: comments(2, id) } });
    const { payload } = await socket.next('next');
    expect(payload.errors.map((error: { extensions: { code: string } }) => error.extensions.code)).toEqual([
      'RATE_LIMITED',
    ]);
    expect(codeOf(await author.send(comments(1, id)))).toBe('RATE_LIMITED');
    await socket.close();
  });
});

describe('the limit of notifications', () => {
  it('bounds those from one account to another per hour without refusing posts', async () => {
    const [sender, other] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser('EDITOR', 'Otto')];
    const victim = await tidings.current.asUser('USER', 'Victoria');
    const { id } = await createProject(sender);
    for (const one of [victim, other]) await addMember(sender, id, one, 'EDITOR');
    const count = async (who: Person, by: Person) =>
      (
        await tidings.current.database.query('select 1 from notification where account_id = $1 and actor_id = $2', [
          who.id,
          by.id,
        ])
      ).length;
    const first = await count(victim, sender);
    expect(first).toBe(1);
    for (let at = 0; at < MAX_PER_SENDER + 10; at += 1) await mention(sender, id, '@Victoria, look');
    expect(await count(victim, sender)).toBe(MAX_PER_SENDER);
    // Neither other senders nor other recipients are concerned.
    await mention(other, id, '@Victoria and @Otto');
    await mention(sender, id, '@Victoria and @Otto');
    expect([await count(victim, other), await count(other, sender)]).toEqual([1, 2]);
    expect(await count(victim, sender)).toBe(MAX_PER_SENDER);
    const rows = await tidings.current.database.query('select 1 from comment where project_id = $1', [id]);
    expect(rows).toHaveLength(MAX_PER_SENDER + 12);
    const page = await fetch(`${tidings.current.url}/metrics`).then((response) => response.text());
    expect(page).toMatch(/^tidings_notifications_dropped_total 12$/m);
    // An hour later it begins again.
    await tidings.current.database.query(
      `update notification set id = overlay(id::text placing '01900000-0000' from 1)::uuid where account_id = $1`,
      [victim.id],
    );
    await mention(sender, id, '@Victoria again');
    expect(await count(victim, sender)).toBe(MAX_PER_SENDER + 1);
  });
});

describe('the limit of registrations', () => {
  const small = useTidings(() => ({
    env: { RATE_LIMITS: 'on', REGISTRATIONS_PER_HOUR: '5', TRUST_PROXY: '127.0.0.1/32' },
  }));
  const register = (address: string, email: string) =>
    small.current.anonymous.send(
      'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }',
      { input: { name: 'New', email, password: 'a password of the tests' } },
      { 'x-forwarded-for': address },
    );

  it('bounds the total over all networks', async () => {
    const codes = await codesOf(7, (at) => register(`2001:db8:${at}::1`, `fresh${at}@example.com`));
    expect(codes).toEqual({ OK: 5, RATE_LIMITED: 2 });
  });
});

describe('the limit of new projects', () => {
  it('bounds projects per hour, in one operation or many', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const limits = tidings.current.app.get(Limits);
    for (let at = 0; at < 98; at += 1) {
      await limits.consume({ name: 'createProject', points: 100, seconds: 3_600 }, editor.id);
    }
    const fields = [0, 1, 2, 3].map((at) => `p${at}: createProject(input: { key: "MANY-${at}", name: "Many" }) { id }`);
    const { errors } = await editor.send(`mutation { ${fields.join(' ')} }`);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['RATE_LIMITED']);
    const rows = await tidings.current.database.query(`select 1 from project where key like 'MANY-%'`);
    expect(rows).toHaveLength(2);
  });

  it('allows sixty refused keys, not counting free ones', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const create = (key: string) =>
      editor.send('mutation ($k: String!) { createProject(input: { key: $k, name: "New" }) { id } }', { k: key });
    expect(await codesOf(5, (at) => create(`FREE-${at}`))).toEqual({ OK: 5 });
    expect(await codesOf(65, () => create('FREE-0'))).toEqual({ CONFLICT: 60, RATE_LIMITED: 5 });
    expect(codeOf(await create('FREE-6'))).toBe('RATE_LIMITED');
  });
});

describe('the work budget of an account', () => {
  it('is charged for every root field', async () => {
    const reader = await tidings.current.asUser();
    const budget = tidings.current.app.get(AccountBudget);
    budget.operation(reader.id, OPERATIONS.points - 5);
    const four = '{ a: me { id } b: me { id } c: me { id } d: me { id } }';
    expect(codeOf(await reader.send(four))).toBe('OK');
    const refused = await reader.send(four);
    expect(codeOf(refused)).toBe('RATE_LIMITED');
    expect(refused.data).toBeUndefined();
  });

  let user: Person;
  const slow = 'query Slow { me { id } }';

  it('answers Retry-After over HTTP and sockets alike without affecting others', async () => {
    user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    const limits = tidings.current.app.get(AccountBudget);
    limits.operation(user.id, OPERATIONS.points - 1);
    expect(codeOf(await user.send(slow))).toBe('OK');
    const refused = await user.send(slow);
    expect(codeOf(refused)).toBe('RATE_LIMITED');
    expect(refused.errors?.[0]?.extensions['retryAfter']).toBeLessThanOrEqual(10);
    expect(refused.headers.get('retry-after')).toBe(String(refused.errors?.[0]?.extensions['retryAfter']));
    for (const [at, query] of [
      '{ me { id } }',
      'mutation { logoutEverywhere }',
      'subscription { notificationReceived { id } }',
    ].entries()) {
      socket.send({ type: 'subscribe', id: String(at), payload: { query } });
      const { id, payload } = await socket.next('error');
      expect([id, payload[0].extensions.code]).toEqual([String(at), 'RATE_LIMITED']);
    }
    const other = await tidings.current.asUser();
    expect(await other.data('{ me { id } }')).toEqual({ me: { id: other.id } });
    await until(async () => codeOf(await user.send(slow)) === 'OK', 'it was served again', 11_000);
    await socket.close();
  }, 60_000);
});

describe('credential mutations over a socket', () => {
  it('are refused', async () => {
    const user = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    const documents = [
      `mutation { login(input: { email: "${user.email}", password: "a wrong guess" }) { accessToken } }`,
      `mutation { refresh(refreshToken: "${user.refreshToken}") { accessToken } }`,
      `mutation { requestPasswordReset(email: "${user.email}") }`,
      'mutation { changePassword(input: { currentPassword: "a wrong guess", newPassword: "another phrase" }) { accessToken } }',
    ];
    for (const [at, query] of documents.entries()) {
      socket.send({ type: 'subscribe', id: String(at), payload: { query } });
      expect((await socket.next('error')).payload[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    await socket.close();
  });
});
