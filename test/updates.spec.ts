// Updates and comments: idempotent posts, optimistic concurrency, and guarded fields.
import { randomUUID } from 'node:crypto';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const POST =
  'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id title body health internalNote version editedAt author { id } project { id } } }';
const EDIT =
  'mutation ($id: ID!, $input: EditUpdateInput!, $version: Int) { editUpdate(id: $id, input: $input, version: $version) { title body health internalNote version editedAt } }';
const REMOVE = 'mutation ($id: ID!) { removeUpdate(id: $id) }';
const COMMENT =
  'mutation ($input: PostCommentInput!) { postComment(input: $input) { id body author { id } update { id } } }';
const READ_COMMENT = 'query ($id: ID!) { comment(id: $id) { body version editedAt } }';
const EDIT_COMMENT =
  'mutation ($id: ID!, $input: EditCommentInput!, $version: Int) { editComment(id: $id, input: $input, version: $version) { body version editedAt } }';
const REMOVE_COMMENT = 'mutation ($id: ID!) { removeComment(id: $id) }';
const CHAT =
  'query ($id: ID!) { project(id: $id) { latestUpdate { id } health comments { nodes { id body update { id } } } updates { nodes { id comments { nodes { id } } } } } }';

let owner: Person;
let project: TestProject;
beforeAll(async () => {
  owner = await tidings.current.asUser('EDITOR', 'Owner');
});
beforeEach(async () => {
  project = await createProject(owner);
});
function nothingIsLogged(): void {
  expect(tidings.current.logged).toEqual([]);
}
afterEach(nothingIsLogged);

const input = (more: Record<string, unknown> = {}) => ({
  projectId: project.id,
  title: 'Week one',
  health: 'ON_TRACK',
  ...more,
});
const count = async (sql: string, ...parameters: unknown[]) => {
  const [row] = await tidings.current.database.query<{ n: number }>(`select count(*)::int as n ${sql}`, parameters);
  return row?.n;
};

describe('an update', () => {
  it('is posted and sets the health of the project', async () => {
    const { postUpdate: first } = await owner.data(POST, {
      input: input({ body: 'Line one\nLine two ', internalNote: 'for us' }),
    });
    expect(first).toEqual({
      id: first.id,
      title: 'Week one',
      body: 'Line one\nLine two',
      health: 'ON_TRACK',
      internalNote: 'for us',
      version: 1,
      editedAt: null,
      author: { id: owner.id },
      project: { id: project.id },
    });
    const { postUpdate: second } = await owner.data(POST, { input: input({ health: 'AT_RISK' }) });
    expect(second).toMatchObject({ body: '', internalNote: null });
    const { project: seen } = await owner.data(CHAT, { id: project.id });
    expect(seen).toMatchObject({
      latestUpdate: { id: second.id },
      health: 'AT_RISK',
      updates: { nodes: [{ id: second.id }, { id: first.id }] },
    });
    await owner.data(REMOVE, { id: second.id });
    expect((await owner.data(CHAT, { id: project.id })).project).toMatchObject({
      latestUpdate: { id: first.id },
      health: 'ON_TRACK',
    });
  });

  it('is changed field by field and never overwrites a concurrent change', async () => {
    const id = await postUpdate(owner, project.id, { internalNote: 'secret', body: 'Body' });
    const { editUpdate } = await owner.data(EDIT, { id, input: { internalNote: null }, version: 1 });
    expect(editUpdate).toMatchObject({
      internalNote: null,
      body: 'Body',
      version: 2,
      editedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const replies = await Promise.all(
      [1, 2, 3].map((n) => owner.send(EDIT, { id, input: { title: `Edit ${n}` }, version: 2 })),
    );
    expect(replies.filter(({ errors }) => !errors)).toHaveLength(1);
    const stale = replies.flatMap(({ errors }) => errors ?? []);
    expect(stale.map(({ extensions }) => extensions)).toEqual(
      [1, 2].map(() => ({ code: 'CONFLICT', reason: 'VERSION' })),
    );
    expect(stale[0]!.message).toBe('This was changed since version 2; it is at version 3 now.');
    expect(await count(`from event where resource_id = $1 and kind = 'UPDATE_EDITED'`, project.id)).toBe(2);
  });

  it.each([
    [{}, 'input'],
    [{ title: null }, 'input.title'],
    [{ health: null }, 'input.health'],
    [{ title: 'two\nlines' }, 'input.title'],
    [{ title: 'x'.repeat(201) }, 'input.title'],
    [{ body: 'x'.repeat(20_001) }, 'input.body'],
    [{ internalNote: '' }, 'input.internalNote'],
  ])('cannot be changed to invalid values (%#)', async (changes, path) => {
    const id = await postUpdate(owner, project.id);
    expect((await owner.error(EDIT, { id, input: changes })).extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      fields: [{ path }],
    });
  });

  it('that is removed keeps its comments in the discussion', async () => {
    const id = await postUpdate(owner, project.id);
    const { postComment } = await owner.data(COMMENT, {
      input: { projectId: project.id, updateId: id, body: 'Great' },
    });
    expect(postComment.update).toEqual({ id });
    expect((await owner.data(CHAT, { id: project.id })).project.updates.nodes).toEqual([
      { id, comments: { nodes: [{ id: postComment.id }] } },
    ]);
    expect(await owner.data(REMOVE, { id })).toEqual({ removeUpdate: id });
    const { project: seen } = await owner.data(CHAT, { id: project.id });
    expect(seen).toEqual({
      latestUpdate: null,
      health: null,
      updates: { nodes: [] },
      comments: { nodes: [{ id: postComment.id, body: 'Great', update: null }] },
    });
    expect((await owner.error(REMOVE, { id })).extensions).toEqual({ code: 'NOT_FOUND' });
    expect((await owner.error(EDIT, { id, input: { title: 'x' } })).extensions).toEqual({ code: 'NOT_FOUND' });
  });

  it('of another project, or being removed, cannot be commented', async () => {
    const other = await createProject(owner);
    const foreign = await postUpdate(owner, other.id);
    const comment = (updateId: string) =>
      owner.send(COMMENT, { input: { projectId: project.id, updateId, body: 'Hm' } });
    for (const id of [foreign, randomUUID()])
      expect((await comment(id)).errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'NOT_FOUND' }]);
    const id = await postUpdate(owner, project.id);
    const [removed, ...said] = await Promise.all([
      owner.send(REMOVE, { id }),
      ...Array.from({ length: 8 }, () => comment(id)),
    ]);
    expect(removed.errors).toBeUndefined();
    for (const { errors } of said)
      expect(errors?.map(({ extensions }) => extensions.code) ?? ['said before']).toEqual([
        errors ? 'NOT_FOUND' : 'said before',
      ]);
  });
});

