import { gql } from '@apollo/client';
import { ApolloProvider, useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { useActionState, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { signIn, signOut } from './tidings.js';

const FIELDS = gql`
  fragment Fields on Project {
    id
    name
    health
    viewerRole
    latestUpdate {
      id
      title
    }
  }
`;
const PROJECTS = gql`
  query Projects {
    projects(first: 50) {
      lastCursor
      nodes {
        ...Fields
      }
    }
  }
  ${FIELDS}
`;
const EVENTS = gql`
  subscription Events($after: String) {
    projectsUpdated(after: $after) {
      cursor
      kind
      project {
        ...Fields
      }
    }
  }
  ${FIELDS}
`;
const POST = gql`
  mutation Post($input: PostUpdateInput!) {
    postUpdate(input: $input) {
      id
    }
  }
`;

/** Follows the list from the snapshot's cursor: resumeLink() sees to it that a new connection goes on after the last event. */
function Events({ after, refetch, onEnd }) {
  useSubscription(EVENTS, {
    variables: { after },
    fetchPolicy: 'no-cache',
    errorPolicy: 'all',
    ignoreResults: true,
    onData({ client, data: { data } }) {
      const { kind, project } = data.projectsUpdated;
      client.cache.updateQuery({ query: PROJECTS }, ({ projects }) => {
        const others = projects.nodes.filter(({ id }) => id !== project.id);
        return { projects: { ...projects, nodes: kind === 'PROJECT_DELETED' ? others : [project, ...others] } };
      });
    },
    onError: (error) => (error.errors?.[0].extensions.code === 'CURSOR_EXPIRED' ? refetch() : onEnd(error.message)),
  });
}

function Projects({ onEnd }) {
  const { data, error, refetch } = useQuery(PROJECTS);
  const [post, { error: problem }] = useMutation(POST, { errorPolicy: 'all' });
  const [after, setAfter] = useState();
  if (!data) return error?.message ?? 'Loading';
  if (!after) setAfter(data.projects.lastCursor);
  const send = (form) => post({ variables: { input: { ...Object.fromEntries(form), health: 'ON_TRACK' } } });
  return (
    <>
      {after && (
        <Events
          after={after}
          onEnd={onEnd}
          refetch={() => refetch().then((r) => setAfter(r.data.projects.lastCursor))}
        />
      )}
      <p role="alert">{problem?.message}</p>
      {data.projects.nodes.map(({ id, name, health, viewerRole, latestUpdate }) => (
        <form key={id} action={send} aria-label={name}>
          <b>{name}</b> {health} {latestUpdate?.title} <input type="hidden" name="projectId" value={id} />
          {viewerRole !== 'VIEWER' && <input name="title" placeholder="News" required />}
        </form>
      ))}
      <button onClick={() => void signOut().finally(() => onEnd(''))}>Sign out</button>
    </>
  );
}

function Page() {
  const [client, setClient] = useState();
  const [ended, end] = useState('');
  const submit = (_, form) => signIn(Object.fromEntries(form)).then(setClient, (error) => error.message);
  const [problem, action] = useActionState(submit, '');
  const onEnd = (reason) => {
    client.stop();
    setClient();
    end(reason);
  };
  if (client)
    return (
      <ApolloProvider client={client}>
        <Projects onEnd={onEnd} />
      </ApolloProvider>
    );
  return (
    <form action={action}>
      <input name="email" type="email" autoComplete="username" aria-label="E-mail" />
      <input name="password" type="password" autoComplete="current-password" aria-label="Password" />
      <button>Sign in</button> <p role="alert">{problem || ended}</p>
    </form>
  );
}

createRoot(document.getElementById('root')).render(<Page />);
