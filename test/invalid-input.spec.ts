// Invalid documents, variables and text: each is refused with its error code and location.
import { getIntrospectionQuery } from 'graphql';
import { createProject, type TestProject } from './support/factories.js';
import { type Answer, codes, fields, request, SECRET, STRICT } from './support/answers.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const CREATE = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id name description } }';

let editor: Person;
let project: TestProject;
beforeAll(async () => {
  editor = await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

/** Whatever was sent: nothing about it in the log, and the process goes on. */
async function nothingHappened(): Promise<void> {
  expect(tidings.current.logged).toEqual([]);
  expect(await editor.data('{ me { id } }')).toEqual({ me: { id: editor.id } });
}
afterEach(nothingHappened);

const post = (body: string): Promise<Answer> =>
  request(`${tidings.current.url}/graphql`, {
    method: 'POST',
    headers: { ...STRICT, authorization: `Bearer ${editor.accessToken}` },
    body,
  });
const signedIn = (body: unknown) => post(JSON.stringify(body));
const invalid = (variables: unknown, query = CREATE) => signedIn({ query, variables });
/** Starts to count the stacks that are taken, the most of what an error costs; returns how many there have been since. */
function errorsMade(): () => number {
  let count = 0;
  const capture = Error.captureStackTrace.bind(Error);
  Error.captureStackTrace = (...args) => {
    count += 1;
    capture(...args);
  };
  return () => {
    Error.captureStackTrace = capture;
    return count;
  };
}
const named = (name: string) => editor.send(CREATE, { input: { key: `N${Math.trunc(Math.random() * 1e12)}`, name } });
const spread = (n: number) =>
  `fragment F${n} on Project { a: latestUpdate { project { ...F${n + 1} } } b: latestUpdate { project { ...F${n + 1} } } }`;

describe('a document', () => {
  it.each([
    ['a syntax error', '{ me { ', {}, 'GRAPHQL_PARSE_FAILED'],
    ['a string where a name should be', `{ "${SECRET}" }`, {}, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ nobody }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a literal of the wrong type',
      `{ projects(first: "${SECRET}") { nodes { id } } }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a literal that is no value of its enum',
      '{ projects(filter: { health: [DO_NOT_REPEAT] }) { nodes { id } } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a password of the wrong type',
      `mutation { login(input: { email: "a@b.cd", password: 1234567 }) { accessToken } }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['an undeclared variable', '{ project(id: $id) { id } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a number that is no Int',
      '{ projects(first: 99999999999999999999) { nodes { id } } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'fragments in a circle',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'fragments in a thousand circles',
      `mutation { ...A } fragment A on Mutation { ${'...A '.repeat(1_000)} }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a field a thousand times over', `{ me { ${'id '.repeat(3_900)} } }`, {}, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'introspection within introspection',
      `{ __schema { types { ${'fields { type { '.repeat(5)} name ${'} }'.repeat(5)} } } }`,
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a sign-in twice',
      'mutation { a: login(input: { email: "a@b.cd", password: "x" }) { accessToken } b: login(input: { email: "a@b.cd", password: "x" }) { accessToken } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'a sign-in beside another field',
      'mutation { ...A logout } fragment A on Mutation { login(input: { email: "a@b.cd", password: "x" }) { accessToken } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@skip on the root of a subscription',
      'subscription ($x: Boolean!) { projectsUpdated @skip(if: $x) { seq } }',
      { variables: { x: true } },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      '@include around it',
      'subscription { ... @include(if: true) { projectsUpdated { seq } } }',
      {},
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'an operation that is not in it',
      'query A { __typename }',
      { operationName: 'B' },
      'OPERATION_RESOLUTION_FAILURE',
    ],
    [
      'several operations and none named',
      'query A { __typename } query B { __typename }',
      {},
      'OPERATION_RESOLUTION_FAILURE',
    ],
    ['no operation at all', 'fragment A on Query { __typename }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['more tokens than allowed', `{ ${'a '.repeat(5_000)} }`, {}, 'GRAPHQL_PARSE_FAILED'],
    [
      'too many aliases',
      `{ ${Array.from({ length: 1_000 }, (_, i) => `a${i}: me { id }`).join(' ')} }`,
      {},
      'GRAPHQL_PARSE_FAILED',
    ],
    [
      'fields too deep in each other',
      `{ projects { nodes ${'{ latestUpdate { project '.repeat(200)} { id } ${'} }'.repeat(200)} } }`,
      {},
      'QUERY_TOO_COMPLEX',
    ],
    [
      'more fields than allowed',
      '{ projects(first: 100) { nodes { members(first: 100) { nodes { user { name } } } } } }',
      {},
      'QUERY_TOO_COMPLEX',
    ],
    [
      'more long texts than allowed',
      `{ projects { nodes { latestUpdate { ${Array.from({ length: 20 }, (_, i) => `a${i}: body`).join(' ')} } } } }`,
      {},
      'QUERY_TOO_COMPLEX',
    ],
    [
      'the schema told more often than once',
      `{ __schema { types { fields { ${Array.from({ length: 400 }, (_, i) => `a${i}: description`).join(' ')} } } } }`,
      {},
      'QUERY_TOO_COMPLEX',
    ],
    ['an alias as long as a page', `{ ${'a'.repeat(5_000)}: me { id } }`, {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['a subscription', 'subscription { projectsUpdated { seq } }', {}, 'BAD_USER_INPUT'],
  ])('with %s is refused before anything runs', async (_what, query, more, code) => {
    const answer = await signedIn({ query, ...more });
    expect(answer.status).toBe(400);
    expect(new Set(codes(answer))).toEqual(new Set([code]));
    expect(answer.text).not.toMatch(/"data"|DO_NOT_REPEAT|1234567/);
    expect(answer.text.length).toBeLessThan(60_000);
  });

  it('with exponential fragment spreads is refused in linear time', async () => {
    const wide = Array.from({ length: 40 }, (_, i) => `p${i}: project(id: "${project.id}") { ...F0 }`).join(' ');
    const query = `{ ${wide} } ${Array.from({ length: 8 }, (_, i) => spread(i)).join(' ')} fragment F8 on Project { id }`;
    expect(codes(await signedIn({ query }))).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('with an unknown operation name of 10,000 characters is refused without repeating it', async () => {
    const answer = await signedIn({ query: 'query A { __typename }', operationName: 'x'.repeat(10_000) });
    expect(codes(answer)).toEqual(['OPERATION_RESOLUTION_FAILURE']);
    expect(answer.text.length).toBeLessThan(300);
  });

  it.each([
    ['the schema, as tools ask for it', getIntrospectionQuery()],
    [
      '50 projects with their latest updates, comments and members, long texts and all',
      `{ projects(first: 50) { lastCursor pageInfo { endCursor hasNextPage } nodes {
        id key name description budget createdAt
        latestUpdate { id title body health internalNote author { id name } }
        updates(first: 3) { nodes { id title body health createdAt author { id name } } }
        comments(first: 3) { nodes { id body author { id name } } }
        members(first: 10) { nodes { role user { id name } } } } } }`,
    ],
    [
      'a project with its last 100 updates',
      `{ projects(first: 1) { nodes { description updates(first: 100) { nodes {
        id title body internalNote version editedAt author { id name }
        comments(first: 5) { nodes { id body createdAt author { name } } } } } } } }`,
    ],
  ])('for %s is answered', async (_what, query) => {
    expect(await editor.data(query)).toBeTruthy();
  });

  it('with 200 aliases of one field is answered', async () => {
    const data = await editor.data(`{ ${Array.from({ length: 200 }, (_, i) => `a${i}: me { id }`).join(' ')} }`);
    expect(Object.keys(data)).toHaveLength(200);
  });

  it('refused from the cache is refused alike', async () => {
    for (const query of [
      '{ nobody }',
      '{ me { ',
      'subscription ($x: Boolean!) { projectsUpdated @skip(if: $x) { seq } }',
    ]) {
      const [first, second] = [await signedIn({ query }), await signedIn({ query })];
      expect(second).toEqual(first);
    }
  });
});

describe('variables', () => {
  it.each([
    [{}, ['input']],
    [{ input: null }, ['input']],
    [{ input: { key: 'AB', name: null } }, ['input.name']],
    [{ input: SECRET }, ['input']],
    [
      { input: { key: 5, name: { a: SECRET }, budget: `x; y at "bogus"; ${SECRET}` } },
      ['input.budget', 'input.key', 'input.name'],
    ],
    [{ input: { key: 'AB' } }, ['input.name']],
    [{ input: { key: 'AB', name: 'x', extra: SECRET } }, ['input.extra']],
    [{ input: { key: 'AB', name: 'x', budget: 'NaN' } }, ['input.budget']],
  ])('%j are refused by path', async (variables, paths) => {
    const answer = await invalid(variables);
    expect([answer.status, codes(answer), fields(answer).toSorted()]).toEqual([400, ['BAD_USER_INPUT'], paths]);
    expect(answer.text).not.toContain('bogus');
  });

  it('of invalid Int, ID or enum values are refused by path', async () => {
    const query =
      'query ($n: Int, $f: ProjectFilter, $id: ID) { projects(first: $n, filter: $f) { nodes { id } } project(id: $id) { id } }';
    for (const [variables, path] of [
      [{ n: 1e20 }, 'n'],
      [{ n: '5' }, 'n'],
      [{ n: 1.5 }, 'n'],
      [{ f: { health: ['AT_RISK', SECRET] } }, 'f.health.1'],
      [{ f: { mine: 'yes' } }, 'f.mine'],
      [{ id: { $ne: null } }, 'id'],
      [{ id: [1] }, 'id'],
    ] as const) {
      expect([path, fields(await invalid(variables, query))]).toEqual([path, [path]]);
    }
  });

  it('null at a non-null position is refused there', async () => {
    const answer = await invalid({ id: null }, 'query ($id: ID = "x") { user(id: $id) { id } }');
    expect([codes(answer), fields(answer)]).toEqual([['BAD_USER_INPUT'], ['id']]);
  });

  it('not declared are ignored', async () => {
    const answer = await invalid(
      { id: project.id, other: SECRET, __proto__: { x: 1 }, constructor: 1 },
      'query ($id: ID!) { project(id: $id) { id } }',
    );
    expect([answer.status, answer.errors]).toEqual([200, []]);
  });

  it('wrong in ten thousand places are reported twenty times', async () => {
    const query = 'query ($f: ProjectFilter) { projects(filter: $f) { nodes { id } } }';
    const many = Array.from({ length: 60_000 }, () => 5);
    const known = Object.fromEntries(many.slice(0, 15_000).map((_, n) => [`x${n}`, 1]));
    for (const [f, count] of [
      [{ health: many }, 20],
      [known, 20],
      [{ health: many.slice(0, 19) }, 19],
    ] as const) {
      const made = errorsMade();
      expect(fields(await invalid({ f }, query))).toHaveLength(count);
      expect(made()).toBeLessThan(100);
    }
  });

  it('nested ten thousand deep are refused', async () => {
    const answer = await post(
      `{"query": "{ __typename }", "variables": {"a": ${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
    );
    expect(answer.status).toBe(200);
  });
});

describe('text', () => {
  it.each([
    ['NUL', 'a\u0000b'],
    ['a control character', 'a\u001bb'],
    ['DEL', 'a\u007f'],
    ['a bidirectional override', 'a\u202etxt.exe'],
    ['an isolate', '\u2066a'],
    ['a lone surrogate', 'a\ud83d'],
    ['a line break', 'a\nb'],
    ['nothing visible', '\u200b\u2060'],
    ['nothing', '   '],
    ['121 characters', 'x'.repeat(121)],
  ])('with %s is refused in a name', async (_what, value) => {
    const { errors } = await named(value);
    expect(errors?.map(({ extensions }) => [extensions.code, extensions['fields']])).toMatchObject([
      ['BAD_USER_INPUT', [{ path: 'input.name' }]],
    ]);
    expect(JSON.stringify(errors)).not.toContain(value.trim() || 'nothing to look for');
  });

  it.each([
    ['👩‍👩‍👧‍👦 family', '👩‍👩‍👧‍👦 family'],
    ['🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
    ['😀'.repeat(120), '😀'.repeat(120)],
    ['Cafe\u0301', 'Caf\u00e9'],
    ['  ملف عربي  ', 'ملف عربي'],
    ["Robert'); drop table project;--", "Robert'); drop table project;--"],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ])('%s is stored and returned', async (value, back) => {
    const { data, errors } = await named(value);
    expect(errors).toBeUndefined();
    expect(data.createProject.name).toBe(back);
    expect(
      (await editor.data('query ($id: ID!) { project(id: $id) { name } }', { id: data.createProject.id })).project.name,
    ).toBe(back);
  });

  it('over the limit is refused in e-mail and password without repeating it', async () => {
    const input = { name: 'New', email: `${'a'.repeat(290)}@example.com`, password: SECRET.repeat(20) };
    const answer = await signedIn({
      query: 'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }',
      variables: { input },
    });
    expect([codes(answer), fields(answer)]).toEqual([['BAD_USER_INPUT'], ['input.email', 'input.password']]);
    expect(answer.text).not.toContain('aaaaaaa');
  });
});
