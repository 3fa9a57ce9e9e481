// Makes the service send all of its SQL statements: every operation with its argument variants, every subscription with
// an event of each kind, and the background tasks.
import { MikroORM } from '@mikro-orm/postgresql';
import { EventRetention } from '../../src/engine/events/retention.js';
import { LogFollower } from '../../src/engine/events/log-follower.js';
import { LogReader } from '../../src/engine/events/log-reader.js';
import { EventLog } from '../../src/engine/events/event-log.js';
import { encodeCursor } from '../../src/engine/events/cursor.js';
import { InstanceRegistry } from '../../src/engine/instances/instance-registry.js';
import { SessionUse } from '../../src/engine/sessions/session-use.js';
import { DeletedProjects } from '../../src/domain/projects/deleted-projects.js';
import { OF_THE_TEST } from './sent-statements.js';
import { type Person, PASSWORD, type TestTidings } from './tidings.js';

const USER = 'id name email role sessions { id device openSockets { since } }';
const PAGE = 'pageInfo { hasNextPage endCursor } edges { cursor }';
const COMMENTS = `comments(first: 3) { ${PAGE} nodes { id body author { name } update { id } } }`;
const UPDATE = `id title health author { name } project { id } ${COMMENTS}`;
const PROJECT = `id name health lastSeq viewerRole activity { date updates comments } lead { name } latestUpdate { ${UPDATE} }
  members(first: 3) { ${PAGE} nodes { role user { name } } } updates(first: 3) { ${PAGE} nodes { ${UPDATE} } } ${COMMENTS}`;
const NOTIFICATION = `id kind actor { name } project { name } update { title } comment { body }`;
const EVENT = `cursor kind actor { name } project { name lastSeq viewerRole latestUpdate { title } } update { title author { name } } comment { body }
  member { role user { name } }`;

const cursorOf = (id: string) => Buffer.from(JSON.stringify([id])).toString('base64url');

interface Step {
  readonly by: Person;
  readonly query: string;
  readonly variables?: Record<string, unknown>;
}

const run = ({ by, query, variables }: Step) => by.data(query, variables);

