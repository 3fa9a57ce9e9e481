// Audit entries that clients can cause repeatedly are aggregated into one row with a count, bounded and without loss.
import { randomBytes, randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { Role } from '../src/engine/access/role.js';
import { AuditRepetitions, MAX_ANONYMOUS_ROWS, MAX_PER_SOURCE } from '../src/engine/audit/audit-repetitions.js';
import { AccountBudget, OPERATIONS } from '../src/engine/limits/account-budget.js';
import { AccessTokens } from '../src/engine/sessions/access-tokens.js';
import { createDatabase } from './support/database.js';
import { createProject } from './support/factories.js';
import { codeOf } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';

const ENV = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1/32' };
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const SET_ROLE = 'mutation ($id: ID!) { setUserRole(userId: $id, role: ADMIN) { id } }';
const AUDIT = `query ($filter: AuditFilter) { auditLog(first: 100, filter: $filter) {
  nodes { id at lastAt count action outcome actor { id } address subjectKind subjectId details } } }`;

const tidings = useTidings(() => ({ env: ENV }));
let admin: Person;
beforeAll(async () => {
  admin = await tidings.current.asUser('ADMIN');
});

const written = () => tidings.current.app.get(AuditRepetitions).write();
const from = (address: string) => ({ 'x-forwarded-for': address });
/** Entries of this action, newest first, with what was counted. */
async function entries(action: string, more: Record<string, unknown> = {}) {
  await written();
  return (await admin.data(AUDIT, { filter: { actions: [action], ...more } })).auditLog.nodes as {
    id: string;
    at: string;
    lastAt: string | null;
    count: number;
    address: string | null;
    subjectKind: string | null;
    subjectId: string | null;
    details: Readonly<Record<string, unknown>>;
    actor: { id: string } | null;
    outcome: string;
  }[];
}
const guess = (address: string, email: string) =>
  tidings.current.anonymous.send(LOGIN, { input: { email, password: 'a wrong guess' } }, from(address));

describe('a repeated refusal', () => {
  it('is one entry with a count', async () => {
    const person = await tidings.current.asUser();
    for (let at = 0; at < 100; at += 1) await person.send(SET_ROLE, { id: person.id });
    const [entry, ...others] = await entries('MUTATION_REFUSED', { actorId: person.id });
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ count: 100, outcome: 'REFUSED', details: { field: 'setUserRole' } });
    expect(Date.parse(entry!.lastAt!)).toBeGreaterThanOrEqual(Date.parse(entry!.at));
  });

  it('that happens once has a count of one and no last time', async () => {
    const person = await tidings.current.asUser();
    await person.send(SET_ROLE, { id: person.id });
    expect(await entries('MUTATION_REFUSED', { actorId: person.id })).toMatchObject([{ count: 1, lastAt: null }]);
  });

  it('starts another entry after ten minutes', async () => {
    const person = await tidings.current.asUser();
    await person.send(SET_ROLE, { id: person.id });
    await person.send(SET_ROLE, { id: person.id });
    const repetitions = tidings.current.app.get(AuditRepetitions);
    const { clock } = repetitions;
    repetitions.clock = () => clock() + 10 * 60_000;
    try {
      await person.send(SET_ROLE, { id: person.id });
      await written();
    } finally {
      repetitions.clock = clock;
    }
    const counts = (await entries('MUTATION_REFUSED', { actorId: person.id })).map(({ count }) => count);
    expect(counts).toEqual([1, 2]);
  });
});

