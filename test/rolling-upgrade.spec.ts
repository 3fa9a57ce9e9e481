// Instances of the previous version and of this one on one database. The previous version is represented by its
// statements, recorded while it ran every operation, and by the way it writes an update. Each release records its own.
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { databaseContent } from '../src/database-content.js';
import { migrate } from '../src/engine/database/migrate.js';
import { ormOptions } from '../src/engine/database/orm-options.js';
import { createDatabase, createEmptyDatabase, type TestDatabase } from './support/database.js';
import { createProject, postUpdate } from './support/factories.js';
import type { SentStatement } from './support/sent-statements.js';
import { TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';

/** The newest migration of the version before. */
const BEFORE = '20261121000008';
const statements = JSON.parse(readFileSync(`test/fixtures/statements-of-${BEFORE}.json`, 'utf8')) as SentStatement[];

const databases: TestDatabase[] = [];
afterAll(() => Promise.all(databases.map((database) => database.drop())));

it('every statement of the previous version is valid in the current schema', async () => {
  const database = await createDatabase();
  databases.push(database);
  const refused: unknown[] = [];
  for (const { sql, values } of statements) {
    await database.query(`explain ${sql}`, values).catch((error: Error) => refused.push({ sql, error: error.message }));
  }
  expect(refused).toEqual([]);
  expect(statements.length).toBeGreaterThan(100);
});

it('instances of the previous version keep working while a new one migrates and serves', async () => {
  const database = await createEmptyDatabase();
  databases.push(database);
  const before = databaseContent.migrations.filter(({ name }) => name.slice(0, BEFORE.length) <= BEFORE);
  const orm = await MikroORM.init(ormOptions(database.url, { ...databaseContent, migrations: before }, 2));
  await migrate(orm);
  await orm.close(true);
  const [author, projectId] = [randomUUID(), randomUUID()];
  await database.query('insert into first_admin (id) values (1)');
  await database.query(
    `insert into account (id, email, name, role, password_hash) values ($1, 'old@example.com', 'Old', 'EDITOR', 'hash')`,
    [author],
  );
  await database.query(`insert into project (id, key, name) values ($1, 'ROLLING', 'Rolling')`, [projectId]);

  const stop = new AbortController();
  const [old, reader] = [new Client(database.url), new Client(database.url)];
  await Promise.all([old.connect(), reader.connect()]);
  const written: string[] = [];
  const writes = (async () => {
    while (!stop.signal.aborted) {
      const id = randomUUID();
      await old.query('begin');
      await old.query(
        'select pg_advisory_xact_lock_shared(hashtextextended(id::text, 0)) from project where id = $1 and deleted_at is null for share',
        [projectId],
      );
      // As it does: whoever waits for a migration here holds nothing that the migration needs.
      await old.query(
        'select account.role, member.role as membership from account left join project_member member on member.account_id = account.id and member.project_id = $1 where account.id = $2',
        [projectId, author],
      );
      await old.query(
        `insert into project_update (id, project_id, author_id, title, body, health, version, created_at) values ($1, $2, $3, $4, '', 'ON_TRACK', 1, now())`,
        [id, projectId, author, id],
      );
      await old.query(
        `insert into event (resource_kind, resource_id, kind, actor_id, session_id, facts) values ('project', $1, 'UPDATE_POSTED', $2, null, $3)`,
        [projectId, author, { subjectId: id }],
      );
      await old.query('commit');
      written.push(id);
    }
  })();
  await until(() => written.length > 5, 'the version before wrote');

  const tidings = await TestTidings.start({ database });
  try {
    const admin = await tidings.asUser('ADMIN');
    const watch = admin
      .socket()
      .subscribe('subscription ($id: ID!) { projectUpdated(projectId: $id) { seq update { title } } }', {
        id: projectId,
      });
    await tidings.watching(1);
    const post = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';
    for (let count = 0; count < 20; count += 1)
      await admin.data(post, { i: { projectId, title: `new ${count}`, health: 'AT_RISK' } });
    const upTo = written.length + 5;
    await until(() => written.length > upTo, 'the version before went on');
    stop.abort();
    await writes;
    const [last] = await database.query<{ seq: number }>(
      'select seq::int as seq from log_counter where resource_id = $1',
      [projectId],
    );

    // Told by the new one, in order and without a gap.
    const told: { seq: number; update: { title: string } }[] = [];
    while (told.at(-1)?.seq !== last!.seq) told.push((await watch.next()).data.projectUpdated);
    expect(told.map(({ seq }) => seq)).toEqual(told.map((_, index) => told[0]!.seq + index));
    expect(told.filter(({ update }) => update.title.startsWith('new')).map(({ update }) => update.title)).toEqual(
      Array.from({ length: 20 }, (_, count) => `new ${count}`),
    );
    // Read by the one before, whose events have every column that it knows.
    const { rows } = await reader.query(
      'select pos::int as pos, seq, resource_kind, resource_id, kind, actor_id, session_id, facts, at, nonce from event where partition = 0 order by pos',
    );
    expect(rows.map(({ pos }) => pos)).toEqual(rows.map((_, index) => index + 1));
    expect(rows).toHaveLength(written.length + 20);
  } finally {
    stop.abort();
    await writes;
    await tidings.stop();
    await Promise.all([old.end(), reader.end()]);
  }
});

it('an instance that keeps plans goes on while a later migration adds columns', async () => {
  const tidings = await TestTidings.start();
  try {
    let editor = await tidings.asUser('EDITOR');
    const project = await createProject(editor);
    const every = async () => {
      await postUpdate(editor, project.id, { title: 'Posted' });
      await editor.data('mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }', {
        i: { projectId: project.id, body: 'Said' },
      });
      await editor.data('mutation ($id: ID!) { editProject(id: $id, input: { name: "Renamed" }) { id } }', {
        id: project.id,
      });
      editor = await tidings.signIn(editor.id, editor.email);
      const refresh = 'mutation ($t: String) { refresh(refreshToken: $t) { session { id } } }';
      await tidings.anonymous.data(refresh, { t: editor.refreshToken });
    };
    // Each connection keeps its own.
    for (let time = 0; time < 3; time += 1) await Promise.all([every(), every()]);
    for (const table of ['event', 'session', 'account', 'project_update', 'comment', 'audit_entry', 'project'])
      await tidings.database.query(`alter table ${table} add column later integer`);
    for (let time = 0; time < 3; time += 1) await Promise.all([every(), every()]);
    const [posted] = await tidings.database.query('select count(*)::int as count from project_update');
    expect(posted).toEqual({ count: 12 });
  } finally {
    await tidings.stop();
  }
});
