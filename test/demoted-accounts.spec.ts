// An account is demoted while one of its writes is in progress: no write after the demotion in the log relies on the
// former role.
import { Client } from 'pg';
import { createProject, postUpdate } from './support/factories.js';
import { type Person, useTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const tidings = useTidings();

let admin: Person;
let projectId: string;
let updateId: string;
beforeAll(async () => {
  admin = await tidings.current.asUser('ADMIN');
  projectId = (await createProject(admin)).id;
  updateId = await postUpdate(admin, projectId, { title: 'Posted' });
});

interface Write {
  readonly text: string;
  readonly variables: () => Record<string, unknown>;
  /** Locks what the write needs after it has checked the role. */
  readonly lock: string;
  readonly kind: string;
}

const WRITES: readonly Write[] = [
  {
    text: 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }',
    variables: () => ({ i: { projectId, updateId, body: 'B' } }),
    lock: 'select from project_update for update',
    kind: 'COMMENT_POSTED',
  },
  {
    text: 'mutation ($id: ID!) { removeUpdate(id: $id) }',
    variables: () => ({ id: updateId }),
    lock: 'select from project_update for update',
    kind: 'UPDATE_REMOVED',
  },
  {
    text: 'mutation { createProject(input: { key: "BUSY", name: "B" }) { id } }',
    variables: () => ({}),
    lock: `insert into project (id, key, name) values (gen_random_uuid(), 'BUSY', 'B')`,
    kind: 'PROJECT_CREATED',
  },
];

it.each(WRITES)('the demotion waits for a write that has checked the role: $kind', async (write) => {
  const { database } = tidings.current;
  const demoted = await tidings.current.asUser('ADMIN');
  const elsewhere = new Client(database.url);
  await elsewhere.connect();
  try {
    await elsewhere.query('begin');
    await elsewhere.query(write.lock);
    const written = demoted.send(write.text, write.variables());
    await until(async () => (await database.waiting()) > 0, 'the write waited');
    const setRole = 'mutation ($u: ID!) { setUserRole(userId: $u, role: USER) { role } }';
    let answered = false;
    const demotion = admin.send(setRole, { u: demoted.id }).finally(() => (answered = true));
    await until(async () => answered || (await database.waiting()) > 1, 'the demotion waited or was answered');
    await elsewhere.query('rollback');
    const answers = await within(15_000, Promise.all([written, demotion]), 'both were answered');
    expect(answers.map(({ errors }) => errors ?? [])).toEqual([[], []]);
    const sql = `select kind from event where (actor_id = $1 and kind = $2) or (resource_id = $1 and kind = 'ROLE_CHANGED') order by pos`;
    const events = await database.query<{ kind: string }>(sql, [demoted.id, write.kind]);
    expect(events.map(({ kind }) => kind)).toEqual([write.kind, 'ROLE_CHANGED']);
  } finally {
    await elsewhere.end();
  }
});
