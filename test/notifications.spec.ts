// Notifications and announcements: who receives them, on either of two instances, and what they must not reveal.
import { Client } from 'pg';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { sharedRedisUrl, stopSharedRedis } from './support/redis.js';
import type { Watch } from './support/socket-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { type Person, TestTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';
import { EventRetention } from '../src/engine/events/retention.js';
import { NotificationService } from '../src/domain/notifications/notification.service.js';
import { AnnouncementService } from '../src/domain/notifications/announcement.service.js';

const FIELDS = `id kind actor { id } projectId project { id name } update { id title } comment { id body } projectRole role readAt`;
const LIST = `query ($first: Int, $after: String, $unread: Boolean) {
  notifications(first: $first, after: $after, unread: $unread) { unreadCount nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } } }`;
const RECEIVED = `subscription { notificationReceived { ${FIELDS} } }`;
const READ = 'mutation ($id: ID!) { markNotificationsRead(upTo: $id) }';
const COMMENT = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

let here: TestTidings;
let there: TestTidings;
let editor: Person;
let ada: Person;
let lovelace: Person;
let stranger: Person;
let admin: Person;
let project: TestProject;

beforeAll(async () => {
  const env = { REDIS_URL: await sharedRedisUrl() };
  here = await TestTidings.start({ env });
  there = await TestTidings.start({ database: here.database, env });
  [editor, ada, lovelace, stranger, admin] = await Promise.all([
    here.asUser('EDITOR', 'Grace Hopper'),
    here.asUser('USER', 'Ada'),
    here.asUser('USER', 'Ada Lovelace'),
    here.asUser('USER', 'Eve'),
    here.asUser('ADMIN', 'Root'),
  ]);
  project = await createProject(editor, { name: 'Engines' });
  for (const member of [ada, lovelace]) await addMember(editor, project.id, member, 'VIEWER');
});
afterAll(async () => {
  await here?.stop();
  await there?.stop();
  await stopSharedRedis();
});

const list = async (person: Person, variables: Record<string, unknown> = {}): Promise<Data> =>
  (await person.data(LIST, variables)).notifications;
const newest = async (person: Person): Promise<Data> => (await list(person, { first: 1 })).nodes[0];
const comment = async (person: Person, body: string, where: Record<string, unknown> = {}): Promise<string> =>
  (await person.data(COMMENT, { i: { projectId: project.id, body, ...where } })).postComment.id;
const subscribers = (node: TestTidings, accountId: string) =>
  node.app.get(NotificationService)['subscribers'].get(accountId)?.size ?? 0;
const listeners = (node: TestTidings) => node.app.get(AnnouncementService)['subscribers'].size;

/** A subscription at the other node, open. */
async function receiving(person: Person): Promise<Watch> {
  const watch = person.socket(there.url).subscribe(RECEIVED);
  await until(() => subscribers(there, person.id) > 0, 'the subscription was open');
  return watch;
}

async function ended(watch: Watch, person: Person): Promise<void> {
  watch.stop();
  await until(() => subscribers(there, person.id) === 0, 'the subscription was forgotten');
}