describe('a comment', () => {
  it('is removed by its author or an OWNER only', async () => {
    const [author, other] = [await tidings.current.asUser('USER'), await tidings.current.asUser('EDITOR')];
    await addMember(owner, project.id, author, 'VIEWER');
    await addMember(owner, project.id, other, 'EDITOR');
    const say = async () =>
      (await author.data(COMMENT, { input: { projectId: project.id, body: 'Mine' } })).postComment.id;
    const [first, second] = [await say(), await say()];
    expect((await other.error(REMOVE_COMMENT, { id: first })).extensions).toEqual({
      code: 'FORBIDDEN',
      requires: 'OWNER',
    });
    expect(await author.data(REMOVE_COMMENT, { id: first })).toEqual({ removeComment: first });
    const both = await Promise.all([
      owner.send(REMOVE_COMMENT, { id: second }),
      owner.send(REMOVE_COMMENT, { id: second }),
    ]);
    expect(both.map(({ errors }) => errors?.[0]?.extensions.code ?? 'OK').toSorted()).toEqual(['NOT_FOUND', 'OK']);
    expect(await count(`from event where resource_id = $1 and kind = 'COMMENT_REMOVED'`, project.id)).toBe(2);
  });

  it('is edited by its author only, with a new version each time', async () => {
    const author = await tidings.current.asUser('USER');
    await addMember(owner, project.id, author, 'VIEWER');
    const { id } = (await author.data(COMMENT, { input: { projectId: project.id, body: 'Mien' } })).postComment;
    const before = (await author.data(READ_COMMENT, { id })).comment;
    expect(before).toEqual({ body: 'Mien', version: 1, editedAt: null });
    const { editComment } = await author.data(EDIT_COMMENT, { id, input: { body: 'Mine' }, version: 1 });
    expect(editComment).toEqual({ body: 'Mine', version: 2, editedAt: expect.any(String) });
    expect((await owner.data(READ_COMMENT, { id })).comment).toEqual(editComment);
    expect((await owner.error(EDIT_COMMENT, { id, input: { body: 'Yours' } })).extensions).toEqual({
      code: 'FORBIDDEN',
    });
    expect(await count(`from event where resource_id = $1 and kind = 'COMMENT_EDITED'`, project.id)).toBe(1);
  });

  it('with an expected version is edited by one of many concurrent edits, without one by each', async () => {
    const { id } = (await owner.data(COMMENT, { input: { projectId: project.id, body: 'First' } })).postComment;
    const edited = () => count(`from event where kind = 'COMMENT_EDITED' and facts ->> 'subjectId' = $1::text`, id);
    const bodies = Array.from({ length: 8 }, (_, n) => `Edit ${n}`);
    const edit = async (version?: number) => {
      const edits = await Promise.all(bodies.map((body) => owner.send(EDIT_COMMENT, { id, input: { body }, version })));
      for (const { errors } of edits) expect(errors?.[0]?.extensions.reason ?? 'VERSION').toBe('VERSION');
      return edits.flatMap(({ errors, data }) => (errors ? [] : [data.editComment]));
    };
    const shown = async () => (await owner.data(READ_COMMENT, { id })).comment;
    const [winner, ...others] = await edit(1);
    expect([winner.version, others, await edited()]).toEqual([2, [], 1]);
    expect(await shown()).toEqual(winner);
    const all = (await edit()).toSorted((one, next) => one.version - next.version);
    expect(all.map(({ version }) => version)).toEqual(bodies.map((_, n) => n + 3));
    expect(new Set(all.map(({ body }) => body))).toEqual(new Set(bodies));
    expect([await shown(), await edited()]).toEqual([all.at(-1), 9]);
  });

  it('cannot be edited to invalid text', async () => {
    const { id } = (await owner.data(COMMENT, { input: { projectId: project.id, body: 'First' } })).postComment;
    for (const body of ['', 'x'.repeat(4_001)])
      expect((await owner.error(EDIT_COMMENT, { id, input: { body } })).extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        fields: [{ path: 'input.body' }],
      });
    expect((await owner.data(READ_COMMENT, { id })).comment.version).toBe(1);
  });

  it('of a former member cannot be edited or removed by it', async () => {
    const author = await tidings.current.asUser('USER');
    await addMember(owner, project.id, author, 'VIEWER');
    const { postComment } = await author.data(COMMENT, { input: { projectId: project.id, body: 'Mine' } });
    await author.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: project.id,
      u: author.id,
    });
    const { id } = postComment;
    expect((await author.error(REMOVE_COMMENT, { id })).extensions).toEqual({ code: 'NOT_FOUND' });
    expect((await author.error(EDIT_COMMENT, { id, input: { body: 'Still' } })).extensions).toEqual({
      code: 'NOT_FOUND',
    });
  });
});

