// The audit trail: which actions ADMINs can read, and what it never contains.
import { addMember, createProject, postUpdate } from './support/factories.js';
import { PASSWORD, type Person, useTidings } from './support/tidings.js';

const tidings = useTidings(() => ({ env: { TRUST_PROXY: '127.0.0.1/32', REFRESH_REUSE_WINDOW: '10m' } }));
const AUDIT = `query ($first: Int, $after: String, $filter: AuditFilter) { auditLog(first: $first, after: $after, filter: $filter) {
  nodes { id at action outcome actor { id } address subjectKind subjectId details } pageInfo { hasNextPage endCursor } } }`;
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { refreshToken } }';
const TYPED = 'somebody-who-is-not-here@example.com';

interface Entry {
  id: string;
  at: string;
  action: string;
  outcome: string;
  actor: { id: string } | null;
  address: string | null;
  subjectKind: string | null;
  subjectId: string | null;
  details: Readonly<Record<string, unknown>>;
}

let admin: Person;
beforeAll(async () => {
  admin = await tidings.current.asUser('ADMIN');
});

const read = async (filter: Record<string, unknown> = {}, page: Record<string, unknown> = { first: 100 }) =>
  (await admin.data(AUDIT, { filter, ...page })).auditLog as {
    nodes: Entry[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
const entriesOf = async (filter: Record<string, unknown>): Promise<Entry[]> => (await read(filter)).nodes;
/** The newest entries first; what the service was asked before `work` is not among them. */
const during = async (work: () => Promise<unknown>): Promise<Entry[]> => {
  const before = (await read({}, { first: 1 })).nodes[0]?.id;
  await work();
  const { nodes } = await read();
  const known = nodes.findIndex(({ id }) => id === before);
  return known === -1 ? nodes : nodes.slice(0, known);
};
const from = (address: string) => ({ 'x-forwarded-for': address });
const refresh = (token: string, address = '127.0.0.1') =>
  tidings.current.anonymous.send(REFRESH, { t: token }, from(address));

const pageSince = (since: string) => `{ auditLog(filter: { since: "${since}" }) { nodes { id } } }`;

describe('the audit log of sign-ins', () => {
  it('records a success with address and database time', async () => {
    const [before] = await tidings.current.database.query<{ now: Date }>('select now() as now');
    const person = await tidings.current.asUser();
    const entries = await during(() => tidings.current.login(person));
    expect(entries).toMatchObject([
      { action: 'LOGIN', outcome: 'SUCCESS', actor: { id: person.id }, address: '127.0.0.1', subjectId: person.id },
    ]);
    expect(Date.parse(entries[0]!.at)).toBeGreaterThanOrEqual(before!.now.getTime() - 1);
  });

  it('records a refusal for existing and unknown accounts without the e-mail', async () => {
    const person = await tidings.current.asUser();
    const entries = await during(async () => {
      for (const email of [TYPED, person.email]) {
        await tidings.current.anonymous.send(
          LOGIN,
          { input: { email, password: 'not the password' } },
          from('192.0.2.7'),
        );
      }
    });
    expect(entries).toMatchObject([
      { action: 'LOGIN', outcome: 'REFUSED', actor: null, address: '192.0.2.7', subjectId: person.id, details: {} },
      { action: 'LOGIN', outcome: 'REFUSED', actor: null, address: '192.0.2.7', subjectId: null, details: {} },
    ]);
  });

  it('records a registration', async () => {
    const register = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }';
    const input = { name: 'New', email: 'registered@example.com', password: PASSWORD };
    let id = '';
    const entries = await during(async () => {
      id = (await tidings.current.anonymous.data(register, { input })).register.user.id;
    });
    expect(entries).toMatchObject([{ action: 'REGISTER', outcome: 'SUCCESS', actor: { id }, subjectId: id }]);
  });
});

describe('the audit log of sessions', () => {
  it('records sign-out and revocation', async () => {
    const person = await tidings.current.asUser();
    const other = await tidings.current.signIn(person.id, person.email);
    const entries = await during(async () => {
      await person.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: other.sessionId });
      await person.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: other.sessionId });
      await person.data('mutation { logout }');
    });
    expect(entries.map(({ action, details, actor }) => [action, details, actor!.id])).toEqual([
      ['LOGOUT', { sessionIds: [person.sessionId] }, person.id],
      ['SESSION_REVOKED', { sessionIds: [other.sessionId] }, person.id],
    ]);
  });

  it('records a password change', async () => {
    const person = await tidings.current.asUser();
    const input = { currentPassword: PASSWORD, newPassword: 'another password of the tests' };
    const change = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
    const entries = await during(() => person.data(change, { input }));
    expect(entries).toMatchObject([
      { action: 'PASSWORD_CHANGED', outcome: 'SUCCESS', actor: { id: person.id }, subjectId: person.id },
    ]);
  });

  it('records a wrong current password', async () => {
    const person = await tidings.current.asUser();
    const input = { currentPassword: 'not the password', newPassword: 'another password of the tests' };
    const change = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
    const entries = await during(() => person.send(change, { input }));
    expect(entries).toMatchObject([
      { action: 'PASSWORD_CHANGED', outcome: 'REFUSED', actor: { id: person.id }, subjectId: person.id, details: {} },
    ]);
  });

  it('records a reset request for existing and unknown accounts without the e-mail', async () => {
    const person = await tidings.current.asUser();
    const request = 'mutation ($e: String!) { requestPasswordReset(email: $e) }';
    const entries = await during(async () => {
      for (const e of [TYPED, person.email]) await tidings.current.anonymous.send(request, { e }, from('192.0.2.8'));
    });
    const asked = {
      action: 'PASSWORD_RESET_REQUESTED',
      outcome: 'SUCCESS',
      actor: null,
      address: '192.0.2.8',
      details: {},
    };
    expect(entries).toMatchObject([
      { ...asked, subjectKind: 'account', subjectId: person.id },
      { ...asked, subjectKind: null, subjectId: null },
    ]);
  });

  it('records a theft once for any number of replays', async () => {
    const person = await tidings.current.asUser();
    const first = person.refreshToken;
    const second = (await refresh(first)).data.refresh.refreshToken;
    await refresh(second);
    const entries = await during(() => Promise.all(Array.from({ length: 20 }, () => refresh(first, '203.0.113.9'))));
    expect(entries).toMatchObject([
      {
        action: 'REFRESH_TOKEN_REUSED',
        outcome: 'REFUSED',
        actor: null,
        address: '203.0.113.9',
        subjectKind: 'account',
        subjectId: person.id,
        details: { sessionIds: [person.sessionId] },
      },
    ]);
  });

  it('records a reuse within the window from another address once per address', async () => {
    const person = await tidings.current.asUser();
    await refresh(person.refreshToken, '198.51.100.1');
    expect(await during(() => refresh(person.refreshToken, '198.51.100.1'))).toEqual([]);
    const entries = await during(() =>
      Promise.all(Array.from({ length: 20 }, (_, at) => refresh(person.refreshToken, `198.51.100.${2 + (at % 2)}`))),
    );
    expect(entries.map(({ action, address }) => `${action} ${address}`).toSorted()).toEqual([
      'REFRESH_FROM_OTHER_ADDRESS 198.51.100.2',
      'REFRESH_FROM_OTHER_ADDRESS 198.51.100.3',
    ]);
    expect(entries[0]).toMatchObject({ subjectKind: 'session', subjectId: person.sessionId });
  });
});