describe('a mention', () => {
  it('in an update is stored and delivered at the other instance, by the longest matching name', async () => {
    const [told, other] = [await receiving(lovelace), await receiving(ada)];
    const before = (await list(ada)).nodes.length;
    const id = await postUpdate(editor, project.id, { title: 'Done', body: 'Thanks to @ada LOVELACE.' });
    const { data } = await told.next();
    expect(data.notificationReceived).toMatchObject({
      kind: 'MENTION',
      actor: { id: editor.id },
      projectId: project.id,
      project: { id: project.id, name: 'Engines' },
      update: { id, title: 'Done' },
      comment: null,
      projectRole: null,
      role: null,
      readAt: null,
    });
    expect(await newest(lovelace)).toEqual(data.notificationReceived);
    expect((await list(ada)).nodes).toHaveLength(before);
    expect(other.pending).toEqual([]);
    await ended(told, lovelace);
    await ended(other, ada);
  });

  it('in a comment, or added by an edit, notifies as well', async () => {
    const about = await comment(editor, 'What does @Ada think?');
    expect(await newest(ada)).toMatchObject({ kind: 'MENTION', comment: { id: about }, update: null });
    const count = (await list(ada)).unreadCount;
    const update = await postUpdate(editor, project.id, { title: 'For @Ada', internalNote: '@Ada must not know' });
    expect(await newest(ada)).toMatchObject({ update: { id: update, title: 'For @Ada' } });
    const edit = 'mutation ($id: ID!, $b: String!) { editUpdate(id: $id, input: { body: $b }) { id } }';
    await editor.data(edit, { id: update, b: 'Still for @Ada, and for @Ada Lovelace' });
    expect((await list(ada)).unreadCount).toBe(count + 1);
    expect(await newest(lovelace)).toMatchObject({ update: { id: update } });
  });

  it('notifies once per update or comment, even when removed and added again', async () => {
    const edits = [
      {
        id: await postUpdate(editor, project.id, { title: 'For @Ada' }),
        edit: 'mutation ($id: ID!, $t: String!) { editUpdate(id: $id, input: { title: $t }) { id } }',
      },
      {
        id: await comment(editor, 'For @Ada'),
        edit: 'mutation ($id: ID!, $t: String!) { editComment(id: $id, input: { body: $t }) { id } }',
      },
    ];
    const before = await Promise.all([ada, lovelace].map(async (person) => (await list(person)).unreadCount));
    for (const { id, edit } of edits) {
      // What was posted by a version that stored no mentions.
      await here.database.query(`update comment set mentioned = '{}' where id = $1`, [id]);
      for (const t of ['For nobody', 'For @Ada', 'For @Ada Lovelace', 'For nobody', 'For @Ada and @Ada Lovelace'])
        await editor.data(edit, { id, t });
    }
    const after = await Promise.all([ada, lovelace].map(async (person) => (await list(person)).unreadCount));
    expect(after).toEqual([before[0], before[1] + 2]);
  });

  it('of oneself, a non-member or nobody notifies nobody and answers alike', async () => {
    const before = await Promise.all([editor, stranger, admin].map(async (person) => (await list(person)).unreadCount));
    const answers = [];
    for (const name of ['@Grace Hopper', '@Eve', '@Nobody at all', '@Root']) {
      const { status, data, errors } = await editor.send(
        'mutation ($i: PostCommentInput!) { postComment(input: $i) { body } }',
        { i: { projectId: project.id, body: name } },
      );
      answers.push({ status, keys: Object.keys(data.postComment), errors });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const after = await Promise.all([editor, stranger, admin].map(async (person) => (await list(person)).unreadCount));
    expect(after).toEqual(before);
  });

  it('is stored in the transaction of its event, once for repeated mutations', async () => {
    const input = { projectId: project.id, body: 'Once, @Ada', idempotencyKey: 'mention' };
    const before = (await list(ada)).unreadCount;
    await Promise.all([1, 2, 3].map(() => editor.data(COMMENT, { i: input })));
    expect((await list(ada)).unreadCount).toBe(before + 1);
  });

  it('of a member who leaves at that moment notifies nobody', async () => {
    const leaving = await here.asUser('USER', 'Charles Babbage');
    await addMember(editor, project.id, leaving, 'VIEWER');
    const elsewhere = new Client(here.database.url);
    await elsewhere.connect();
    try {
      // As `removeProjectMember` does.
      await elsewhere.query('begin');
      await elsewhere.query('select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))', [project.id]);
      const waiting = await here.database.waiting();
      const posted = comment(editor, 'Are you here, @Charles Babbage?');
      await until(async () => (await here.database.waiting()) > waiting, 'the comment waited, its mentions were found');
      await elsewhere.query('delete from project_member where project_id = $1 and account_id = $2', [
        project.id,
        leaving.id,
      ]);
      await elsewhere.query('commit');
      const sql = `select event.facts, array_length(mentioned, 1) as mentioned
                     from event join comment on comment.id = $1::uuid where event.facts ->> 'subjectId' = $1::text`;
      const id = await posted;
      expect(await here.database.query(sql, [id])).toEqual([{ facts: { subjectId: id }, mentioned: null }]);
      const all = 'select kind from notification where account_id = $1 and subject_id is not null';
      expect(await here.database.query(all, [leaving.id])).toEqual([]);
    } finally {
      await elsewhere.end();
    }
  });

  it('of a locked account delays nobody else', async () => {
    const locking = new Client(here.database.url);
    await locking.connect();
    try {
      await locking.query(`begin; select from account where id = '${ada.id}' for update`);
      const waiting = await here.database.waiting();
      const posted = comment(editor, 'Where are you, @Ada?');
      await until(async () => (await here.database.waiting()) > waiting, 'the comment waited for the account');
      await within(15_000, comment(lovelace, 'Not here'), 'another comment was posted');
      await locking.query('commit');
      expect(await posted).toBe((await newest(ada)).comment.id);
    } finally {
      await locking.end();
    }
  });

  it('is limited to 20 accounts per text', async () => {
    const crowded = await createProject(editor);
    await here.database.query(
      `with crowd as (insert into account (id, email, name, role, password_hash)
         select gen_random_uuid(), 'crowd-' || n || '@example.com', 'Crowd ' || n, 'USER', 'x' from generate_series(1, 30) n returning id)
       insert into project_member (id, project_id, account_id, role) select gen_random_uuid(), $1, id, 'VIEWER' from crowd`,
      [crowded.id],
    );
    const body = Array.from({ length: 30 }, (_, n) => `@Crowd ${n + 1}`).join(' ');
    await comment(editor, body, { projectId: crowded.id });
    const [{ count }] = (await here.database.query(
      'select count(*)::int as count from notification where project_id = $1',
      [crowded.id],
    )) as [{ count: number }];
    expect(count).toBe(20);
  });

  it('takes no statement for text without @', async () => {
    let n = 0;
    const without = await fewestStatementsOf(() => comment(editor, `Nobody ${(n += 1)}`), 3);
    const empty = await fewestStatementsOf(() => comment(editor, `Nobody @ ${(n += 1)}`), 3);
    expect(without.filter((sql) => /account\.name|notification/.test(sql))).toEqual([]);
    expect(empty.length).toBe(without.length + 1);
  });
});

describe('membership changes', () => {
  it('notify the affected account', async () => {
    const told = await receiving(stranger);
    const other = await createProject(editor);
    await addMember(editor, other.id, stranger, 'VIEWER');
    const joined = { kind: 'MEMBERSHIP', projectId: other.id, actor: { id: editor.id } };
    expect((await told.next()).data.notificationReceived).toMatchObject({ ...joined, projectRole: 'VIEWER' });
    await addMember(editor, other.id, stranger, 'EDITOR');
    expect((await told.next()).data.notificationReceived).toMatchObject({ ...joined, projectRole: 'EDITOR' });
    await editor.data(REMOVE, { p: other.id, u: stranger.id });
    expect((await told.next()).data.notificationReceived).toMatchObject({
      ...joined,
      projectRole: null,
      project: null,
    });
    await ended(told, stranger);
  });

  it('of the account role notify, own changes do not', async () => {
    const told = await receiving(stranger);
    const setRole = 'mutation ($u: ID!, $r: Role!) { setUserRole(userId: $u, role: $r) { id } }';
    await admin.data(setRole, { u: stranger.id, r: 'EDITOR' });
    expect((await told.next()).data.notificationReceived).toMatchObject({
      kind: 'ROLE',
      role: 'EDITOR',
      projectId: null,
      project: null,
      actor: { id: admin.id },
    });
    const own = await createProject(stranger);
    const before = (await list(stranger)).unreadCount;
    await addMember(stranger, own.id, editor, 'OWNER');
    await stranger.data(REMOVE, { p: own.id, u: stranger.id });
    expect((await list(stranger)).unreadCount).toBe(before);
    await admin.data(setRole, { u: stranger.id, r: 'USER' });
    await ended(told, stranger);
  });

  it('that remove access hide the content of earlier notifications', async () => {
    const secret = await createProject(editor, { name: 'Before' });
    await addMember(editor, secret.id, ada, 'VIEWER');
    const id = await postUpdate(editor, secret.id, { title: 'For @Ada' });
    await comment(editor, '@Ada, look', { projectId: secret.id, updateId: id });
    await editor.data(REMOVE, { p: secret.id, u: ada.id });
    const rename = 'mutation ($id: ID!) { editProject(id: $id, input: { name: "After" }) { id } }';
    await editor.data(rename, { id: secret.id });
    const shown = (await list(ada, { first: 4 })).nodes;
    expect(shown.map(({ kind }: Data) => kind)).toEqual(['MEMBERSHIP', 'MENTION', 'MENTION', 'MEMBERSHIP']);
    for (const one of shown) {
      expect(one).toMatchObject({ projectId: secret.id, project: null, update: null, comment: null });
    }
    expect(JSON.stringify(shown)).not.toMatch(/Before|After|look|For @Ada/);
  });

  it('by deletion of the project hide its notifications, from ADMINs as well', async () => {
    const doomed = await createProject(editor);
    await addMember(editor, doomed.id, admin, 'VIEWER');
    expect(await newest(admin)).toMatchObject({ kind: 'MEMBERSHIP', project: { id: doomed.id } });
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: doomed.id });
    expect(await newest(admin)).toMatchObject({ kind: 'MEMBERSHIP', projectId: doomed.id, project: null });
  });
});

