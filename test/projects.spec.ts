// Projects and members: permissions, visibility, and concurrent changes.
import { randomUUID } from 'node:crypto';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import type { GraphqlError } from './support/graphql-client.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const CREATE =
  'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id key name description budget version } }';
const EDIT =
  'mutation ($id: ID!, $input: EditProjectInput!, $version: Int) { editProject(id: $id, input: $input, version: $version) { name description budget version } }';
const DELETE = 'mutation ($id: ID!) { deleteProject(id: $id) }';
const SET =
  'mutation ($p: ID!, $u: ID!, $r: ProjectRole!) { setProjectMember(projectId: $p, userId: $u, role: $r) { role user { id } } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';
const READ = 'query ($id: ID, $key: String) { project(id: $id, key: $key) { id name version } }';
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const EDIT_UPDATE = 'mutation ($id: ID!) { editUpdate(id: $id, input: { title: "New title" }) { title } }';
const REMOVE_UPDATE = 'mutation ($id: ID!) { removeUpdate(id: $id) }';
const COMMENT = 'mutation ($input: PostCommentInput!) { postComment(input: $input) { id } }';
const REMOVE_COMMENT = 'mutation ($id: ID!) { removeComment(id: $id) }';

const ROLES = ['USER', 'EDITOR', 'ADMIN'] as const;
const MEMBERSHIPS = [null, 'VIEWER', 'EDITOR', 'OWNER'] as const;

/** What a client is told, without what differs from call to call. */
const told = ({ message, extensions, path }: GraphqlError) => ({ message, extensions, path });

let owner: Person;
let bystander: Person;
beforeAll(async () => {
  owner = await tidings.current.asUser('EDITOR', 'Owner');
  bystander = await tidings.current.asUser('USER', 'Bystander');
});

function nothingIsLogged(): void {
  expect(tidings.current.logged).toEqual([]);
}
afterEach(nothingIsLogged);

describe.each(ROLES)('an account with the role %s', (role) => {
  describe.each(MEMBERSHIPS)('that is %s in a project', (membership) => {
    const rank = { USER: 1, EDITOR: 3, ADMIN: 3 }[role];
    const place = role === 'ADMIN' ? 3 : Math.min(rank, { VIEWER: 1, EDITOR: 2, OWNER: 3 }[membership ?? 'VIEWER']);
    const visible = role === 'ADMIN' || membership !== null;
    /** What a call that needs this role in the project answers: its data, or the code of the refusal. */
    const expected = (needed: 1 | 2 | 3) => {
      if (rank < needed) return 'FORBIDDEN';
      if (!visible) return 'NOT_FOUND';
      return place < needed ? 'FORBIDDEN' : 'OK';
    };
    let person: Person;
    let project: TestProject;
    let update: string;
    let comment: string;
    const outcome = async (query: string, variables: Record<string, unknown>) => {
      const { errors } = await person.send(query, variables);
      return errors?.map(({ extensions }) => extensions.code).join() ?? 'OK';
    };

    beforeAll(async () => {
      person = await tidings.current.asUser(role);
      project = await createProject(owner);
      if (membership) await addMember(owner, project.id, person, membership);
      update = await postUpdate(owner, project.id);
      comment = (await owner.data(COMMENT, { input: { projectId: project.id, body: 'First!' } })).postComment.id;
    });

    it('reads and comments as a VIEWER', async () => {
      expect(await outcome(READ, { id: project.id })).toBe(expected(1));
      expect(await outcome(READ, { key: project.key })).toBe(expected(1));
      expect(await outcome(COMMENT, { input: { projectId: project.id, body: 'Hello' } })).toBe(expected(1));
      const { projects } = await person.data(
        'query ($key: String) { projects(filter: { search: $key }) { nodes { id } } }',
        { key: project.key },
      );
      expect(projects.nodes).toEqual(visible ? [{ id: project.id }] : []);
    });

    it('edits and posts as an EDITOR', async () => {
      expect(await outcome(EDIT, { id: project.id, input: { description: 'Changed' } })).toBe(expected(2));
      expect(await outcome(POST, { input: { projectId: project.id, title: 'News', health: 'AT_RISK' } })).toBe(
        expected(2),
      );
      expect(await outcome(EDIT_UPDATE, { id: update })).toBe(expected(2));
    });

    it('deletes, and manages members, as an OWNER', async () => {
      expect(await outcome(SET, { p: project.id, u: bystander.id, r: 'VIEWER' })).toBe(expected(3));
      expect(await outcome(REMOVE, { p: project.id, u: bystander.id })).toBe(expected(3));
      expect(await outcome(REMOVE_UPDATE, { id: update })).toBe(expected(3));
      // Whose comment it is counts here, so the account role alone cannot refuse before it is known to be visible.
      expect(await outcome(REMOVE_COMMENT, { id: comment })).toBe(
        visible ? (place === 3 ? 'OK' : 'FORBIDDEN') : 'NOT_FOUND',
      );
    });

    it('creates projects as an EDITOR and deletes them as an ADMIN', async () => {
      expect(await outcome(CREATE, { input: { key: `C${randomUUID().slice(0, 8)}`, name: 'Mine' } })).toBe(
        role === 'USER' ? 'FORBIDDEN' : 'OK',
      );
      expect(await outcome(DELETE, { id: project.id })).toBe(role === 'ADMIN' ? 'OK' : 'FORBIDDEN');
    });
  });
});