describe('the audit log of administration', () => {
  const SET_ROLE = 'mutation ($id: ID!, $role: Role!) { setUserRole(userId: $id, role: $role) { id } }';
  const SET_DISABLED = 'mutation ($id: ID!, $off: Boolean!) { setUserDisabled(userId: $id, disabled: $off) { id } }';

  it('records role changes and disabling with the ended sessions in one row', async () => {
    const person = await tidings.current.asUser();
    const entries = await during(async () => {
      await admin.data(SET_ROLE, { id: person.id, role: 'EDITOR' });
      await admin.data(SET_DISABLED, { id: person.id, off: true });
      await admin.data(SET_DISABLED, { id: person.id, off: true });
      await admin.data(SET_DISABLED, { id: person.id, off: false });
    });
    expect(entries.map(({ action, details }) => [action, details])).toEqual([
      ['ACCOUNT_ENABLED', {}],
      ['ACCOUNT_DISABLED', { sessionIds: [person.sessionId] }],
      ['ROLE_CHANGED', { from: 'USER', role: 'EDITOR' }],
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ outcome: 'SUCCESS', actor: { id: admin.id }, subjectId: person.id });
    }
  });

  it('records failures with the reason', async () => {
    const entries = await during(() => admin.send(SET_ROLE, { id: admin.id, role: 'USER' }));
    expect(entries).toMatchObject([{ action: 'ROLE_CHANGED', outcome: 'FAILED', details: { reason: 'LAST_ADMIN' } }]);
  });

  it('records a refusal once per operation', async () => {
    const person = await tidings.current.asUser();
    const mutation = `mutation { ${[1, 2, 3].map((at) => `a${at}: setUserRole(userId: "${person.id}", role: ADMIN) { id }`).join(' ')} }`;
    const entries = await during(() => person.send(mutation));
    expect(entries).toMatchObject([
      { action: 'MUTATION_REFUSED', outcome: 'REFUSED', actor: { id: person.id }, details: { field: 'setUserRole' } },
    ]);
  });
});

