// `node(id)`: the same result for every account that may see the object, null for all others.
import { randomUUID } from 'node:crypto';
import { addMember, createProject, postUpdate } from './support/factories.js';
import type { GraphqlError } from './support/graphql-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';

const NODE = `query ($id: ID!) { node(id: $id) { __typename id
  ... on Project { key } ... on ProjectUpdate { title project { key } } ... on Comment { body update { title } author { id } } } }`;
const FIELDS = ['node', 'update', 'comment'] as const;
const read = (field: string) => `query ($id: ID!) { ${field}(id: $id) { id } }`;
const COMMENT = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';

const tidings = useTidings();
let owner: Person;
let viewer: Person;
let stranger: Person;
let admin: Person;
let ids: { project: string; key: string; update: string; comment: string };
beforeAll(async () => {
  owner = await tidings.current.asUser('EDITOR');
  viewer = await tidings.current.asUser('USER');
  stranger = await tidings.current.asUser('EDITOR');
  admin = await tidings.current.asUser('ADMIN');
  ids = await filled();
});

/** A project with an update, and a comment about that. */
async function filled() {
  const { id: project, key } = await createProject(owner);
  await addMember(owner, project, viewer, 'VIEWER');
  const update = await postUpdate(owner, project, { title: 'News' });
  const input = { projectId: project, updateId: update, body: 'Said' };
  const { postComment } = await viewer.data(COMMENT, { i: input });
  return { project, key, update, comment: postComment.id as string };
}
/** What a client can tell one refusal from another by. */
const told = ({ message, path, extensions }: GraphqlError) => ({ message, path, extensions });

/** Statements of a refusal, without their parameters. */
const costOf = async (field: string, id: string) =>
  (await fewestStatementsOf(() => stranger.error(read(field), { id }))).map((sql) => sql.replaceAll(/'[^']*'/g, "''"));

describe('node', () => {
  it('returns a project, an update and a comment as their types', async () => {
    const node = async (id: string) => (await viewer.data(NODE, { id })).node;
    expect(await node(ids.project)).toEqual({ __typename: 'Project', id: ids.project, key: ids.key });
    const project = { key: ids.key };
    expect(await node(ids.update)).toEqual({ __typename: 'ProjectUpdate', id: ids.update, title: 'News', project });
    expect(await node(ids.comment.toUpperCase())).toMatchObject({
      __typename: 'Comment',
      id: ids.comment,
      body: 'Said',
      update: { title: 'News' },
      author: { id: viewer.id },
    });
  });

  it('guards fields of the object', async () => {
    const query =
      'query ($id: ID!) { node(id: $id) { ... on ProjectUpdate { internalNote } ... on Project { budget } } }';
    for (const id of [ids.update, ids.project]) {
      expect((await viewer.error(query, { id })).extensions).toEqual({ code: 'FORBIDDEN', requires: 'EDITOR' });
    }
  });

  it('loads many objects in one statement for positions and one per type', async () => {
    const query =
      'query ($a: ID!, $b: ID!, $c: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } c: node(id: $c) { id } }';
    const variables = { a: ids.project, b: ids.update, c: ids.comment };
    expect(await fewestStatementsOf(() => viewer.data(query, variables))).toHaveLength(4);
  });
});

describe('update and comment', () => {
  it('return the object of an id', async () => {
    expect(await viewer.data(read('update'), { id: ids.update })).toEqual({ update: { id: ids.update } });
    expect(await viewer.data(read('comment'), { id: ids.comment })).toEqual({ comment: { id: ids.comment } });
  });

  it('return null for ids of other types', async () => {
    expect(told(await viewer.error(read('update'), { id: ids.comment }))).toMatchObject({
      message: 'Update not found.',
    });
    expect(told(await viewer.error(read('comment'), { id: ids.update }))).toMatchObject({
      message: 'Comment not found.',
    });
  });
});

describe.each(FIELDS)('%s: absent and invisible objects', (field) => {
  const idOf = () => (field === 'node' ? ids.project : ids[field]);

  it('is answered alike over HTTP and over a socket', async () => {
    const absent = told(await stranger.error(read(field), { id: randomUUID() }));
    expect(absent.extensions).toEqual({ code: 'NOT_FOUND' });
    for (const id of [idOf(), ids.update, ids.comment, ids.project]) {
      expect(told(await stranger.error(read(field), { id }))).toEqual(absent);
      const { errors } = await stranger.socket().subscribe(read(field), { id }).next();
      expect(errors?.map(told)).toEqual([absent]);
    }
  });

  it('takes equal statements for both', async () => {
    const absent = await costOf(field, randomUUID());
    expect(absent.filter((sql) => sql.includes('union all'))).toHaveLength(2);
    for (const id of [ids.project, ids.update, ids.comment]) expect(await costOf(field, id)).toEqual(absent);
  });

  it('includes the remains of a deleted project, for an ADMIN as well', async () => {
    const gone = await filled();
    const id = field === 'node' ? gone.update : gone[field];
    expect(await admin.data(read(field), { id })).toEqual({ [field]: { id } });
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: gone.project });
    for (const person of [admin, viewer]) {
      expect((await person.error(read(field), { id })).extensions).toEqual({ code: 'NOT_FOUND' });
    }
  });
});
