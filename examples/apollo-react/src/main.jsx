import { gql } from '@apollo/client';
import { useMutation } from '@apollo/client/react';
import { createTidings } from '@tidings/client';
import { createApollo } from '@tidings/client/apollo';
import { TidingsProvider, useConnection, useLive, useSession } from '@tidings/client/react';
import { useActionState } from 'react';
import { createRoot } from 'react-dom/client';

const tidings = createTidings({ url: '/graphql', transport: 'cookie' });
const apollo = createApollo(tidings);

const FIELDS = 'id name health viewerRole lastSeq latestUpdate { id title version }';
const PROJECTS = `query Projects { projects(first: 50) { lastCursor nodes { ${FIELDS} } } }`;
const EVENTS = `subscription Events($after: String) {
  projectsUpdated(after: $after) { cursor seq kind subjectId project { ${FIELDS} } }
}`;
const POST = gql('mutation Post($input: PostUpdateInput!) { postUpdate(input: $input) { id } }');

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
  const { data, status, error } = useLive(PROJECTS, EVENTS);
  const { socket, complete } = useConnection();
  const [post, { error: problem }] = useMutation(POST, { client: apollo, errorPolicy: 'all' });
  const send = (form) => post({ variables: { input: { ...Object.fromEntries(form), health: 'ON_TRACK' } } });
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

createRoot(document.getElementById('root')).render(<TidingsProvider tidings={tidings} children={<Page />} />);
