import { createTidings } from '@tidings/client';
import { TidingsProvider, useConnection, useLive, useSession } from '@tidings/client/react';
import { exchanges } from '@tidings/client/urql';
import { useActionState } from 'react';
import { createRoot } from 'react-dom/client';
import { Client, Provider, useMutation } from 'urql';

const tidings = createTidings({ url: '/graphql', transport: 'cookie' });
const urql = new Client({ url: '/graphql', exchanges: exchanges(tidings) });

const FIELDS = 'id name health viewerRole latestUpdate { title }';
const PROJECTS = `query Projects { projects(first: 50) { lastCursor nodes { ${FIELDS} } } }`;
const EVENTS = `subscription Events($after: String) {
  projectsUpdated(after: $after) { cursor seq kind project { ${FIELDS} } }
}`;
const POST = 'mutation Post($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';

/** The list after an event: urql caches documents, not entities. The project that has moved comes first. */
function reduce({ projects }, { kind, project }) {
  const others = projects.nodes.filter(({ id }) => id !== project.id);
  return { projects: { ...projects, nodes: kind === 'PROJECT_DELETED' ? others : [project, ...others] } };
}

const submit = (_, form) => tidings.signIn(Object.fromEntries(form)).catch((error) => error.message);

function SignIn() {
  const [problem, signIn] = useActionState(submit, '');
  return (
    <form action={signIn}>
      <input name="email" type="email" autoComplete="username" aria-label="E-mail" />
      <input name="password" type="password" autoComplete="current-password" aria-label="Password" />
      <button>Sign in</button> <p role="alert">{problem}</p>
    </form>
  );
}

function Projects() {
  const { data, status, error } = useLive(PROJECTS, EVENTS, { reduce });
  const { socket, complete } = useConnection();
  const [{ error: problem }, post] = useMutation(POST);
  const send = (form) => post({ input: { ...Object.fromEntries(form), health: 'ON_TRACK' } });
  const asOf = status === 'live' ? 'up to date' : complete && `as of ${new Date(complete.at).toLocaleTimeString()}`;
  if (!data) return error?.message ?? 'Loading';
  return (
    <>
      <p role="status">{[socket === 'open' ? 'Connected' : 'Not connected', asOf].join(', ')}</p>
      <p role="alert">{problem?.message}</p>
      {data.projects.nodes.map(({ id, name, health, viewerRole, latestUpdate }) => (
        <form key={id} action={send} aria-label={name}>
          <b>{name}</b> {health} {latestUpdate?.title} <input type="hidden" name="projectId" value={id} />
          {viewerRole !== 'VIEWER' && <input name="title" placeholder="News" required />}
        </form>
      ))}
      <button onClick={() => tidings.signOut()}>Sign out</button>
    </>
  );
}

function Page() {
  const { status } = useSession();
  return status === 'signed-in' ? <Projects /> : status === 'restoring' ? 'Loading' : <SignIn />;
}

createRoot(document.getElementById('root')).render(
  <TidingsProvider tidings={tidings}>
    <Provider value={urql}>
      <Page />
    </Provider>
  </TidingsProvider>,
);