const ask = async (who: Person, id: string) =>
  (await who.data('query ($id: ID!) { user(id: $id) { id } }', { id })).user;

describe('an invisible object', () => {
  it.each([
    ['project by id', READ, (project: TestProject) => ({ id: project.id }), { id: randomUUID() }],
    ['project by key', READ, (project: TestProject) => ({ key: project.key }), { key: 'NOBODY-HAS-THIS' }],
    [
      'project to edit',
      EDIT,
      (project: TestProject) => ({ id: project.id, input: { name: 'x' } }),
      { id: randomUUID(), input: { name: 'x' } },
    ],
    [
      'project to post to',
      POST,
      ({ id }: TestProject) => ({ input: { projectId: id, title: 'x', health: 'AT_RISK' } }),
      { input: { projectId: randomUUID(), title: 'x', health: 'AT_RISK' } },
    ],
    [
      'project to say something in',
      COMMENT,
      ({ id }: TestProject) => ({ input: { projectId: id, body: 'x' } }),
      { input: { projectId: randomUUID(), body: 'x' } },
    ],
    [
      'project to add somebody to',
      SET,
      ({ id }: TestProject) => ({ p: id, u: id, r: 'OWNER' }),
      { p: randomUUID(), u: randomUUID(), r: 'OWNER' },
    ],
    ['project to leave', REMOVE, ({ id }: TestProject) => ({ p: id, u: id }), { p: randomUUID(), u: randomUUID() }],
  ])('is answered like an absent one: %s', async (_what, query, invisible, absent) => {
    const stranger = await tidings.current.asUser('EDITOR');
    const error = await stranger.error(query, invisible(await createProject(owner)));
    expect(told(error)).toEqual(told(await stranger.error(query, absent)));
    expect(error.extensions).toEqual({ code: 'NOT_FOUND' });
  });

  it('update or comment is answered like an absent one', async () => {
    const stranger = await tidings.current.asUser('EDITOR');
    const project = await createProject(owner);
    const update = await postUpdate(owner, project.id);
    const { postComment } = await owner.data(COMMENT, { input: { projectId: project.id, body: 'Hidden' } });
    for (const [query, id] of [
      [EDIT_UPDATE, update],
      [REMOVE_UPDATE, update],
      [REMOVE_COMMENT, postComment.id],
    ] as const) {
      const error = await stranger.error(query, { id });
      expect(error.extensions).toEqual({ code: 'NOT_FOUND' });
      expect(told(error)).toEqual(told(await stranger.error(query, { id: randomUUID() })));
    }
  });

  it('includes the account of a user without a shared project', async () => {
    const [friend, stranger] = [await tidings.current.asUser('USER'), await tidings.current.asUser('USER')];
    expect(await ask(friend, stranger.id)).toBeNull();
    expect(await ask(friend, randomUUID())).toBeNull();
    expect(await ask(friend, friend.id)).toEqual({ id: friend.id });
    const project = await createProject(owner);
    await addMember(owner, project.id, friend, 'VIEWER');
    await addMember(owner, project.id, stranger, 'VIEWER');
    expect(await ask(friend, stranger.id)).toEqual({ id: stranger.id });
    await owner.data(REMOVE, { p: project.id, u: stranger.id });
    expect(await ask(friend, stranger.id)).toBeNull();
    expect(await ask(await tidings.current.asUser('ADMIN'), stranger.id)).toEqual({ id: stranger.id });
  });
});

