// A small application over `@tidings/client`: the plain core, and React with Apollo Client. The tests call what `page` offers.
/* global document, location */
import { createTidings } from '@tidings/client';
import { createApollo } from '@tidings/client/apollo';
import { TidingsProvider, useConnection, useLive, useSession } from '@tidings/client/react';
import { gql } from '@apollo/client';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { earlierPages, list, listEvents, morePages, project, projectEvents } from './client-documents.js';

const asked = new URLSearchParams(location.search);
const [url, transport] = [asked.get('service'), asked.get('transport') ?? 'cookie'];
const tidings = createTidings(transport === 'body' ? { url, transport, storage: localStorage } : { url, transport });
const apollo = createApollo(tidings);

/** What the page came to know, in order; `at` in ms since 1970. */
const heard = {
  events: [],
  snapshots: [],
  ends: [],
  statuses: [],
  access: [],
  sessions: [],
  connections: [],
  errors: [],
};
let isNoting = true;
const note = (notes, value) => isNoting && notes.push({ at: Date.now(), ...value });
note(heard.sessions, tidings.session.get());
tidings.session.subscribe((state) => note(heard.sessions, state));
tidings.connection.subscribe((state) => note(heard.connections, { ...state, since: undefined }));
globalThis.addEventListener('error', ({ message }) => heard.errors.push(message));
globalThis.addEventListener('unhandledrejection', ({ reason }) => heard.errors.push(String(reason)));

/** The plain core: a project, or all of them; returns how to stop. */
function watch(id, fields) {
  const live = tidings.live({
    snapshot: id ? project(fields) : list,
    subscription: id ? projectEvents : listEvents,
    variables: id ? { id } : {},
    onSnapshot: (data, { refused }) => note(heard.snapshots, { data, refused }),
    onEvent: (event) =>
      note(heard.events, { seq: event.seq, kind: event.kind, subjectId: event.subjectId, cursor: event.cursor }),
    onEnd: ({ reason }) => note(heard.ends, { reason }),
    onStatus: (status) => note(heard.statuses, { status }),
    onAccess: (change) => note(heard.access, change),
  });
  return () => live.stop();
}

/** The same without a value: what came is in `heard`. */
const stops = [];
function follow(id, fields) {
  stops.push(watch(id, fields));
}
function unfollow() {
  for (const stop of stops.splice(0)) stop();
}

/** A request of the core, as the test sees it. */
async function ask(query, variables) {
  const began = Date.now();
  const outcome = await tidings.request(query, variables).then(
    (data) => ({ data }),
    (error) => ({ failed: error.name, code: error.code }),
  );
  return { ...outcome, ms: Date.now() - began };
}

function Row({ node }) {
  return <li data-id={node.id}>{node.title ?? node.name}</li>;
}

/** How often each view was rendered with data, and the updates that it was told of. */
const renders = {};
const told = {};

function View({ name, id, fields }) {
  const { data, status, refused, end } = useLive(id ? project(fields) : list, id ? projectEvents : listEvents, {
    variables: id ? { id } : {},
    onEvent: ({ update }) => (told[name] ??= []).push(update?.title),
  });
  renders[name] = (renders[name] ?? 0) + 1;
  const connection = data?.project?.updates ?? data?.projects;
  return (
    <section id={name} data-status={status} data-end={end?.reason} data-refused={JSON.stringify(refused)}>
      <h2>{data?.project?.name}</h2>
      <p data-budget={data?.project?.budget ?? ''}>{data?.project?.latestUpdate?.title}</p>
      <ul>
        {connection?.edges.map(({ node }) => (
          <Row key={node.id} node={node} />
        ))}
      </ul>
    </section>
  );
}

function Draft() {
  const [text, setText] = useState('');
  return <textarea id="draft" value={text} onChange={({ target }) => setText(target.value)} />;
}

function Badge() {
  const session = useSession();
  const { socket, behind } = useConnection();
  return (
    <footer
      id="badge"
      data-account={session.account?.name}
      data-session={session.status}
      data-socket={socket}
      data-behind={behind}
    />
  );
}

const root = createRoot(document.querySelector('#root'));

/** Shows views, `{ name, id, fields }` each, and a draft. */
function show(views, { strict = true } = {}) {
  const tree = (
    <TidingsProvider tidings={tidings}>
      <Draft />
      <Badge />
      {views.map((view) => (
        <View key={view.name} {...view} />
      ))}
    </TidingsProvider>
  );
  root.render(strict ? <StrictMode>{tree}</StrictMode> : tree);
}

/** What a view shows. */
function shown(name) {
  const section = document.querySelector(`#${name}`);
  if (!section) return undefined;
  const rows = [...section.querySelectorAll('li')].map(({ textContent }) => textContent);
  const { status, end, refused } = section.dataset;
  const latest = section.querySelector('p');
  return {
    status,
    end,
    refused: JSON.parse(refused),
    heading: section.querySelector('h2').textContent,
    latest: latest.textContent,
    budget: latest.dataset.budget,
    rows,
  };
}

const updatesOf = (query, id) => apollo.readQuery({ query: gql(query), variables: { id } }).project.updates;

const TITLE = gql('fragment Title on ProjectUpdate { title }');

/** Loads the page of updates behind those that are in the cache. */
async function loadMore(id) {
  const after = updatesOf(project(), id).pageInfo.endCursor;
  await apollo.query({ query: gql(morePages), variables: { id, after }, fetchPolicy: 'network-only' });
}

/** The same of the projects that are listed. */
async function loadMoreProjects() {
  const query = gql(list);
  const after = apollo.readQuery({ query }).projects.pageInfo.endCursor;
  await apollo.query({ query, variables: { after }, fetchPolicy: 'network-only' });
}

/** Loads all updates from the last on, a page at a time, into a cache that knows none; their titles as the cache has them then. */
async function loadBackwards(id) {
  apollo.cache.evict({ id: `Project:${id}`, fieldName: 'updates' });
  for (let before; ;) {
    await apollo.query({ query: gql(earlierPages), variables: { id, before }, fetchPolicy: 'network-only' });
    const { edges, pageInfo } = updatesOf(morePages, id);
    if (!pageInfo.hasPreviousPage) return edges.map(({ node }) => node.title);
    before = pageInfo.startCursor;
  }
}

/** Tasks longer than 50 ms, in ms, from now on. */
function longTasks() {
  const tasks = [];
  const observer = new PerformanceObserver((entries) =>
    tasks.push(...entries.getEntries().map(({ duration }) => duration)),
  );
  observer.observe({ type: 'longtask' });
  return () => {
    tasks.push(...observer.takeRecords().map(({ duration }) => duration));
    observer.disconnect();
    return tasks;
  };
}

globalThis.page = {
  tidings,
  apollo,
  gql,
  heard,
  renders,
  told,
  follow,
  unfollow,
  /** For pages that are open for long: nothing is noted any more. */
  forget: () => {
    isNoting = false;
    for (const notes of Object.values(heard)) notes.length = 0;
  },
  ask,
  show,
  shown,
  longTasks,
  more: loadMore,
  moreProjects: loadMoreProjects,
  backwards: loadBackwards,
  documents: { project, projectEvents, list, listEvents },
  unmount: () => root.render(null),
  cache: () => JSON.stringify(apollo.cache.extract()),
  /** The title of an update as the cache has it, without reading anything else of the cache. */
  titleOf: (id) => apollo.readFragment({ id: `ProjectUpdate:${id}`, fragment: TITLE })?.title,
};
