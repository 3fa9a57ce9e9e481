// A session ends during one of its mutations: its remaining root fields are refused, even if the instance knew the
// session as active when it began.
import { Client } from 'pg';
import { type Data } from './support/graphql-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const tidings = useTidings();

interface Stage {
  readonly admin: Person;
  readonly user: Person;
  readonly projectId: string;
  readonly other: Person;
}

let stage: Stage;
beforeAll(async () => {
  const [admin, user] = [await tidings.current.asUser('ADMIN'), await tidings.current.asUser('USER')];
  const { createProject } = await admin.data('mutation { createProject(input: { key: "ENDED", name: "E" }) { id } }');
  const other = await tidings.current.signIn(admin.id, admin.email);
  stage = { admin, user, projectId: createProject.id, other };
});

const MUTATIONS: readonly (readonly [string, (stage: Stage) => Record<string, unknown>])[] = [
  [
    'postUpdate($i: PostUpdateInput!): postUpdate(input: $i) { id }',
    ({ projectId }) => ({ i: { projectId, title: 'T', health: 'ON_TRACK' } }),
  ],
  [
    'postComment($i: PostCommentInput!): postComment(input: $i) { id }',
    ({ projectId }) => ({ i: { projectId, body: 'B' } }),
  ],
  ['createProject($k: String!): createProject(input: { key: $k, name: "N" }) { id }', () => ({ k: 'ANOTHER' })],
  ['editProject($id: ID!): editProject(id: $id, input: { name: "N" }) { id }', ({ projectId }) => ({ id: projectId })],
  [
    'setProjectMember($p: ID!, $u: ID!): setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role }',
    ({ projectId, user }) => ({ p: projectId, u: user.id }),
  ],
  ['announce($m: String!): announce(message: $m) { id }', () => ({ m: 'Hello' })],
  ['setUserRole($u: ID!): setUserRole(userId: $u, role: EDITOR) { role }', ({ user }) => ({ u: user.id })],
  ['revokeSession($s: ID!): revokeSession(id: $s)', ({ other }) => ({ s: other.sessionId })],
  ['logoutEverywhere($k: Boolean): logoutEverywhere(keepCurrent: $k)', () => ({ k: true })],
  ['deleteProject($id: ID!): deleteProject(id: $id)', ({ projectId }) => ({ id: projectId })],
];

it.each(MUTATIONS)('the end of the session stops the remaining root fields: %s', async (text, variables) => {
  const { database } = tidings.current;
  const [operation, field] = text.split('): ') as [string, string];
  const doomed = await tidings.current.signIn(stage.admin.id, stage.admin.email);
  // It is known here, and lives.
  await doomed.data('{ me { id } }');
  const elsewhere = new Client(database.url);
  await elsewhere.connect();
  try {
    // As an instance does that ends a session: what it does comes to the log before what waits for it.
    await elsewhere.query('begin');
    await elsewhere.query('select from log_head for update');
    const answer = doomed.send(`mutation ${operation.replace(/^\w+/, '')}) { ${field} }`, variables(stage));
    await until(async () => (await database.waiting()) > 0, 'the mutation waited for the head of the log');
    await elsewhere.query(`update session set ended_at = now(), end_reason = 'REVOKED' where id = $1`, [
      doomed.sessionId,
    ]);
    await elsewhere.query('commit');
    const { errors } = await within<Data>(15_000, answer, 'the mutation was answered');
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect(await database.query('select kind from event where session_id = $1', [doomed.sessionId])).toEqual([]);
  } finally {
    await elsewhere.end();
  }
});

it('an account that disables itself ends its own session', async () => {
  const { current } = tidings;
  const admin = await current.asUser('ADMIN');
  const disable = 'mutation ($id: ID!) { setUserDisabled(userId: $id, disabled: true) { disabledAt: id } }';
  expect((await admin.send(disable, { id: admin.id })).errors ?? []).toEqual([]);
  expect((await admin.send('{ me { id } }')).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
});