describe('a refusal', () => {
  it('names the required role', async () => {
    const user = await tidings.current.asUser('USER');
    const project = await createProject(owner);
    await addMember(owner, project.id, user, 'OWNER');
    const input = { projectId: project.id, title: 'News', health: 'ON_TRACK' };
    expect((await user.error(POST, { input })).extensions).toEqual({ code: 'FORBIDDEN', requires: 'EDITOR' });
    expect((await user.error(CREATE, { input: { key: 'NO', name: 'No' } })).extensions).toEqual({
      code: 'FORBIDDEN',
      requires: 'EDITOR',
    });
    expect((await owner.error(DELETE, { id: project.id })).extensions).toEqual({
      code: 'FORBIDDEN',
      requires: 'ADMIN',
    });
    const viewer = await tidings.current.asUser('EDITOR');
    await addMember(owner, project.id, viewer, 'EDITOR');
    const error = await viewer.error(SET, { p: project.id, u: viewer.id, r: 'OWNER' });
    expect(error.extensions).toEqual({ code: 'FORBIDDEN', requires: 'OWNER' });
  });

  it('of an anonymous client reveals nothing', async () => {
    const project = await createProject(owner);
    for (const [query, variables] of [
      [READ, { id: project.id }],
      [DELETE, { id: randomUUID() }],
      [CREATE, { input: { key: 'NO', name: 'No' } }],
    ] as const) {
      expect((await tidings.current.anonymous.error(query, variables)).extensions).toEqual({ code: 'UNAUTHENTICATED' });
    }
  });

  it('of invalid input comes before authentication', async () => {
    const { anonymous } = tidings.current;
    expect((await anonymous.error(READ, {})).extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path: 'id', message: 'give either id or key' }],
    });
    expect((await anonymous.error(READ, { id: randomUUID(), key: 'X1' })).extensions.code).toBe('BAD_USER_INPUT');
    expect((await anonymous.error(READ, { id: '1' })).extensions['fields']).toEqual([
      { path: 'id', message: 'is not an id' },
    ]);
    expect((await anonymous.error(READ, { key: '-' })).extensions['fields']).toMatchObject([{ path: 'key' }]);
  });
});

