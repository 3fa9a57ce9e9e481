// The network silently drops all packets of open connections to PostgreSQL: requests are answered long before the TCP
// timeout.
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { EventLog } from '../src/engine/events/event-log.js';
import { useBehindProxy } from './support/behind-proxy.js';
import { createProject, type TestProject } from './support/factories.js';
import { type Person, POOL_SIZE } from './support/tidings.js';
import { until } from './support/wait.js';

const nodes = useBehindProxy();
const { tidings } = nodes;

let editor: Person;
let project: TestProject;
beforeEach(async () => {
  editor = await nodes.elsewhere.asUser('EDITOR');
  project = await createProject(editor);
});

/** Of an update that is posted once. */
const input = (idempotencyKey: string) => ({
  input: { projectId: project.id, title: idempotencyKey, health: 'ON_TRACK', idempotencyKey },
});
const codes = (errors: readonly { readonly extensions: { readonly code: string } }[] | undefined) =>
  errors?.map(({ extensions }) => extensions.code);

describe('a request during a PostgreSQL black hole', () => {
  const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
  const EDIT = 'mutation ($id: ID!, $input: EditUpdateInput!) { editUpdate(id: $id, input: $input) { id } }';
  const NAME = 'query ($id: ID!) { project(id: $id) { name } }';
  let author: Person;
  beforeEach(async () => {
    author = await tidings.current.signIn(editor.id, editor.email);
  });

  it('fails within the time-out, can be retried, and does not keep its locks', async () => {
    // All of them find a connection that is open, and is swallowed then.
    const { em } = tidings.current.app.get(MikroORM);
    await Promise.all(Array.from({ length: Number(POOL_SIZE) }, () => em.fork().execute('select pg_sleep(0.2)')));
    const log = tidings.current.app.get(EventLog);
    const free = Promise.withResolvers<readonly unknown[]>();
    const { id } = (await editor.data(POST, input('first'))).postUpdate as { id: string };
    log.append = async (...args) => {
      Reflect.deleteProperty(log, 'append');
      // Connections that are made from now on pass.
      nodes.proxy.blackhole(() => true);
      const sql = 'select id from project_update where id = $1 for update skip locked';
      free.resolve(await nodes.elsewhere.database.query(sql, [id]));
      return log.append(...args);
    };
    const edit = { id, input: { title: 'swallowed' } };
    const mutation = author.send(EDIT, edit);
    expect(await free.promise).toEqual([]);
    const socket = author.socket();
    const asked = [
      mutation,
      author.send(NAME, { id: project.id }),
      socket.subscribe(NAME, { id: project.id }).next(60_000),
    ];
    expect((await editor.send(POST, input('another'))).errors).toBeUndefined();
    for (const { errors } of await Promise.all(asked)) expect(codes(errors)).toEqual(['SERVICE_UNAVAILABLE']);
    for (let n = 0; n < 2; n += 1) expect((await author.send(EDIT, edit)).errors).toBeUndefined();
    const all = 'select title from project_update where project_id = $1 order by title';
    expect(await nodes.elsewhere.database.query(all, [project.id])).toEqual([
      { title: 'another' },
      { title: 'swallowed' },
    ]);
  });

  it('with a lost reply can be retried and runs once', async () => {
    const inTheWay = new Client({ connectionString: nodes.elsewhere.database.url });
    await inTheWay.connect();
    await inTheWay.query('begin');
    await inTheWay.query('select pos from log_head for update');
    const mutation = author.send(POST, input('committed'));
    // Its event and its commit have been sent together.
    await until(async () => (await nodes.elsewhere.database.waiting()) === 1, 'it waited for the head of the log');
    nodes.proxy.blackhole(() => true);
    await inTheWay.end();
    const posted = () =>
      nodes.elsewhere.database.query<{ id: string }>('select id from project_update where project_id = $1', [
        project.id,
      ]);
    await until(async () => (await posted()).length === 1, 'it was committed');
    expect(codes((await mutation).errors)).toEqual(['SERVICE_UNAVAILABLE']);
    const again = await author.data(POST, input('committed'));
    expect(await posted()).toEqual([{ id: again.postUpdate.id }]);
  });

  it('over the time-out is cancelled by PostgreSQL without costing a connection', async () => {
    const inTheWay = new Client({ connectionString: nodes.elsewhere.database.url });
    await inTheWay.connect();
    await inTheWay.query('begin');
    await inTheWay.query('select pos from log_head for update');
    const answer = author.send(POST, input('slow'));
    const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until(async () => (await nodes.elsewhere.database.query(waiting)).length === 1, 'it waited');
    const [connection] = await nodes.elsewhere.database.query<{ pid: number }>(waiting);
    const { errors, status, headers } = await answer;
    expect([codes(errors), status, headers.get('retry-after')]).toEqual([['SERVICE_UNAVAILABLE'], 503, '1']);
    await inTheWay.end();
    const idle = `select 1 from pg_stat_activity where pid = $1 and state = 'idle'`;
    expect(await nodes.elsewhere.database.query(idle, [connection!.pid])).toHaveLength(1);
    expect((await author.send(POST, input('slow'))).errors).toBeUndefined();
  });
});