describe('the audit log of projects', () => {
  it('records memberships and deletions', async () => {
    const [owner, member] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser()];
    const { id } = await createProject(owner);
    const update = await postUpdate(owner, id);
    let said: string | undefined;
    const entries = await during(async () => {
      await addMember(owner, id, member, 'VIEWER');
      await addMember(owner, id, member, 'VIEWER');
      const post = 'mutation ($p: ID!) { postComment(input: { projectId: $p, body: "Hm" }) { id } }';
      said = (await member.data(post, { p: id })).postComment.id;
      await owner.data('mutation ($id: ID!) { removeComment(id: $id) }', { id: said });
      await addMember(owner, id, member, 'EDITOR');
      const remove = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
      await owner.data(remove, { p: id, u: member.id });
      await owner.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id: update });
      await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id });
    });
    expect(entries.map(({ action, actor, subjectId, details }) => [action, actor!.id, subjectId, details])).toEqual([
      ['PROJECT_DELETED', admin.id, id, {}],
      ['UPDATE_REMOVED', owner.id, update, { projectId: id }],
      ['MEMBER_REMOVED', owner.id, id, { accountId: member.id }],
      ['MEMBER_CHANGED', owner.id, id, { accountId: member.id, role: 'EDITOR' }],
      ['COMMENT_REMOVED', owner.id, said, { projectId: id, authorId: member.id }],
      ['MEMBER_ADDED', owner.id, id, { accountId: member.id, role: 'VIEWER' }],
    ]);
  });
});

describe('auditLog', () => {
  it('pages newest first without duplicates', async () => {
    const all = await entriesOf({});
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const { nodes, pageInfo } = await read({}, { first: 7, after });
      seen.push(...nodes.map(({ id }) => id));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(all.map(({ id }) => id));
    expect(seen.length).toBeGreaterThan(14);
  });

  it('applies all filters, alone and combined', async () => {
    const all = await entriesOf({});
    const ids = async (filter: Record<string, unknown>) => (await entriesOf(filter)).map(({ id }) => id);
    const where = (holds: (entry: Entry) => boolean) => all.filter(holds).map(({ id }) => id);
    const middle = all[Math.floor(all.length / 2)]!;
    const cases: [Record<string, unknown>, (entry: Entry) => boolean][] = [
      [{ actions: ['LOGOUT', 'REGISTER'] }, ({ action }) => ['LOGOUT', 'REGISTER'].includes(action)],
      [{ actorId: admin.id }, ({ actor }) => actor?.id === admin.id],
      [{ outcome: 'REFUSED' }, ({ outcome }) => outcome === 'REFUSED'],
      [{ since: middle.at }, ({ at }) => at >= middle.at],
      [{ until: middle.at }, ({ at }) => at < middle.at],
    ];
    for (const [filter, holds] of cases) {
      const expected = where(holds);
      expect(expected.length).toBeGreaterThan(0);
      expect(await ids(filter)).toEqual(expected);
    }
    const filter = { actions: ['LOGIN'], actorId: admin.id, outcome: 'SUCCESS', since: all.at(-1)!.at };
    expect(await ids(filter)).toEqual(where(({ action, actor }) => action === 'LOGIN' && actor?.id === admin.id));
  });

  it('names invalid filters', async () => {
    const wrong: [Record<string, unknown>, string][] = [
      [{ actions: ['LOGIN', 'HACK'] }, 'filter.actions.1'],
      [{ actorId: 'me' }, 'filter.actorId'],
      [{ since: '+010000-01-01T00:00:00Z' }, 'filter.since'],
      [{ until: '0000-12-31T23:59:59Z' }, 'filter.until'],
      [{ since: '2020-02-30T00:00:00Z' }, 'filter.since'],
      [{ since: '2026-11-21T24:00:00Z' }, 'filter.since'],
      // By which clock?
      [{ since: '2026-11-21T09:30:00' }, 'filter.since'],
      [{ since: 'tomorrow' }, 'filter.since'],
      [{ since: '2026-02-01T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'filter.until'],
    ];
    for (const [filter, path] of wrong) {
      const { extensions } = await admin.error(AUDIT, { filter });
      expect([extensions.code, (extensions['fields'] as { path: string }[])[0]!.path]).toEqual([
        'BAD_USER_INPUT',
        path,
      ]);
    }
  });

  it('accepts valid dates only, in literals as well', async () => {
    const taken = ['2024-02-29T23:59:59.999Z', '2026-11-21t09:30:00+05:30', '2026-11-21', '0001-01-01T00:00:00Z'];
    for (const since of taken) expect((await admin.send(pageSince(since))).errors).toBeUndefined();
    for (const since of ['2023-02-29T00:00:00Z', '2026-04-31', '2026-13-01']) {
      const { extensions } = await admin.error(pageSince(since));
      expect([since, extensions.code]).toEqual([since, 'BAD_USER_INPUT']);
      expect(extensions['fields']).toMatchObject([{ path: 'filter.since' }]);
    }
  });

  it('requires an ADMIN', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    expect((await editor.error(AUDIT)).extensions).toEqual({ code: 'FORBIDDEN', requires: 'ADMIN' });
  });

  it('shows no password, token or typed e-mail', async () => {
    const [row] = await tidings.current.database.query<{ text: string }>(
      `select string_agg(to_jsonb(audit_entry)::text, '') as text from audit_entry`,
    );
    const all = `${row!.text}${tidings.current.logged.join('')}`;
    expect(row!.text).toContain('REFRESH_TOKEN_REUSED');
    for (const secret of [PASSWORD, 'not the password', TYPED, 'tr1.', 'eyJ', 'argon2', '@example.com']) {
      expect(all).not.toContain(secret);
    }
  });
});