describe('project membership', () => {
  it('is left by the member only', async () => {
    const project = await createProject(owner);
    const [user, other] = [await tidings.current.asUser('USER'), await tidings.current.asUser('USER')];
    await addMember(owner, project.id, user, 'VIEWER');
    await addMember(owner, project.id, other, 'OWNER');
    expect((await user.error(REMOVE, { p: project.id, u: other.id })).extensions.code).toBe('FORBIDDEN');
    expect(await user.data(REMOVE, { p: project.id, u: user.id.toUpperCase() })).toEqual({
      removeProjectMember: user.id,
    });
    expect((await user.error(READ, { id: project.id })).extensions.code).toBe('NOT_FOUND');
    expect((await user.error(REMOVE, { p: project.id, u: user.id })).extensions.code).toBe('NOT_FOUND');
    expect(await owner.data(REMOVE, { p: project.id, u: user.id })).toEqual({ removeProjectMember: user.id });
  });

  it('keeps one OWNER under concurrent removals', async () => {
    const project = await createProject(owner);
    const second = await tidings.current.asUser('EDITOR');
    const LAST = { code: 'CONFLICT', reason: 'LAST_OWNER' };
    expect((await owner.error(REMOVE, { p: project.id, u: owner.id })).extensions).toEqual(LAST);
    expect((await owner.error(SET, { p: project.id, u: owner.id, r: 'EDITOR' })).extensions).toEqual(LAST);
    await addMember(owner, project.id, second, 'OWNER');
    const replies = await Promise.all([
      owner.send(REMOVE, { p: project.id, u: owner.id }),
      second.send(SET, { p: project.id, u: second.id, r: 'VIEWER' }),
    ]);
    expect(replies.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(replies.flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions)).toEqual([LAST]);
  });

  it('is unique per account, and a change is effective at once', async () => {
    const project = await createProject(owner);
    const member = await tidings.current.asUser('EDITOR');
    const made = await Promise.all([1, 2, 3].map(() => owner.data(SET, { p: project.id, u: member.id, r: 'EDITOR' })));
    expect(made).toEqual(
      Array.from({ length: 3 }, () => ({ setProjectMember: { role: 'EDITOR', user: { id: member.id } } })),
    );
    expect(await member.data(EDIT, { id: project.id, input: { name: 'By the member' } })).toMatchObject({
      editProject: { version: 2 },
    });
    await owner.data(SET, { p: project.id, u: member.id, r: 'VIEWER' });
    expect((await member.error(EDIT, { id: project.id, input: { name: 'Again' } })).extensions.code).toBe('FORBIDDEN');
    const { project: seen } = await owner.data(
      'query ($id: ID!) { project(id: $id) { lead { id } members { nodes { role user { id } } } } }',
      { id: project.id },
    );
    expect(seen).toEqual({
      lead: { id: owner.id },
      members: {
        nodes: [
          { role: 'VIEWER', user: { id: member.id } },
          { role: 'OWNER', user: { id: owner.id } },
        ],
      },
    });
    const events = await tidings.current.database.query('select kind from event where resource_id = $1 order by seq', [
      project.id,
    ]);
    expect(events.map(({ kind }) => kind)).toEqual([
      'PROJECT_CREATED',
      'MEMBER_ADDED',
      'PROJECT_EDITED',
      'MEMBER_CHANGED',
    ]);
  });

  it('is refused for unknown accounts and the system account', async () => {
    const project = await createProject(owner);
    const [system] = await tidings.current.database.query<{ id: string }>('select id from account where is_system');
    for (const id of [randomUUID(), system!.id]) {
      expect(told(await owner.error(SET, { p: project.id, u: id, r: 'VIEWER' }))).toMatchObject({
        message: 'User not found.',
        extensions: { code: 'NOT_FOUND' },
      });
    }
  });
});

