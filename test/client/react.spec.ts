// `@tidings/client/react` without a page: what is rendered on a server, and what components share that ask for the same.
import { createApollo } from '@tidings/client/apollo';
import { TidingsProvider, useConnection, useLive, useSession } from '@tidings/client/react';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
// What `useLive` is made of: effects need a page, and are tested in one by test/browser.
import { type Reduce, type SharedLive, sharedLive } from '../../client/dist/react/shared-live.js';
import { useClients } from '../support/client.js';
import { createProject, postUpdate, type TestProject } from '../support/factories.js';
import { type Person, useTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';

const tidings = useTidings();
const clients = useClients(tidings);
let editor: Person;
let project: TestProject;
beforeEach(async () => {
  editor ??= await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

const lives: SharedLive[] = [];
const stops: (() => void)[] = [];
function share(...parameters: Parameters<typeof sharedLive>): SharedLive {
  const live = sharedLive(...parameters);
  lives.push(live);
  return live;
}
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await until(() => lives.every(({ all }) => all.size === 0), 'they were gone');
});

const snapshot = 'query ($id: ID!) { project(id: $id) { lastCursor updates(first: 9) { nodes { title } } } }';
const subscription = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { cursor seq kind project { id } update { title } }
}`;

const question = () => ({ snapshot, subscription, variables: { id: project.id } });

const titles = ({ view }: SharedLive): string[] =>
  view.get().data?.project.updates.nodes.map(({ title }: { title: string }) => title) ?? [];

const isLive = ({ view }: SharedLive) => until(() => view.get().status === 'live', 'it was live');

/** Puts the new one before the others. */
const reduce: Reduce = ({ project: shown }, { update }) => ({
  project: { ...shown, updates: { nodes: [update, ...shown.updates.nodes] } },
});

function Page() {
  const { status } = useLive(snapshot, subscription, { variables: { id: project.id } });
  return [useSession().status, useConnection().socket, status].join(' ');
}

it('useSession() renders the initial state on a server', async () => {
  const own = await clients.signedIn(editor);
  const page = createElement(TidingsProvider, { tidings: own }, createElement(Page));
  expect(renderToString(page)).toBe('restoring closed loading');
});

it('useLive() reads the snapshot again after an event without `reduce`', async () => {
  const live = share(await clients.signedIn(editor), question());
  stops.push(live.acquire());
  await isLive(live);
  await postUpdate(editor, project.id, { title: 'Posted' });
  await until(() => titles(live).length > 0, 'it was read again');
  expect(titles(live)).toEqual(['Posted']);
});

it('useLive() reads the snapshot again after `reduce` throws', async () => {
  const live = share(await clients.signedIn(editor), question());
  live.reduce = (data, event) => {
    if (event.update?.title === 'Broken') throw new Error('Cannot reduce');
    return reduce(data, event);
  };
  stops.push(live.acquire());
  await isLive(live);
  const uncaught: unknown[] = [];
  Object.assign(globalThis, { reportError: (error: unknown) => uncaught.push(error) });
  await postUpdate(editor, project.id, { title: 'Broken' });
  await until(() => titles(live).includes('Broken'), 'it was read again');
  expect(uncaught).toHaveLength(1);
  Reflect.deleteProperty(globalThis, 'reportError');
});

it('useLive() reports each event once and each re-read of the snapshot', async () => {
  const live = share(await clients.signedIn(editor), question());
  live.reduce = reduce;
  const told: string[] = [];
  stops.push(
    live.events.subscribe(({ update }) => told.push(update.title)),
    live.acquire(),
  );
  await isLive(live);
  const { readAt } = live.view.get();
  for (const title of ['One', 'Two']) await postUpdate(editor, project.id, { title });
  await until(() => titles(live).length === 2, 'both were there');
  expect(live.view.get().readAt).toBe(readAt);
  live.reduce = undefined;
  await postUpdate(editor, project.id, { title: 'Three' });
  await until(() => live.view.get().readAt! > readAt!, 'it was read again');
  expect([told, titles(live)]).toEqual([
    ['One', 'Two', 'Three'],
    ['Three', 'Two', 'One'],
  ]);
});

it('useLive() uses the `reduce` of the last render', async () => {
  const live = share(await clients.signedIn(editor), question());
  live.reduce = () => ({ project: { updates: { nodes: [{ title: 'Earlier render' }] } } });
  stops.push(live.acquire());
  await isLive(live);
  live.reduce = reduce;
  await postUpdate(editor, project.id, { title: 'Later render' });
  await until(() => titles(live).length > 0, 'the event was there');
  expect(titles(live)).toEqual(['Later render']);
});

it('useLive() restarts for the next account and after an end', async () => {
  const own = await clients.signedIn(editor);
  const before = share(own, question());
  stops.push(before.acquire());
  await isLive(before);
  expect(share(own, question())).toBe(before);
  await own.signOut();
  expect(before.view.get().status).toBe('ended');
  expect(share(own, question()).view.get().status).toBe('loading');
});

it('useLive() releases renders that were never committed', async () => {
  const live = share(clients.open(), question());
  expect(live.all.size).toBe(1);
  await until(() => live.all.size === 0, 'it was gone');
});

it('useLive() shows the entities of an event without `kind`', async () => {
  const own = await clients.signedIn(editor);
  createApollo(own);
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', note);
  const live = share(own, {
    snapshot: 'query ($id: ID!) { project(id: $id) { id lastCursor lastSeq health } }',
    subscription: `subscription ($id: ID!, $after: String) {
      projectUpdated(projectId: $id, after: $after) { cursor seq project { id lastSeq health } }
    }`,
    variables: { id: project.id },
  });
  stops.push(live.acquire());
  await isLive(live);
  await postUpdate(editor, project.id, { health: 'OFF_TRACK' });
  await until(() => live.view.get().data?.project.health === 'OFF_TRACK', 'it was shown');
  process.off('unhandledRejection', note);
  expect(rejections).toEqual([]);
});

it('useLive() shows fields of an event included by a variable', async () => {
  const own = await clients.signedIn(editor);
  createApollo(own);
  const live = share(own, {
    snapshot: `query ($id: ID!, $all: Boolean!) {
      project(id: $id) { id lastCursor lastSeq health @include(if: $all) }
    }`,
    subscription: `subscription ($id: ID!, $after: String, $all: Boolean!) {
      projectUpdated(projectId: $id, after: $after) { cursor seq project { id lastSeq health @include(if: $all) } }
    }`,
    variables: { id: project.id, all: true },
  });
  stops.push(live.acquire());
  await isLive(live);
  const health = () => live.view.get().data.project.health as unknown;
  const before = health();
  await postUpdate(editor, project.id, { health: 'OFF_TRACK' });
  await until(() => health() !== before, 'it was shown');
  expect(health()).toBe('OFF_TRACK');
});
