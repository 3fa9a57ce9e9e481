// Watches every project that an account may see: node docs/examples/watch.mjs [email] [password] [http://localhost:4000]
import { watchFeed } from './feed.mjs';

const [email = 'user@example.com', password = 'tidings-demo', origin = 'http://localhost:4000'] = process.argv.slice(2);
const url = `${origin}/graphql`;
const query = `mutation ($input: LoginInput!) {
  login(input: $input) { accessToken accessTokenExpiresAt refreshToken }
}`;

function ended(reason) {
  console.error(reason?.[0]?.message ?? reason?.reason ?? 'The subscription has ended.');
  process.exit(1);
}

function show({ at, kind, actor, project, update, comment }) {
  console.log(`${at}  ${project.key}  ${kind}  ${update?.title ?? comment?.body ?? ''}  (${actor.name})`);
}

const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query, variables: { input: { email, password } } }),
});
const { data, errors } = await response.json();
if (errors) ended(errors);
watchFeed(url, data.login, null, { show, ended });
