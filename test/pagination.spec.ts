// Paginated lists, forwards and backwards, and their constant number of SQL statements.
import { randomUUID } from 'node:crypto';
import { createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const PAGE = 'edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const PROJECTS = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: ProjectFilter) {
  projects(first: $first, after: $after, last: $last, before: $before, filter: $filter) { ${PAGE} } }`;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const once = (sent: readonly string[]) => sent.filter((sql) => !sql.includes('from account'));
const ids = (page: Data): string[] => page.nodes.map((node: Data) => node.id);

/** Every page of a list from its start on, as a client walks it. */
async function forwards(fetch: (args: Record<string, unknown>) => Promise<Data>, first: number): Promise<Data[]> {
  const pages: Data[] = [];
  let after: string | null = null;
  do {
    const page = await fetch({ first, after });
    pages.push(page);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);
  return pages;
}

async function backwards(fetch: (args: Record<string, unknown>) => Promise<Data>, last: number): Promise<Data[]> {
  const pages: Data[] = [];
  let before: string | null = null;
  do {
    const page = await fetch({ last, before });
    pages.unshift(page);
    before = page.pageInfo.hasPreviousPage ? page.pageInfo.startCursor : null;
  } while (before);
  return pages;
}

/** A list of 45, made by SQL beside the service before anyone has signed in who may see it. */
async function insertProjects(count: number, prefix: string, members: readonly string[]): Promise<string[]> {
  const rows = await tidings.current.database.query<{ id: string }>(
    `with made as (
       insert into project (id, key, name) select uuidv7(), $1 || '-' || n, $1 || ' number ' || n from generate_series(1, $2) n returning id
     ), joined as (
       insert into project_member (id, project_id, account_id, role)
       select uuidv7(), made.id, member.id::uuid, case when place = 1 then 'OWNER' else 'VIEWER' end
         from made cross join unnest(string_to_array($3, ',')) with ordinality as member(id, place)
     ) select id from made order by id desc`,
    [prefix, count, members.join(',')],
  );
  return rows.map(({ id }) => id);
}

/** An account that signs in only after its projects are there. */
async function personWith(count: number, prefix: string): Promise<{ person: Person; all: string[] }> {
  const id = randomUUID();
  const { current } = tidings;
  const model = await current.asUser('EDITOR');
  await current.database.query(
    'insert into account (id, email, name, role, password_hash) select $1, $2, name, role, password_hash from account where id = $3',
    [id, `${id}@example.com`, model.id],
  );
  const all = await insertProjects(count, prefix, [id]);
  return { person: await current.signIn(id, `${id}@example.com`), all };
}

describe('a connection of 45 projects', () => {
  let person: Person;
  let all: string[];
  const fetch = async (args: Record<string, unknown>) => (await person.data(PROJECTS, args)).projects;

  beforeAll(async () => {
    ({ person, all } = await personWith(45, 'LIST'));
  });

  it.each([1, 7, 15, 44, 45, 46, 100])('is complete and in order when read forwards by %i', async (first) => {
    const pages = await forwards(fetch, first);
    expect(pages.flatMap(ids)).toEqual(all);
    expect(pages).toHaveLength(Math.ceil(45 / first));
    expect(pages.map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual(pages.map((_, index) => index > 0));
  });

  it.each([1, 7, 15, 44, 45, 46, 100])('is complete and in order when read backwards by %i', async (last) => {
    const pages = await backwards(fetch, last);
    expect(pages.flatMap(ids)).toEqual(all);
    expect(pages).toHaveLength(Math.ceil(45 / last));
    expect(pages.map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual(
      pages.map((_, index) => index < pages.length - 1),
    );
  });

  it('returns 20 entries by default, as edges and nodes', async () => {
    const page = await fetch({});
    expect(ids(page)).toEqual(all.slice(0, 20));
    expect(page.edges.map((edge: Data) => edge.node.id)).toEqual(ids(page));
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: page.edges[0].cursor,
      endCursor: page.edges[19].cursor,
    });
  });

  it('is empty after its end and before its start', async () => {
    const { edges } = await fetch({ first: 45 });
    const behind = await fetch({ first: 5, after: edges[44].cursor });
    expect(behind).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    });
    const before = await fetch({ last: 5, before: edges[0].cursor });
    expect(before.nodes).toEqual([]);
    expect(before.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  });

  it('is stable while entries are added and removed', async () => {
    const reader = await personWith(10, 'MOVE');
    const read = async (args: Record<string, unknown>) => (await reader.person.data(PROJECTS, args)).projects;
    const first = await read({ first: 4 });
    await createProject(reader.person);
    const admin = await tidings.current.asUser('ADMIN');
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: reader.all[3] });
    const second = await read({ first: 10, after: first.pageInfo.endCursor });
    expect(ids(second)).toEqual(reader.all.slice(4));
  });

  it.each([
    [{ first: 0 }, 'first'],
    [{ first: -1 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ first: 2_147_483_647 }, 'first'],
    [{ last: 0 }, 'last'],
    [{ last: 101 }, 'last'],
    [{ first: 5, last: 5 }, 'last'],
    [{ first: 5, before: 'WyIwMTk5YTFmZS0xOTZkLTcyNzEtYmJlMy00NzYwYjcxOTlhMTEiXQ' }, 'before'],
    [{ after: 'unknown' }, 'after'],
    [{ after: '' }, 'after'],
    [{ after: '%%%' }, 'after'],
    [{ before: '\u0000' }, 'before'],
    [{ after: Buffer.from('["x\'; drop table project; --"]').toString('base64url') }, 'after'],
    [{ after: Buffer.from('[null]').toString('base64url') }, 'after'],
    [{ after: Buffer.from('["a","b"]').toString('base64url') }, 'after'],
    [{ after: Buffer.from('{"0":1}').toString('base64url') }, 'after'],
    [{ before: 'x'.repeat(10_000) }, 'before'],
  ])('refuses %j, naming %s', async (args, path) => {
    const error = await person.error(PROJECTS, args);
    expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path }] });
    expect(error.message.length).toBeLessThan(100);
    expect(ids(await fetch({}))).toHaveLength(20);
  });

  it('reports all invalid arguments at once', async () => {
    const error = await person.error(PROJECTS, { first: 0, after: 'x' });
    expect(error.extensions['fields']).toMatchObject([{ path: 'first' }, { path: 'after' }]);
  });

  it('refuses cursors of the log', async () => {
    const { projects } = await person.data('{ projects { lastCursor } }');
    expect((await person.error(PROJECTS, { after: projects.lastCursor })).extensions.code).toBe('BAD_USER_INPUT');
  });

  it('reveals nothing of another list to a cursor from there', async () => {
    const stranger = await personWith(3, 'ELSE');
    const { projects } = await stranger.person.data(PROJECTS, { first: 1 });
    const page = await fetch({ first: 100, after: projects.pageInfo.endCursor });
    expect(all).toEqual(expect.arrayContaining(ids(page)));
  });
});

describe('project filters', () => {
  let person: Person;
  const names = async (filter: unknown, who = person): Promise<string[]> => {
    const { projects } = await who.data(
      'query ($f: ProjectFilter) { projects(first: 100, filter: $f) { nodes { name } } }',
      { f: filter },
    );
    return projects.nodes.map((node: Data) => node.name).toSorted();
  };

  beforeAll(async () => {
    person = await tidings.current.asUser('EDITOR');
    for (const name of ['100% done', '100 done', 'a_b', 'axb', 'back\\slash', 'Straße', 'mars', 'MARS II']) {
      const project = await createProject(person, { name });
      if (name === 'mars') {
        await postUpdate(person, project.id, { health: 'OFF_TRACK' });
        await postUpdate(person, project.id, { health: 'AT_RISK' });
      }
      if (name === 'a_b') await postUpdate(person, project.id, { health: 'ON_TRACK' });
    }
  });

  it.each([
    ['%', ['100% done']],
    ['_', ['a_b']],
    ['\\', ['back\\slash']],
    ['mArS', ['MARS II', 'mars']],
    ['straße', ['Straße']],
    ['%%', []],
    ["' or 1=1 --", []],
  ])('find %j literally', async (search, found) => {
    expect(await names({ search })).toEqual(found);
  });

  it('match the key, and an empty search matches all', async () => {
    const { key } = await createProject(person, { key: `FIND-${process.pid}`, name: 'by key' });
    expect(await names({ search: key.toLowerCase() })).toEqual(['by key']);
    expect(await names({ search: '' })).toEqual(await names(null));
  });

  it('use the health of the latest update', async () => {
    expect(await names({ health: ['AT_RISK'] })).toEqual(['mars']);
    expect(await names({ health: ['OFF_TRACK'] })).toEqual([]);
    expect(await names({ health: ['AT_RISK', 'ON_TRACK'] })).toEqual(['a_b', 'mars']);
    expect(await names({ health: [] })).toEqual([]);
    expect(await names({ health: ['AT_RISK'], search: 'II' })).toEqual([]);
  });

  it('list all projects to an ADMIN, own ones with `mine`', async () => {
    const admin = await tidings.current.asUser('ADMIN');
    const own = await createProject(admin, { name: 'of the admin' });
    expect(await names({ search: 'mars' }, admin)).toEqual(['MARS II', 'mars']);
    expect(await names({ mine: true }, admin)).toEqual(['of the admin']);
    expect(own.id).toBeDefined();
    expect(await names({ mine: true })).toEqual(await names({ mine: false }));
  });

  it('refuse a search that is too long or has line breaks', async () => {
    for (const search of ['x'.repeat(101), 'a\nb', 'a\u0000b']) {
      const error = await person.error(PROJECTS, { filter: { search } });
      expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', fields: [{ path: 'filter.search' }] });
    }
  });
});

describe('connections inside a project', () => {
  let owner: Person;
  let projectId: string;
  const nested = (field: string, node: string) => async (args: Record<string, unknown>) => {
    const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { project(id: $id) { ${field}(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { ${node} } } nodes { ${node} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
    return (await owner.data(query, { id: projectId, ...args })).project[field];
  };
  const inserts = {
    members: `with made as (insert into account (id, email, name, role, password_hash) select gen_random_uuid(), gen_random_uuid() || '@example.com', 'Member', 'USER', 'x'
                from generate_series(1, 44) returning id)
              insert into project_member (id, project_id, account_id, role) select uuidv7(), $1::uuid, id, 'VIEWER' from made where $2::text <> ''`,
    updates: `insert into project_update (id, project_id, author_id, title, health) select uuidv7(), $1::uuid, $2::uuid, 'Update ' || n, 'ON_TRACK' from generate_series(1, 45) n`,
    comments: `insert into comment (id, project_id, author_id, body) select uuidv7(), $1::uuid, $2::uuid, 'Comment ' || n from generate_series(1, 45) n`,
  };

  beforeAll(async () => {
    owner = await tidings.current.asUser('EDITOR');
    projectId = (await createProject(owner)).id;
    for (const sql of Object.values(inserts)) await tidings.current.database.query(sql, [projectId, owner.id]);
  });

  it.each([
    ['members', 'user { id }', 'select account_id as id from project_member where project_id = $1 order by id desc'],
    ['updates', 'id', 'select id from project_update where project_id = $1 order by id desc'],
    ['comments', 'id', 'select id from comment where project_id = $1 order by id desc'],
  ])('are complete and in order: %s', async (field, node, sql) => {
    // `order by id` of members is that of the membership, not of the account.
    const ordered = sql.replace('order by id desc', 'order by project_member.id desc');
    const rows = await tidings.current.database.query<{ id: string }>(field === 'members' ? ordered : sql, [projectId]);
    const all = rows.map(({ id }) => id);
    expect(all).toHaveLength(45);
    for (const size of [1, 15, 44, 45, 46]) {
      const read = [await forwards(nested(field, node), size), await backwards(nested(field, node), size)];
      for (const pages of read) {
        expect(pages.flatMap((page) => page.nodes.map((one: Data) => one.id ?? one.user.id))).toEqual(all);
        expect(pages).toHaveLength(Math.ceil(45 / size));
        expect(pages.map(({ pageInfo }) => pageInfo.hasPreviousPage)).toEqual(pages.map((_, index) => index > 0));
        expect(pages.map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual(
          pages.map((_, index) => index < pages.length - 1),
        );
      }
    }
  });

  it('report errors without affecting neighbouring pages', async () => {
    const wrong = ['first: 0', 'first: 101', 'after: ""', 'after: "zzz"', 'first: -5, after: "x"'];
    for (const args of [...wrong, 'last: 0', 'before: "x"', 'first: 1, last: 1']) {
      const query = `query ($id: ID!) { project(id: $id) { name bad: updates(${args}) { nodes { id } } } good: project(id: $id) { updates(first: 1) { nodes { id } } } }`;
      const { data, errors } = await owner.send(query, { id: projectId });
      expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['project', 'bad'], 'BAD_USER_INPUT'],
      ]);
      expect(data.good.updates.nodes).toHaveLength(1);
    }
  });

  it('of one parent and of many do not mix', async () => {
    const other = await createProject(owner);
    const only = await postUpdate(owner, other.id);
    const query = `query ($a: ID!, $b: ID!) {
      a: project(id: $a) { two: updates(first: 2) { nodes { id } } three: updates(first: 3) { nodes { id } pageInfo { hasNextPage } } end: updates(last: 2) { nodes { id } } }
      b: project(id: $b) { two: updates(first: 2) { nodes { id } pageInfo { hasNextPage } } end: updates(last: 2) { nodes { id } } } }`;
    const { a, b } = await owner.data(query, { a: projectId, b: other.id });
    expect(a.three.nodes.slice(0, 2)).toEqual(a.two.nodes);
    expect(a.three).toMatchObject({ nodes: { length: 3 }, pageInfo: { hasNextPage: true } });
    expect(b.two).toEqual({ nodes: [{ id: only }], pageInfo: { hasNextPage: false } });
    expect(a.end.nodes).toHaveLength(2);
    expect(a.end.nodes).not.toContainEqual(a.two.nodes[0]);
    expect(b.end).toEqual({ nodes: [{ id: only }] });
  });
});

describe('statements', () => {
  const DASHBOARD = `query ($first: Int!) { projects(first: $first) { nodes {
    name health members { nodes { role user { name } } } lead { name } latestUpdate { title author { name } } updates(first: 3) { nodes { title comments(first: 2) { nodes { body author { name } } } } }
  } } }`;
  let viewer: Person;
  let admin: Person;

  beforeAll(async () => {
    const people = await Promise.all(range(4).map(() => tidings.current.asUser('EDITOR')));
    viewer = await tidings.current.asUser('USER');
    admin = await tidings.current.asUser('ADMIN');
    const all = await insertProjects(50, 'COST', [...people.map(({ id }) => id), viewer.id]);
    await tidings.current.database.query(
      `insert into project_update (id, project_id, author_id, title, health)
       select uuidv7(), project::uuid, author::uuid, 'Week ' || week, 'ON_TRACK'
         from unnest(string_to_array($1, ',')) project, unnest(string_to_array($2, ',')) author, generate_series(1, 3) week`,
      [all.join(','), people.map(({ id }) => id).join(',')],
    );
    await tidings.current.database.query(
      `insert into comment (id, project_id, update_id, author_id, body) select uuidv7(), project_id, id, author_id, 'Well said' from project_update`,
    );
  });

  const ask = async (first: number) => {
    const { projects } = await admin.data(DASHBOARD, { first });
    expect(projects.nodes).toHaveLength(first);
    const [node] = projects.nodes;
    expect(node).toMatchObject({ health: 'ON_TRACK', latestUpdate: { author: {} }, lead: {} });
    expect(node.members.nodes).toHaveLength(5);
    expect(node.updates.nodes[0].comments.nodes).toHaveLength(1);
  };

  it('of a dashboard are equal for 5 and 50 projects', async () => {
    const five = await fewestStatementsOf(() => ask(5));
    const fifty = await fewestStatementsOf(() => ask(50));
    // Projects, the latest updates, three updates each, their comments, members, owners: one statement for all projects.
    expect(once(fifty)).toHaveLength(6);
    expect(once(five)).toHaveLength(6);
    // Accounts are reached by four ways, at two depths; those of one depth share a statement.
    expect(five.length).toBeLessThanOrEqual(8);
    expect(fifty.length).toBeLessThanOrEqual(8);
  });

  it('of guarded fields are none, for a member and an ADMIN', async () => {
    const plain = '{ projects(first: 50) { nodes { name latestUpdate { title } } } }';
    const guarded = '{ projects(first: 50) { nodes { name budget latestUpdate { title internalNote } } } }';
    const base = await fewestStatementsOf(() => admin.data(plain));
    expect(await fewestStatementsOf(() => admin.data(guarded))).toHaveLength(base.length);
    const query = guarded.replace('50', '5');
    expect(await fewestStatementsOf(() => viewer.send(query))).toHaveLength(base.length);
  });

  it('of authentication are none: `me` takes the statement that reads the account', async () => {
    await viewer.data('{ me { id } }');
    const sent = await fewestStatementsOf(() => viewer.data('{ me { id name role } }'));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('from account');
    expect(await fewestStatementsOf(() => viewer.data('{ __typename }'))).toEqual([]);
  });
});