describe('the list of notifications', () => {
  it('is in delivery order under concurrency', async () => {
    const told = await receiving(lovelace);
    const bodies = Array.from({ length: 20 }, (_, n) => `at once ${n} @Ada Lovelace`);
    await Promise.all(bodies.map((body) => comment(editor, body)));
    const ids: string[] = [];
    while (ids.length < bodies.length) ids.push((await told.next()).data.notificationReceived.id);
    expect(ids).toEqual(ids.toSorted());
    expect((await list(lovelace, { first: 20 })).nodes.map(({ id }: Data) => id)).toEqual(ids.toReversed());
    await ended(told, lovelace);
  });

  it('supports paging, counts, filters and marking as read', async () => {
    const reader = lovelace;
    for (let n = 0; n < 3; n += 1) await comment(editor, `${n} @Ada Lovelace`);
    const all = (await list(reader, { first: 100 })).nodes as Data[];
    const first = await list(reader, { first: 2 });
    expect(first.nodes).toEqual(all.slice(0, 2));
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = await list(reader, { first: 100, after: first.pageInfo.endCursor });
    expect(rest.nodes).toEqual(all.slice(2));
    expect(first.unreadCount).toBe(all.length);

    expect(await reader.data(READ, { id: all[1]!.id })).toEqual({ markNotificationsRead: all.length - 1 });
    expect(await reader.data(READ, { id: all[1]!.id })).toEqual({ markNotificationsRead: 0 });
    const unread = await list(reader, { unread: true });
    expect(unread).toMatchObject({ unreadCount: 1, nodes: [{ id: all[0]!.id, readAt: null }] });
    const marked = (await list(reader, { first: 100 })).nodes as Data[];
    expect(marked.slice(1).every(({ readAt }) => readAt !== null)).toBe(true);

    const foreign = (await newest(ada)).id;
    for (const id of [foreign, '00000000-0000-7000-8000-000000000000']) {
      expect((await reader.error(READ, { id })).extensions.code).toBe('NOT_FOUND');
    }
    expect((await reader.error(READ, { id: 'x' })).extensions.code).toBe('BAD_USER_INPUT');
    expect((await here.anonymous.error(LIST)).extensions.code).toBe('UNAUTHENTICATED');
    expect((await newest(ada)).readAt).toBeNull();
  });
});

