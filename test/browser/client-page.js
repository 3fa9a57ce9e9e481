// A page of React in its strict mode, over `@tidings/client` and Apollo. The test drives it by `globalThis.app`.
import { createTidings } from '@tidings/client';
import { createApollo } from '@tidings/client/apollo';
import { TidingsProvider, useConnection, useLive, useSession } from '@tidings/client/react';
import { createElement, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';

const SNAPSHOT = `query ($id: ID!) {
  project(id: $id) { id name budget lastSeq lastCursor updates(first: 20) { edges { cursor node { id title version } } } }
}`;
const EVENTS = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) {
    cursor seq kind subjectId project { id name lastSeq } update { id title version }
  }
}`;
const parameters = new URLSearchParams(location.search);
const tidings = createTidings({ url: `${parameters.get('service')}/graphql`, transport: 'cookie' });
const client = createApollo(tidings);
let showSecond;

function Live({ name }) {
  const { data, status, refused, end } = useLive(SNAPSHOT, EVENTS, { variables: { id: parameters.get('project') } });
  const titles = data?.project.updates.edges.map(({ node }) => node.title) ?? [];
  const state = { status, titles, refused, end: end?.reason };
  return createElement('pre', { id: name }, JSON.stringify(state));
}

function App() {
  const [second, show] = useState(false);
  showSecond = show;
  const session = useSession();
  const { socket } = useConnection();
  const lives = ['first', ...(second ? ['second'] : [])].map((name) => createElement(Live, { key: name, name }));
  return [
    createElement('pre', { id: 'session', key: 's' }, JSON.stringify({ ...session, socket })),
    session.account && lives,
  ];
}

globalThis.app = {
  signIn: (email, password) => tidings.signIn({ email, password }),
  signOut: () => tidings.signOut(),
  session: () => tidings.session.get(),
  me: () =>
    tidings.request('{ me { id } }').then(
      ({ me }) => me.id,
      ({ code }) => code,
    ),
  showSecond: (shown) => showSecond(shown),
  cached: () => Object.keys(client.cache.extract()).length,
  read: (name) => JSON.parse(document.querySelector(`#${name}`)?.textContent ?? 'null'),
};
createRoot(document.querySelector('#root')).render(
  createElement(StrictMode, null, createElement(TidingsProvider, { tidings }, createElement(App))),
);