describe.each([
  [
    'an update',
    POST,
    'postUpdate',
    'project_update',
    'UPDATE_POSTED',
    (more: Record<string, unknown>) => input(more),
    { title: 'Another' },
  ],
  [
    'a comment',
    COMMENT,
    'postComment',
    'comment',
    'COMMENT_POSTED',
    (more: Record<string, unknown>) => ({ projectId: project.id, body: 'Said', ...more }),
    { body: 'Another' },
  ],
] as const)('%s with an idempotencyKey', (_what, query, field, table, kind, make, otherwise) => {
  const rows = () => count(`from ${table} where project_id = $1`, project.id);
  const events = () => count('from event where resource_id = $1 and kind = $2', project.id, kind);

  it('sent twice is stored once', async () => {
    const sent = make({ idempotencyKey: 'once' });
    const first = await owner.data(query, { input: sent });
    expect(await owner.data(query, { input: sent })).toEqual(first);
    expect(
      await owner.data(query, { input: { ...sent, idempotencyKey: ' once ', projectId: project.id.toUpperCase() } }),
    ).toEqual(first);
    expect([await rows(), await events()]).toEqual([1, 1]);
  });

  it('sent twenty times concurrently is stored once', async () => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => owner.data(query, { input: make({ idempotencyKey: 'race' }) })),
    );
    expect(new Set(replies.map((data) => data[field].id)).size).toBe(1);
    expect([await rows(), await events()]).toEqual([1, 1]);
  });

  it('with the same key and another input is refused and unchanged', async () => {
    await owner.data(query, { input: make({ idempotencyKey: 'bound' }) });
    const error = await owner.error(query, { input: make({ idempotencyKey: 'bound', ...otherwise }) });
    expect(error.extensions).toEqual({ code: 'CONFLICT', reason: 'IDEMPOTENCY_KEY' });
    const mixed = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        owner.send(query, { input: make({ idempotencyKey: 'mixed', ...(n % 2 ? otherwise : {}) }) }),
      ),
    );
    const codes = mixed.map(({ errors }) => errors?.[0]?.extensions.code ?? 'OK').toSorted();
    expect(codes).toEqual(['CONFLICT', 'CONFLICT', 'OK', 'OK']);
    expect([await rows(), await events()]).toEqual([2, 2]);
  });

  it('has keys per author and per project', async () => {
    const other = await tidings.current.asUser('EDITOR');
    await addMember(owner, project.id, other, 'EDITOR');
    const second = await createProject(owner);
    const sent = make({ idempotencyKey: 'same' });
    const made = [
      await owner.data(query, { input: sent }),
      await other.data(query, { input: sent }),
      await owner.data(query, { input: { ...sent, projectId: second.id } }),
    ];
    expect(new Set(made.map((data) => data[field].id)).size).toBe(3);
  });

  it('with a used key does not bypass a lost role', async () => {
    const other = await tidings.current.asUser('EDITOR');
    await addMember(owner, project.id, other, 'EDITOR');
    const sent = make({ idempotencyKey: 'mine' });
    await other.data(query, { input: sent });
    await owner.data('mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }', {
      p: project.id,
      u: other.id,
    });
    expect((await other.error(query, { input: sent })).extensions).toEqual({ code: 'NOT_FOUND' });
  });

  it('with an invalid key is refused, and two without keys are two', async () => {
    for (const idempotencyKey of ['', ' ', 'x'.repeat(65), 'a\nb']) {
      const error = await owner.error(query, { input: make({ idempotencyKey }) });
      expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'input.idempotencyKey' }] });
    }
    await owner.data(query, { input: make({}) });
    await owner.data(query, { input: make({ idempotencyKey: null }) });
    expect(await rows()).toBe(2);
  });
});

