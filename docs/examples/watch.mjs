// Watches every project that an account may see: node docs/examples/watch.mjs [email] [password] [http://localhost:4000]
// It uses nothing but the published `graphql-ws` client, and resumes from its cursor whenever the connection is lost.
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const [email = 'user@example.com', password = 'tidings-demo', url = 'http://localhost:4000'] = process.argv.slice(2);

async function signIn() {
  const query = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input: { email, password } } }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data.login.accessToken;
}

const client = createClient({
  url: `${url.replace('http', 'ws')}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: async () => ({ authorization: `Bearer ${await signIn()}` }),
});

let cursor = null;
const query = `subscription ($after: String) {
  projectsUpdated(after: $after) { cursor at kind actor { name } project { key } update { title health } comment { body } }
}`;
for (;;) {
  try {
    for await (const { data, errors } of client.iterate({ query, variables: { after: cursor } })) {
      if (errors) throw new Error(errors[0].message);
      const { at, kind, actor, project, update, comment, ...event } = data.projectsUpdated;
      cursor = event.cursor;
      console.log(`${at}  ${project.key}  ${kind}  ${update?.title ?? comment?.body ?? ''}  (${actor.name})`);
    }
  } catch (error) {
    console.error(error.reason ?? error.message ?? error);
    process.exit(1);
  }
}
