// Events of newer versions and damaged events: they do not block the log, and rights that they revoke are not kept.
import { ALL_OF_KIND } from '../src/engine/events/log-event.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';

const tidings = useTidings();
const WATCH = 'subscription ($id: ID!) { event: projectUpdated(projectId: $id) { kind subjectId } }';
const WATCH_ALL = 'subscription ($after: String) { event: projectsUpdated(after: $after) { kind subjectId } }';
const PAGE = 'query ($id: ID!) { projectEvents(projectId: $id, last: 3) { nodes { kind } } }';
const PROJECT = 'query ($id: ID!) { project(id: $id) { lastCursor } }';
const MEMBER_GONE = 'with gone as (delete from project_member where project_id = $1)';
const ROLE_GONE = `with gone as (update account set role = 'USER' where id = $1)`;
const SESSION_GONE = `with gone as (update session set ended_at = now(), end_reason = 'LOGOUT' where account_id = $1)`;

/** Appends an event in the same statement as the `change` of tables that it is about. */
async function append(resource: [kind: string, id: string], kind: string, facts: object, change = ''): Promise<void> {
  await tidings.current.database.query(
    `${change} insert into event (resource_kind, resource_id, kind, actor_id, facts)
     select $2, $1, $3, id, $4 from account where is_system`,
    [resource[1], resource[0], kind, facts],
  );
}

it('leaves out kinds that it does not know, in subscriptions, replays and pages', async () => {
  const owner = await tidings.current.asUser('EDITOR');
  const { id } = await createProject(owner);
  const { lastCursor } = (await owner.data(PROJECT, { id })).project;
  const live = [owner.socket().subscribe(WATCH, { id }), owner.socket().subscribe(WATCH_ALL)];
  await tidings.current.watching(2);
  await append(['project', id], 'UPDATE_PINNED', { subjectId: id });
  await append(['project', id], 'BUDGET_SPENT', {});
  const subjectId = await postUpdate(owner, id);
  for (const watch of [...live, owner.socket().subscribe(WATCH_ALL, { after: lastCursor })]) {
    expect(await watch.next()).toEqual({ data: { event: { kind: 'UPDATE_POSTED', subjectId } } });
    watch.stop();
  }
  expect((await owner.data(PAGE, { id })).projectEvents.nodes).toEqual([{ kind: 'UPDATE_POSTED' }]);
  await tidings.current.watching(0);
});

it.each([
  [
    'membership, of a role that it does not know',
    'project',
    'MEMBER_CHANGED',
    { role: 'EXPERT' },
    MEMBER_GONE,
    'NOT_FOUND',
  ],
  ['membership, of no account', 'project', 'MEMBER_REMOVED', { subjectId: null }, MEMBER_GONE, 'NOT_FOUND'],
  ['role, of none', 'account', 'ROLE_CHANGED', { role: 'EXPERT' }, ROLE_GONE, 'NOT_FOUND'],
  ['sessions, of none', 'account', 'SESSIONS_ENDED', {}, SESSION_GONE, 'UNAUTHENTICATED'],
])('reads rights again when it cannot read a change of %s', async (_what, resource, kind, facts, change, code) => {
  const owner = await tidings.current.asUser('EDITOR');
  const viewer = await tidings.current.asUser(kind === 'ROLE_CHANGED' ? 'ADMIN' : 'USER');
  const { id } = await createProject(owner);
  if (resource === 'project' || kind === 'SESSIONS_ENDED') await addMember(owner, id, viewer, 'VIEWER');
  const socket = await RawSocket.signedIn(tidings.current.url, viewer.accessToken!);
  socket.send({ id: 'own', type: 'subscribe', payload: { query: WATCH, variables: { id } } });
  await tidings.current.watching(1);
  const of = resource === 'project' ? id : viewer.id;
  await append([resource, of], kind, { subjectId: viewer.id, ...facts }, change);
  expect(await socket.closed).toMatchObject({ code: 1013 });
  expect((await viewer.send(PROJECT, { id })).errors).toMatchObject([{ extensions: { code } }]);
  await tidings.current.watching(0);
});

it('ends exactly the subscriptions whose event it cannot read', async () => {
  const people = await Promise.all([1, 2, 3].map(() => tidings.current.asUser('EDITOR')));
  const [owner, member, other] = people as [Person, Person, Person];
  const { id } = await createProject(owner);
  await addMember(owner, id, member, 'VIEWER');
  const sockets = await Promise.all(
    people.map((person) => RawSocket.signedIn(tidings.current.url, person.accessToken!)),
  );
  for (const socket of sockets) {
    socket.send({ id: 'own', type: 'subscribe', payload: { query: 'subscription { accessChanged { projectId } }' } });
  }
  await tidings.current.watching(3);
  const admin = await tidings.current.asUser('ADMIN');
  await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id });
  for (const socket of sockets.slice(0, 2)) await socket.next('next');
  await append(['account', ALL_OF_KIND], 'ACCESS_ENDED', {});
  for (const socket of sockets.slice(0, 2)) {
    expect(await socket.next('error')).toMatchObject({ payload: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  }
  const { id: gained } = await createProject(other);
  expect((await sockets[2]!.next('next')).payload).toEqual({ data: { accessChanged: { projectId: gained } } });
  await Promise.all(sockets.map((socket) => socket.close()));
});
