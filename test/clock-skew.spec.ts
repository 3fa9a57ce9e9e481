// Two instances with different clocks: a write is ordered after writes committed earlier on the other instance.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Data, GraphqlClient } from './support/graphql-client.js';
import { killAll, ServiceProcess } from './support/process.js';

const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';
const COMMENT = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
const EDIT = 'mutation ($id: ID!, $i: EditUpdateInput!) { editUpdate(id: $id, input: $i) { createdAt editedAt } }';
const SHOWN = `query ($id: ID!) { project(id: $id) {
  health createdAt latestUpdate { title } updates { nodes { title } } comments { nodes { body } } } }`;

let database: TestDatabase;
let nodes: readonly [GraphqlClient, GraphqlClient];
let services: readonly [right: ServiceProcess, behind: ServiceProcess];

beforeAll(async () => {
  database = await createDatabase();
  const secret = randomBytes(32).toString('base64');
  const env = {
    DATABASE_URL: database.url,
    APP_SECRET: secret,
    PORT: '0',
    DEMO: 'true',
    PUBLIC_URL: 'http://localhost',
  };
  const slow = ['--import', join(process.cwd(), 'test/fixtures/slow-clock.js')];
  const [right, behind] = [await ServiceProcess.start(env), await ServiceProcess.start(env, slow)];
  services = [right, behind];
  const login = 'mutation { login(input: { email: "admin@example.com", password: "tidings-demo" }) { accessToken } }';
  const { login: signedIn } = await new GraphqlClient(right.url).data(login);
  nodes = [right, behind].map(({ url }) => new GraphqlClient(url, signedIn.accessToken)) as never;
});
afterAll(async () => {
  await killAll();
  await database?.drop();
});

it('instances with skewed clocks keep updates, comments and health in commit order', async () => {
  const [right, behind] = nodes;
  const { createProject } = await right.data('mutation { createProject(input: { key: "CLOCKS", name: "C" }) { id } }');
  const projectId = createProject.id;
  await right.data(POST, { i: { projectId, title: 'first', health: 'ON_TRACK' } });
  const { postUpdate } = await behind.data(POST, { i: { projectId, title: 'second', health: 'AT_RISK' } });
  await right.data(COMMENT, { i: { projectId, body: 'first' } });
  await behind.data(COMMENT, { i: { projectId, body: 'second' } });
  const { editUpdate } = await behind.data(EDIT, { id: postUpdate.id, i: { body: 'more' } });
  expect(editUpdate.editedAt >= editUpdate.createdAt).toBe(true);
  const { project } = await right.data(SHOWN, { id: projectId });
  expect(project).toMatchObject({
    health: 'AT_RISK',
    latestUpdate: { title: 'second' },
    updates: { nodes: [{ title: 'second' }, { title: 'first' }] },
    comments: { nodes: [{ body: 'second' }, { body: 'first' }] },
  });
  expect(editUpdate.createdAt >= project.createdAt).toBe(true);
});

it('instances with skewed clocks keep the audit log newest first', async () => {
  for (const node of [...nodes, ...nodes]) await node.data('mutation { announce(message: "Hello") { id } }');
  const { auditLog } = await nodes[0].data('{ auditLog(first: 20) { nodes { at } } }');
  const times = auditLog.nodes.map(({ at }: Data) => at);
  expect(times).toEqual(times.toSorted().toReversed());
});

it('an instance with a skewed clock reports it in its log, in /metrics and in its readiness', async () => {
  const seen = await Promise.all(
    services.map(async ({ url, output }) => {
      const [ready, metrics] = [await fetch(`${url}/health/ready`), await (await fetch(`${url}/metrics`)).text()];
      const { details } = (await ready.json()) as { details: Record<string, string> };
      const offset = Number(/^tidings_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1]);
      // Without the sign of a clock that is behind by less than half a second.
      const seconds = Math.round(offset) + 0;
      return { status: ready.status, details, offset: seconds, logged: output.match(/This clock is .*/g) };
    }),
  );
  expect(seen).toEqual([
    { status: 200, details: {}, offset: 0, logged: null },
    {
      status: 200,
      // A busy machine answers late, which makes a difference of tenths.
      details: { clock: expect.stringMatching(/^This clock is (89|90)\.\d s behind PostgreSQL's$/) },
      offset: -90,
      logged: [expect.stringMatching(/This clock is (89|90)\.\d s behind PostgreSQL's: set it by NTP/)],
    },
  ]);
});