describe('retention of notifications', () => {
  it('deletes 30 days after reading and after a year unread', async () => {
    const reader = await here.asUser('USER', 'Hedy Lamarr');
    const room = await createProject(editor);
    const texts = ['read long ago', 'read of late', 'unread for a year', 'unread for long'];
    await addMember(editor, room.id, reader, 'VIEWER');
    await reader.data(READ, { id: (await newest(reader)).id });
    for (const text of texts) await comment(editor, `@Hedy Lamarr ${text}`, { projectId: room.id });
    const aged = async (text: string, column: string, days: number) =>
      here.database.query(
        `update notification set ${column} = now() - $1 * interval '1 day' where account_id = $2
           and subject_id = (select id from comment where body like $3)`,
        [days, reader.id, `%${text}`],
      );
    await aged('read long ago', 'read_at', 31);
    await aged('read of late', 'read_at', 29);
    await aged('unread for a year', 'created_at', 366);
    await aged('unread for long', 'created_at', 364);
    await here.app.get(EventRetention).sweep();
    const left = (await list(reader, { first: 100 })).nodes as Data[];
    expect(left.map((one) => one.comment?.body.slice(13) ?? one.kind)).toEqual([
      'unread for long',
      'read of late',
      'MEMBERSHIP',
    ]);
    await there.app.get(EventRetention).sweep();
    expect(await list(reader, { first: 100 })).toMatchObject({ unreadCount: 1, nodes: { length: 3 } });
  });
});

