// A project's event history over HTTP: pages with the cursors of the subscriptions.
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';

const EVENTS = `query ($p: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  projectEvents(projectId: $p, first: $first, after: $after, last: $last, before: $before) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { cursor } }
    nodes { seq kind subjectId skipped actor { id } update { title internalNote } project { key } } } }`;
const FEED = 'subscription ($p: ID!, $after: String) { projectUpdated(projectId: $p, after: $after) { seq cursor } }';

const tidings = useTidings();
let owner: Person;
let viewer: Person;
let project: TestProject;
const titles = ['One', 'Two', 'Three', 'Four'];
beforeAll(async () => {
  owner = await tidings.current.asUser('EDITOR');
  viewer = await tidings.current.asUser('USER');
  project = await createProject(owner);
  await addMember(owner, project.id, viewer, 'VIEWER');
  // What happens elsewhere lies between them in the log.
  const other = await createProject(owner);
  for (const title of titles) {
    await postUpdate(owner, project.id, { title, internalNote: 'Hush' });
    await postUpdate(owner, other.id);
  }
});

const page = async (args: Record<string, unknown>): Promise<Data> =>
  (await owner.data(EVENTS, { p: project.id, ...args })).projectEvents;
const seqs = ({ nodes }: Data) => nodes.map(({ seq }: { seq: number }) => seq);

const refusal = async (args: Record<string, unknown>) =>
  (await owner.error(EVENTS, { p: project.id, ...args })).extensions.code;
/** Statements of a page of which these fields are asked for. */
async function costOf(fields: string): Promise<number> {
  const query = `query ($p: ID!) { projectEvents(projectId: $p, last: 5) { nodes { seq ${fields} } } }`;
  return (await fewestStatementsOf(() => owner.data(query, { p: project.id }))).length;
}

describe('projectEvents', () => {
  it('returns events in log order, equal to those of a subscription', async () => {
    const { nodes, edges, pageInfo } = await page({});
    expect(nodes.map(({ kind }: Data) => kind)).toEqual([
      'PROJECT_CREATED',
      'MEMBER_ADDED',
      ...titles.map(() => 'UPDATE_POSTED'),
    ]);
    expect(nodes.map(({ update }: Data) => update?.title)).toEqual([undefined, undefined, ...titles]);
    expect(nodes.at(-1)).toMatchObject({
      seq: 6,
      skipped: null,
      actor: { id: owner.id },
      project: { key: project.key },
    });
    expect(edges.every(({ cursor, node }: Data) => cursor === node.cursor)).toBe(true);
    expect(pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  });

  it('pages forwards from any cursor and backwards from the newest', async () => {
    const first = await page({ first: 2 });
    expect([seqs(first), first.pageInfo.hasNextPage]).toEqual([[1, 2], true]);
    const second = await page({ first: 4, after: first.pageInfo.endCursor });
    expect([seqs(second), second.pageInfo.hasNextPage, second.pageInfo.hasPreviousPage]).toEqual([
      [3, 4, 5, 6],
      false,
      true,
    ]);
    const newest = await page({ last: 2 });
    expect([seqs(newest), newest.pageInfo.hasPreviousPage, newest.pageInfo.hasNextPage]).toEqual([[5, 6], true, false]);
    const older = await page({ last: 4, before: newest.pageInfo.startCursor });
    expect([seqs(older), older.pageInfo.hasPreviousPage, older.pageInfo.hasNextPage]).toEqual([
      [1, 2, 3, 4],
      false,
      true,
    ]);
    expect(seqs(await page({ after: newest.pageInfo.endCursor }))).toEqual([]);
  });

  it('has correct hasNextPage and hasPreviousPage', async () => {
    const around = async (args: Record<string, unknown>) => {
      const { hasPreviousPage, hasNextPage } = (await page(args)).pageInfo;
      return [hasPreviousPage, hasNextPage];
    };
    expect(await around({ after: project.lastCursor })).toEqual([false, false]);
    expect(await around({ after: project.lastCursor, first: 2 })).toEqual([false, true]);
    const { lastCursor } = (await owner.data('{ projects { lastCursor } }')).projects;
    expect(await around({ after: lastCursor })).toEqual([true, false]);
    expect(await around({ before: lastCursor, last: 2 })).toEqual([true, false]);
    expect(await around({ before: project.lastCursor })).toEqual([false, true]);
    const { startCursor, endCursor } = (await page({})).pageInfo;
    expect(await around({ before: endCursor })).toEqual([false, true]);
    expect(await around({ after: startCursor })).toEqual([true, false]);
  });

  it('shares cursors with subscriptions and snapshots', async () => {
    expect(seqs(await page({ after: project.lastCursor }))).toEqual([1, 2, 3, 4, 5, 6]);
    const [third] = (await page({ first: 1, after: (await page({ first: 2 })).pageInfo.endCursor })).edges;
    const watch = owner.socket().subscribe(FEED, { p: project.id, after: third.cursor });
    const { seq, cursor } = (await watch.next()).data.projectUpdated;
    expect(seq).toBe(4);
    expect(seqs(await page({ after: cursor }))).toEqual([5, 6]);
    const { lastCursor } = (await owner.data('{ projects { lastCursor } }')).projects;
    expect(seqs(await page({ after: lastCursor }))).toEqual([]);
    watch.stop();
  });

  it('guards fields by the role of the caller', async () => {
    const { data, errors } = await viewer.send(EVENTS, { p: project.id, last: 2 });
    expect(seqs(data.projectEvents)).toEqual([5, 6]);
    expect(errors?.map(({ path, extensions }) => [path?.slice(0, 3).join('.'), extensions.code])).toEqual([
      ['projectEvents.nodes.0', 'FORBIDDEN'],
      ['projectEvents.nodes.1', 'FORBIDDEN'],
    ]);
  });

  it('refuses pruned and invalid cursors and page sizes out of range', async () => {
    for (const place of ['nonsense', '']) {
      expect(await refusal({ after: place })).toBe('CURSOR_EXPIRED');
      expect(await refusal({ before: place })).toBe('CURSOR_EXPIRED');
    }
    expect(await refusal({ after: 'x'.repeat(65) })).toBe('BAD_USER_INPUT');
    expect(await refusal({ first: 101 })).toBe('BAD_USER_INPUT');
    expect(await refusal({ first: 1, last: 1 })).toBe('BAD_USER_INPUT');
  });

  it('takes one statement per page and one per kind of object', async () => {
    expect([await costOf(''), await costOf('actor { name } update { title }')]).toEqual([1, 3]);
  });
});