describe('a project', () => {
  it('has a unique, uppercase key under concurrency', async () => {
    const key = `race-${process.pid}`;
    const replies = await Promise.all([1, 2, 3, 4].map(() => owner.send(CREATE, { input: { key, name: 'Race' } })));
    expect(replies.filter(({ errors }) => !errors).map(({ data }) => data.createProject.key)).toEqual([
      key.toUpperCase(),
    ]);
    const refused = replies.flatMap(({ errors }) => errors ?? []);
    expect(refused.map(({ extensions }) => extensions)).toEqual(
      Array.from({ length: 3 }, () => ({ code: 'CONFLICT', reason: 'PROJECT_KEY_TAKEN' })),
    );
    expect(
      await tidings.current.database.query('select 1 from project where key = $1', [key.toUpperCase()]),
    ).toHaveLength(1);
  });

  it('is changed field by field and never overwrites a concurrent change', async () => {
    const { createProject: made } = await owner.data(CREATE, {
      input: { key: `E${process.pid}`, name: '  Café  ', budget: 0.1 + 0.2 },
    });
    expect(made).toMatchObject({ name: 'Café', description: '', budget: 0.3, version: 1 });
    expect(await owner.data(EDIT, { id: made.id, input: { budget: null }, version: 1 })).toEqual({
      editProject: { name: 'Café', description: '', budget: null, version: 2 },
    });
    const edits = await Promise.all(
      [1, 2, 3].map((n) => owner.send(EDIT, { id: made.id, input: { name: `Edit ${n}` }, version: 2 })),
    );
    expect(edits.filter(({ errors }) => !errors)).toHaveLength(1);
    const stale = edits.flatMap(({ errors }) => errors ?? []);
    expect(stale.map(({ extensions }) => extensions)).toEqual(
      [1, 2].map(() => ({ code: 'CONFLICT', reason: 'VERSION' })),
    );
    expect(await owner.data(EDIT, { id: made.id, input: { description: 'Without a version' } })).toMatchObject({
      editProject: { version: 4 },
    });
  });

  it.each([
    [{}, 'input', 'must change something'],
    [{ name: null }, 'input.name', 'must not be null'],
    [{ description: null }, 'input.description', 'must not be null'],
    [{ name: ' ' }, 'input.name', 'must not be empty'],
    [{ budget: -1 }, 'input.budget', 'must not be negative'],
    [{ budget: 1.234 }, 'input.budget', 'must have at most two decimals'],
    [{ budget: 1e300 }, 'input.budget', 'is too large'],
  ])('cannot be changed to %j', async (input, path, message) => {
    const { id } = await createProject(owner);
    expect((await owner.error(EDIT, { id, input })).extensions).toEqual({
      code: 'BAD_USER_INPUT',
      fields: [{ path, message }],
    });
  });

  it('keeps every budget to the cent', async () => {
    const { id } = await createProject(owner);
    for (const budget of [0, 0.01, 19.99, 999_999_999_999.99, 123_456_789_012.34]) {
      expect(await owner.data(EDIT, { id, input: { budget } })).toMatchObject({ editProject: { budget } });
    }
  });

  it('frees its key when deleted and is absent, for ADMINs as well', async () => {
    const admin = await tidings.current.asUser('ADMIN');
    const project = await createProject(owner);
    const update = await postUpdate(owner, project.id);
    const { postComment } = await owner.data(COMMENT, { input: { projectId: project.id, body: 'Gone soon' } });
    expect(await admin.data(DELETE, { id: project.id })).toEqual({ deleteProject: project.id });
    for (const person of [admin, owner]) {
      const gone: [string, Record<string, unknown>][] = [
        [READ, { id: project.id }],
        [READ, { key: project.key }],
        [EDIT, { id: project.id, input: { name: 'x' } }],
        [SET, { p: project.id, u: bystander.id, r: 'VIEWER' }],
        [REMOVE, { p: project.id, u: owner.id }],
        [POST, { input: { projectId: project.id, title: 'x', health: 'AT_RISK' } }],
        [EDIT_UPDATE, { id: update }],
        [REMOVE_UPDATE, { id: update }],
        [COMMENT, { input: { projectId: project.id, body: 'x' } }],
        [REMOVE_COMMENT, { id: postComment.id }],
      ];
      for (const [query, variables] of gone)
        expect((await person.error(query, variables)).extensions).toEqual({ code: 'NOT_FOUND' });
      const { projects } = await person.data(
        'query ($key: String) { projects(filter: { search: $key }) { nodes { id } } }',
        { key: project.key },
      );
      expect(projects.nodes).toEqual([]);
      const [ended] = await Promise.allSettled([
        person
          .socket()
          .subscribe('subscription ($id: ID!) { projectUpdated(projectId: $id) { seq } }', { id: project.id }).ended,
      ]);
      expect(JSON.stringify((ended as PromiseRejectedResult).reason.cause)).toContain('"NOT_FOUND"');
    }
    expect((await admin.error(DELETE, { id: project.id })).extensions).toEqual({ code: 'NOT_FOUND' });
    expect(await owner.data(CREATE, { input: { key: project.key, name: 'Again' } })).toMatchObject({
      createProject: { key: project.key },
    });
  });
});