describe('an announcement', () => {
  const POSTED = 'subscription { announcementPosted { id message author { id name } createdAt } }';
  const ANNOUNCE = 'mutation ($m: String!) { announce(message: $m) { id message author { id } } }';

  it('reaches every connected account at both instances once, in order, and is audited', async () => {
    const watches = [ada.socket(here.url), editor.socket(there.url), admin.socket(there.url)].map((socket) =>
      socket.subscribe(POSTED),
    );
    await until(() => listeners(here) === 1 && listeners(there) === 2, 'all were listening');
    const said = [];
    for (const message of ['Maintenance at noon', 'Never mind']) {
      said.push((await admin.data(ANNOUNCE, { m: message })).announce);
    }
    for (const watch of watches) {
      for (const { id, message } of said) {
        expect((await watch.next()).data.announcementPosted).toMatchObject({
          id,
          message,
          author: { id: admin.id, name: 'Root' },
        });
      }
      watch.stop();
    }
    await until(() => listeners(here) + listeners(there) === 0, 'nobody was listening');
    const audited = await admin.data(
      '{ auditLog(filter: { actions: [ANNOUNCED] }) { nodes { subjectId actor { id } } } }',
    );
    expect(audited.auditLog.nodes).toEqual(
      said.toReversed().map(({ id }) => ({ subjectId: id, actor: { id: admin.id } })),
    );
  });

  it('requires an ADMIN and 1 to 1,000 characters', async () => {
    expect((await editor.error(ANNOUNCE, { m: 'Me too' })).extensions).toMatchObject({
      code: 'FORBIDDEN',
      requires: 'ADMIN',
    });
    for (const m of ['', ' ', 'x'.repeat(1_001)]) {
      expect((await admin.error(ANNOUNCE, { m })).extensions.code).toBe('BAD_USER_INPUT');
    }
  });
});

it('neither instance logs an error', () => {
  expect([...here.logged, ...there.logged]).toEqual([]);
});