const requires = (path: string) => ({
  code: 'FORBIDDEN',
  requires: /email|sessions/.test(path) ? 'ADMIN' : 'EDITOR',
});

describe('guarded fields', () => {
  const GUARDED = `query ($id: ID!) { project(id: $id) { name budget lead { name email sessions { id } }
    updates { nodes { title internalNote } } latestUpdate { internalNote project { budget } } } }`;
  const PATHS = [
    'project.budget',
    'project.lead.email',
    'project.lead.sessions',
    'project.latestUpdate.internalNote',
    'project.latestUpdate.project.budget',
    'project.updates.nodes.0.internalNote',
    'project.updates.nodes.1.internalNote',
  ];
  const ask = async (person: Person) => {
    const { data, errors = [] } = await person.send(GUARDED, { id: project.id });
    return { data, denied: errors.map(({ path, extensions }) => [path?.join('.'), extensions]) };
  };

  beforeEach(async () => {
    await owner.data('mutation ($id: ID!) { editProject(id: $id, input: { budget: 12.5 }) { id } }', {
      id: project.id,
    });
    await postUpdate(owner, project.id, { internalNote: 'one' });
    await postUpdate(owner, project.id, { internalNote: 'two' });
  });

  it('are null for a VIEWER with one FORBIDDEN at each path', async () => {
    for (const [role, membership] of [
      ['USER', 'OWNER'],
      ['EDITOR', 'VIEWER'],
    ] as const) {
      const viewer = await tidings.current.asUser(role);
      await addMember(owner, project.id, viewer, membership);
      const { data, denied } = await ask(viewer);
      expect(new Map(denied as [string, unknown][])).toEqual(new Map(PATHS.map((path) => [path, requires(path)])));
      expect(denied).toHaveLength(PATHS.length);
      expect(data.project).toMatchObject({
        budget: null,
        lead: { name: 'Owner', email: null, sessions: null },
        updates: { nodes: [{ internalNote: null }, { internalNote: null }] },
      });
      expect(data.project.updates.nodes[0].title).toBeTruthy();
    }
  });

  it('are shown without errors to authorized roles', async () => {
    const shown = {
      budget: 12.5,
      lead: { email: owner.email },
      updates: { nodes: [{ internalNote: 'two' }, { internalNote: 'one' }] },
    };
    for (const person of [owner, await tidings.current.asUser('ADMIN')]) {
      const { data, denied } = await ask(person);
      expect(denied).toEqual([]);
      expect(data.project).toMatchObject(shown);
      expect(data.project.lead.sessions.length).toBeGreaterThan(0);
    }
    const editor = await tidings.current.asUser('EDITOR');
    await addMember(owner, project.id, editor, 'EDITOR');
    const denied = (await ask(editor)).denied.map(([path]) => path);
    expect(new Set(denied)).toEqual(new Set(['project.lead.email', 'project.lead.sessions']));
    expect(denied).toHaveLength(2);
  });

  it('of the own account are shown', async () => {
    const user = await tidings.current.asUser('USER');
    expect(await user.data('{ me { email sessions { id current } } }')).toEqual({
      me: { email: user.email, sessions: [{ id: user.sessionId, current: true }] },
    });
  });
});