describe('the audit log of refused attempts', () => {
  it('counts attempts over a limit by field', async () => {
    const [victim, address] = [await tidings.current.asUser(), '198.51.100.7'];
    for (let at = 0; at < 14; at += 1) await guess(address, victim.email);
    const limited = (await entries('MUTATION_REFUSED')).filter((entry) => entry.address === address);
    expect(limited).toMatchObject([{ count: 4, actor: null, details: { field: 'login', reason: 'RATE_LIMITED' } }]);
    const wrong = (await entries('LOGIN')).filter((entry) => entry.address === address);
    expect(wrong).toMatchObject([{ count: 10, outcome: 'REFUSED', subjectId: victim.id }]);
  });

  it('counts operations over the work budget', async () => {
    const person = await tidings.current.asUser();
    tidings.current.app.get(AccountBudget).operation(person.id, OPERATIONS.points);
    for (let at = 0; at < 3; at += 1) await person.send('{ me { id } }');
    expect(await entries('OPERATION_REFUSED')).toMatchObject([
      { count: 3, actor: { id: person.id }, outcome: 'REFUSED', details: { reason: 'RATE_LIMITED' } },
    ]);
  });

  it('counts invalid reset tokens without the token', async () => {
    const reset = 'mutation ($t: String!) { resetPassword(input: { token: $t, newPassword: "another long phrase" }) }';
    for (let at = 0; at < 5; at += 1)
      await tidings.current.anonymous.send(reset, { t: `made-up-${at}` }, from('198.51.100.8'));
    expect(await entries('PASSWORD_RESET')).toMatchObject([
      { count: 5, outcome: 'REFUSED', address: '198.51.100.8', subjectId: null, details: {} },
    ]);
  });

  it('counts forged access tokens without the token, not expired ones', async () => {
    const person = await tidings.current.asUser();
    const [header, claims] = person.accessToken!.split('.');
    const address = '198.51.100.10';
    const expired = tidings.current.app
      .get(AccessTokens)
      .issue(person.id, person.sessionId, Role.USER, new Date(Date.now() - 60_000)).token;
    const show = (token: string) =>
      tidings.current.anonymous.send('{ me { id } }', {}, { ...from(address), authorization: `Bearer ${token}` });
    await show(expired);
    expect((await entries('ACCESS_TOKEN_REFUSED')).filter((entry) => entry.address === address)).toEqual([]);
    for (let at = 0; at < 4; at += 1) await show(`${header}.${claims}.${randomBytes(64).toString('base64url')}`);
    const socket = await RawSocket.open(tidings.current.url, from(address));
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${header}.${claims}.AAAA` } });
    await socket.closed;
    expect((await entries('ACCESS_TOKEN_REFUSED')).filter((entry) => entry.address === address)).toEqual([
      expect.objectContaining({ count: 5, outcome: 'REFUSED', actor: null, subjectId: null, details: {} }),
    ]);
  });

  it('counts forged refresh tokens', async () => {
    const person = await tidings.current.asUser();
    const refresh = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken } }';
    for (let at = 0; at < 3; at += 1) {
      const t = `tr1.${person.sessionId}.1.${'A'.repeat(43)}`;
      await tidings.current.anonymous.send(refresh, { t }, from('198.51.100.9'));
    }
    expect(await entries('REFRESH_REFUSED')).toMatchObject([
      { count: 3, address: '198.51.100.9', subjectKind: 'session', subjectId: person.sessionId },
    ]);
  });

  it('counts subscriptions to absent and invisible objects alike', async () => {
    const [person, other] = [await tidings.current.asUser(), await tidings.current.asUser('EDITOR')];
    const { id } = await createProject(other);
    const socket = person.socket();
    for (const projectId of [id, randomUUID()]) {
      const watch = socket.subscribe('subscription ($p: ID!) { projectUpdated(projectId: $p) { seq } }', {
        p: projectId,
      });
      await expect(watch.next()).rejects.toThrow('subscription ended');
    }
    expect(await entries('SUBSCRIPTION_REFUSED', { actorId: person.id })).toMatchObject([
      { count: 2, details: { field: 'projectUpdated', reason: 'NOT_FOUND' } },
    ]);
  });

  it('counts refused removals of the last OWNER or ADMIN', async () => {
    const owner = await tidings.current.asUser('EDITOR');
    const { id } = await createProject(owner);
    const variables = { p: id, u: owner.id };
    await owner.send('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', variables);
    const demote = 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }';
    for (let at = 0; at < 2; at += 1) await owner.send(demote, variables);
    const failed = { outcome: 'FAILED', actor: { id: owner.id }, subjectKind: 'project', subjectId: id };
    const details = { reason: 'LAST_OWNER', accountId: owner.id };
    expect(await entries('MEMBER_REMOVED')).toMatchObject([{ ...failed, count: 1, details }]);
    expect(await entries('MEMBER_CHANGED')).toMatchObject([
      { ...failed, count: 2, details: { role: 'VIEWER', ...details } },
    ]);
    const setRole = 'mutation ($u: ID!) { setUserRole(userId: $u, role: USER) { id } }';
    for (let at = 0; at < 2; at += 1) await admin.send(setRole, { u: admin.id });
    expect(await entries('ROLE_CHANGED')).toMatchObject([
      { outcome: 'FAILED', count: 2, details: { reason: 'LAST_ADMIN' } },
    ]);
  });
});

/** From a site of its own. */
const elsewhere = (at: number) => ({
  action: 'LOGIN' as const,
  outcome: 'REFUSED' as const,
  address: `2001:db8:${at.toString(16)}::1`,
});
const sum = (counts: readonly { count: number }[]) => counts.reduce((total, { count }) => total + count, 0);

describe('a flood of refusals', () => {
  it('from one network makes a bounded number of entries and one count of the rest', async () => {
    const total = MAX_PER_SOURCE + 12;
    // Not more at a time than may wait for a hash: the others would be refused as too many, which is another entry.
    const limit = pLimit(8);
    const replies = await Promise.all(
      Array.from({ length: total }, (_, at) => limit(() => guess(`203.0.113.${at + 1}`, `nobody${at}@example.com`))),
    );
    expect(new Set(replies.map(codeOf))).toEqual(new Set(['INVALID_CREDENTIALS']));
    const found = (await entries('LOGIN')).filter(({ address }) => address?.startsWith('203.0.113.'));
    expect(found).toHaveLength(MAX_PER_SOURCE + 1);
    expect(sum(found)).toBe(total);
    expect(found.filter(({ details }) => details['others'] === true)).toMatchObject([
      { count: 12, address: '203.0.113.0/24', subjectId: null },
    ]);
  });

  it('from many networks is bounded and leaves room for account entries', async () => {
    const own = await TestTidings.start({ env: ENV });
    const repetitions = own.app.get(AuditRepetitions);
    const counts = (where: string) =>
      own.database.query<{ count: number }>(`select count from audit_entry where ${where}`);
    try {
      for (let at = 0; at < 2_000; at += 100)
        await Promise.all(Array.from({ length: 100 }, (_, more) => repetitions.record(elsewhere(at + more))));
      const person = await own.asUser();
      await person.send(SET_ROLE, { id: person.id });
      await repetitions.write();
      const flood = await counts(`action = 'LOGIN'`);
      expect(flood).toHaveLength(MAX_ANONYMOUS_ROWS + 1);
      expect(sum(flood)).toBe(2_000);
      expect(await counts(`action = 'MUTATION_REFUSED' and actor_id is not null and details ? 'field'`)).toEqual([
        { count: 1 },
      ]);
    } finally {
      await own.stop();
    }
  }, 60_000);
});

describe('counted entries', () => {
  it('are written at shutdown', async () => {
    const database = await createDatabase();
    const own = await TestTidings.start({ env: ENV, database });
    const person = await own.asUser();
    for (let at = 0; at < 7; at += 1) await person.send(SET_ROLE, { id: person.id });
    await own.stop();
    expect(await database.query('select action, count from audit_entry')).toEqual([
      { action: 'MUTATION_REFUSED', count: 7 },
    ]);
    await database.drop();
  });

  it('are discarded without errors after shutdown with the database gone', async () => {
    const own = await TestTidings.start({ env: ENV });
    const repetitions = own.app.get(AuditRepetitions);
    await own.stop();
    await expect(repetitions.record({ action: 'LOGIN', outcome: 'REFUSED' })).resolves.toBeUndefined();
  });

  it('are kept while the database is away', async () => {
    const person = await tidings.current.asUser();
    const { database } = tidings.current;
    await database.query('alter table audit_entry rename to audit_entry_away');
    try {
      for (let at = 0; at < 3; at += 1) {
        expect((await person.error(SET_ROLE, { id: person.id })).extensions.code).toBe('FORBIDDEN');
      }
      await written();
    } finally {
      await database.query('alter table audit_entry_away rename to audit_entry');
    }
    await person.send(SET_ROLE, { id: person.id });
    expect(await entries('MUTATION_REFUSED', { actorId: person.id })).toMatchObject([{ count: 4 }]);
  });
});