/** Runs every operation; throws if one fails unexpectedly. `admin` owns every project, `user` is an EDITOR. */
export async function runEveryOperation(tidings: TestTidings, admin: Person, user: Person): Promise<void> {
  const [project] = await tidings.database.query<{ id: string }>(
    `${OF_THE_TEST} select id from project order by id limit 1`,
  );
  const projectId = project!.id;
  const [quiet] = await tidings.database.query<{ id: string }>(
    `${OF_THE_TEST} select id from project where key like 'LARGE%' order by id desc limit 1`,
  );
  const middle = async (table: string, where = 'true') => {
    const sql = `${OF_THE_TEST} select id from ${table} where ${where} order by id offset (select count(*) / 2 from ${table} where ${where}) limit 1`;
    return (await tidings.database.query<{ id: string }>(sql))[0]!.id;
  };
  const own = `account_id = '${admin.id}'`;
  const [update, comment, notification, entry] = await Promise.all([
    middle('project_update', `project_id = '${projectId}'`),
    middle('comment', `project_id = '${projectId}'`),
    middle('notification', own),
    middle('audit_entry'),
  ]);

  await run({
    by: admin,
    query: `{ me { ${USER} } session { id user { name } } sessions { id openSockets { since } } realtime { sockets } }`,
  });
  for (const by of [admin, user]) {
    await run({ by, query: 'query ($id: ID!) { user(id: $id) { id name } }', variables: { id: admin.id } });
    for (const filter of [
      null,
      { mine: true },
      { search: 'project 5' },
      { search: 'nowhere' },
      { health: ['ON_TRACK'] },
      { health: ['OFF_TRACK'] },
    ]) {
      const projects = `query ($f: ProjectFilter) { projects(filter: $f, first: 5) { ${PAGE} nodes { ${PROJECT} } } }`;
      await run({ by, query: projects, variables: { f: filter } });
    }
    for (const order of ['HEALTH', 'LATEST_UPDATE', 'NAME']) {
      const ordered = `query ($o: ProjectOrder, $f: ProjectFilter, $a: String, $b: String) {
        a: projects(orderBy: $o, filter: $f, first: 2, after: $a) { ${PAGE} healthCounts { offTrack unknown } nodes { id } }
        b: projects(orderBy: $o, filter: $f, last: 2, before: $b) { ${PAGE} nodes { id } } }`;
      for (const filter of [null, { mine: true }, { search: 'project 5' }, { health: ['ON_TRACK'] }]) {
        const first = await run({ by, query: ordered, variables: { o: order, f: filter } });
        const { endCursor } = first.a.pageInfo;
        await run({ by, query: ordered, variables: { o: order, f: filter, a: endCursor, b: endCursor } });
      }
    }
    await run({
      by,
      query: 'query ($p: [ID!]!) { watching(projectIds: $p) { projectId count viewers { name } } }',
      variables: { p: [projectId, quiet!.id] },
    });
    const paged =
      'query ($after: String, $before: String) { a: projects(after: $after) { nodes { id } } b: projects(last: 5, before: $before) { nodes { id } } }';
    await run({ by, query: paged, variables: { after: cursorOf(projectId), before: cursorOf(projectId) } });
  }
  await run({ by: admin, query: `query ($id: ID!) { project(id: $id) { ${PROJECT} } }`, variables: { id: projectId } });
  await run({ by: admin, query: `query ($id: ID!) { project(id: $id) { ${PROJECT} } }`, variables: { id: quiet!.id } });
  await run({ by: admin, query: `{ project(key: "LARGE-3") { id } }` });
  const byId = `query ($p: ID!, $u: ID!, $c: ID!) { a: node(id: $p) { id ... on Project { name } } b: node(id: $u) { id } c: node(id: $c) { id }
    update(id: $u) { id title } comment(id: $c) { id body } }`;
  await run({ by: admin, query: byId, variables: { p: projectId, u: update, c: comment } });
  const pages = `query ($id: ID!, $u: String!, $c: String!) { project(id: $id) {
    a: updates(after: $u, first: 5) { nodes { id } } b: updates(before: $u, last: 5) { nodes { id } } c: updates(last: 5) { nodes { id } }
    d: comments(after: $c) { nodes { id } } e: comments(before: $c) { nodes { id } } f: members(last: 5) { nodes { role } } } }`;
  await run({ by: admin, query: pages, variables: { id: projectId, u: cursorOf(update), c: cursorOf(comment) } });

  for (const [search, after] of [
    [null, null],
    ['person 5', null],
    ['nobody at all', null],
    [null, cursorOf(admin.id)],
    ['a', cursorOf(admin.id)],
  ]) {
    const users = `query ($s: String, $a: String) { users(search: $s, after: $a, first: 5) { ${PAGE} nodes { ${USER} } } }`;
    await run({ by: admin, query: users, variables: { s: search, a: after } });
  }
  const day = 86_400_000;
  const at = (days: number) => new Date(Date.now() - days * day).toISOString();
  const filters = [
    {},
    { actions: ['LOGIN'] },
    { actions: ['ANNOUNCED'] },
    { actions: ['PROJECT_DELETED'] },
    { actions: ['ANNOUNCED', 'MEMBER_ADDED', 'LOGIN'] },
    { outcome: 'FAILED' },
    { outcome: 'SUCCESS' },
    { actorId: admin.id },
    { actorId: user.id },
    { actorId: admin.id, outcome: 'FAILED' },
    { actorId: admin.id, actions: ['ANNOUNCED'] },
    { actorId: admin.id, actions: ['ANNOUNCED', 'LOGOUT'], outcome: 'REFUSED' },
    { actions: ['ANNOUNCED'], outcome: 'FAILED' },
    { since: at(1) },
    { until: at(150) },
    { since: at(120), until: at(119) },
    { since: at(120), until: at(119), actions: ['ANNOUNCED'], outcome: 'SUCCESS', actorId: admin.id },
    { until: at(190), outcome: 'FAILED' },
  ];
  for (const filter of filters) {
    for (const after of [null, cursorOf(entry)]) {
      const auditLog = `query ($f: AuditFilter, $a: String) { auditLog(filter: $f, after: $a) { ${PAGE} nodes { id at actor { name } } } }`;
      await run({ by: admin, query: auditLog, variables: { f: filter, a: after } });
    }
  }
  const notifications = `query ($u: Boolean, $a: String) { notifications(unread: $u, after: $a) { unreadCount ${PAGE} nodes { ${NOTIFICATION} } } }`;
  for (const unread of [null, true]) {
    for (const after of [null, cursorOf(notification)])
      await run({ by: admin, query: notifications, variables: { u: unread, a: after } });
  }

  const cursor = async (offset: number) => {
    const [row] = await tidings.database.query<{ pos: number; nonce: string }>(
      `${OF_THE_TEST} select pos::float8 as pos, encode(nonce, 'hex') as nonce from event where pos = (select pos from log_head) - $1`,
      [offset],
    );
    return encodeCursor(row!);
  };
  const history = `query ($p: ID!, $a: String, $b: String) {
    a: projectEvents(projectId: $p, first: 5) { nodes { ${EVENT} } } b: projectEvents(projectId: $p, first: 5, after: $a) { nodes { seq } }
    c: projectEvents(projectId: $p, last: 5, before: $b) { nodes { seq } } d: projectEvents(projectId: $p, last: 5) { nodes { seq } } }`;
  await run({ by: admin, query: history, variables: { p: projectId, a: await cursor(5_000), b: await cursor(9_000) } });
  const socket = admin.socket();
  const one = `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${EVENT} } }`;
  const all = `subscription ($after: String) { projectsUpdated(after: $after) { ${EVENT} } }`;
  const watches = [
    socket.subscribe(one, { id: projectId }),
    socket.subscribe(all),
    socket.subscribe(`subscription { notificationReceived { ${NOTIFICATION} } }`),
    socket.subscribe('subscription { accessChanged { cursor projectId role } }'),
    socket.subscribe('subscription { announcementPosted { message author { name } } }'),
    socket.subscribe(
      'subscription ($id: ID!) { presenceChanged(projectId: $id) { count viewers { name } joined { id } left { id } } }',
      { id: projectId },
    ),
  ];
  const past = [
    socket.subscribe(one, { id: projectId, after: await cursor(5_000) }),
    socket.subscribe(all, { after: await cursor(5_000) }),
    socket.subscribe(one, { id: quiet!.id, after: await cursor(15_000) }),
    socket.subscribe('subscription ($after: String) { accessChanged(after: $after) { role } }', {
      after: await cursor(5_000),
    }),
  ];
  await socket
    .subscribe('mutation ($t: String!) { renewConnection(accessToken: $t) }', { t: admin.accessToken })
    .next();
  for (const watch of past.slice(0, 2)) await watch.next();
  await watches[5]!.next();

  const input = {
    projectId,
    title: 'About @Test editor',
    body: 'text',
    health: 'ON_TRACK',
    idempotencyKey: 'one',
  };
  const post = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id author { name } } }';
  await run({
    by: admin,
    query: 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: EDITOR) { role } }',
    variables: { p: projectId, u: user.id },
  });
  const { postUpdate } = await run({ by: admin, query: post, variables: { i: input } });
  await run({ by: admin, query: post, variables: { i: input } });
  await run({
    by: user,
    query: post,
    variables: { i: { ...input, idempotencyKey: null, title: 'plain @Test admin' } },
  });
  await run({
    by: admin,
    query: 'mutation ($id: ID!, $i: EditUpdateInput!) { editUpdate(id: $id, input: $i) { id } }',
    variables: { id: postUpdate.id, i: { body: 'more @Test editor' } },
  });
  const say = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
  const { postComment } = await run({
    by: admin,
    query: say,
    variables: { i: { projectId, updateId: postUpdate.id, body: 'I say @Test editor', idempotencyKey: 'two' } },
  });
  await run({ by: admin, query: say, variables: { i: { projectId, body: 'I say' } } });
  await run({
    by: admin,
    query: 'mutation ($id: ID!) { editComment(id: $id, input: { body: "I say more @Test editor" }) { id version } }',
    variables: { id: postComment.id },
  });
  await run({ by: admin, query: 'mutation ($id: ID!) { removeComment(id: $id) }', variables: { id: postComment.id } });
  await run({ by: admin, query: 'mutation ($id: ID!) { removeUpdate(id: $id) }', variables: { id: postUpdate.id } });
  await run({
    by: user,
    query: 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }',
    variables: { p: projectId, u: user.id },
  });
  const { createProject } = await run({
    by: admin,
    query: 'mutation { createProject(input: { key: "MADE", name: "Made" }) { id } }',
  });
  await run({
    by: admin,
    query: 'mutation ($id: ID!) { editProject(id: $id, input: { name: "Other" }) { id } }',
    variables: { id: createProject.id },
  });
  await run({
    by: admin,
    query: 'mutation ($id: ID!) { deleteProject(id: $id) }',
    variables: { id: createProject.id },
  });
  await run({ by: admin, query: 'mutation { announce(message: "Hello") { id author { name } } }' });
  for (const watch of watches.slice(0, 5)) await Promise.race([watch.next(), watch.ended]);
  await run({
    by: admin,
    query: 'mutation ($n: ID!) { markNotificationsRead(upTo: $n) }',
    variables: { n: await middle('notification', `${own} and read_at is null and id > '${notification}'`) },
  });

  await run({
    by: admin,
    query: 'mutation ($id: ID!) { setUserRole(userId: $id, role: USER) { role } }',
    variables: { id: user.id },
  });
  for (const disabled of [true, false])
    await run({
      by: admin,
      query: 'mutation ($id: ID!, $d: Boolean!) { setUserDisabled(userId: $id, disabled: $d) { id } }',
      variables: { id: user.id, d: disabled },
    });
  const { anonymous } = tidings;
  const person = await tidings.login(user);
  await anonymous.send('mutation ($i: LoginInput!) { login(input: $i) { accessToken } }', {
    i: { email: user.email, password: 'not this one at all' },
  });
  await anonymous.data('mutation ($i: RegisterInput!) { register(input: $i) { user { id } } }', {
    i: { email: `new-${user.email}`, name: 'New', password: 'long enough for everyone 42' },
  });
  await anonymous.data('mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }', {
    t: person.refreshToken,
  });
  await anonymous.data('mutation ($t: String!) { refresh(refreshToken: $t) { accessToken } }', {
    t: person.refreshToken,
  });
  await anonymous.data('mutation ($e: String!) { requestPasswordReset(email: $e) }', { e: user.email });
  await anonymous.send('mutation ($i: ResetPasswordInput!) { resetPassword(input: $i) }', {
    i: { token: 'A'.repeat(43), newPassword: 'long enough for everyone 43' },
  });
  const change = 'mutation ($i: ChangePasswordInput!) { changePassword(input: $i) { accessToken } }';
  await person.send(change, { i: { currentPassword: PASSWORD, newPassword: 'long enough for everyone 44' } });
  const other = await tidings.signIn(user.id, user.email);
  await other.data('mutation ($id: ID!) { revokeSession(id: $id) }', { id: person.sessionId });
  await other.data('mutation { logoutEverywhere(keepCurrent: true) }');
  await other.data('mutation { logout }');

  // Background tasks.
  const { app } = tidings;
  await app.get(EventRetention).sweep();
  await app.get(InstanceRegistry).live();
  await app.get(SessionUse).write();
  await app.get(LogFollower).look();
  await app.get(DeletedProjects)['read']();
  const reader = app.get(LogReader);
  await Promise.all([reader.head(), reader.identity()]);
  await app.get(EventLog).resolveCursor(await cursor(20_000));
  await app.get(MikroORM).em.fork().execute('select 1');
}
