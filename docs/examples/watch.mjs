// Watches every project that an account may see: node docs/examples/watch.mjs [email] [password] [http://localhost:4000]
import { connect, openSession } from './connection.mjs';

const [email = 'user@example.com', password = 'tidings-demo', origin = 'http://localhost:4000'] = process.argv.slice(2);
const url = `${origin}/graphql`;

const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    query: 'mutation ($input: LoginInput!) { login(input: $input) { accessToken accessTokenExpiresAt refreshToken } }',
    variables: { input: { email, password } },
  }),
});
const { data, errors } = await response.json();
if (errors) fail(errors);

const variables = { after: null };
const query = `subscription ($after: String) {
  projectsUpdated(after: $after) { cursor at kind actor { name } project { key } update { title } comment { body } }
}`;
connect(url, openSession(url, data.login)).subscribe(
  { query, variables },
  {
    next({ data: given, errors: problems }) {
      if (!given?.projectsUpdated) return console.error(problems[0].message);
      const { cursor, at, kind, actor, project, update, comment } = given.projectsUpdated;
      // After a lost connection the client subscribes again, with the same object.
      variables.after = cursor;
      console.log(`${at}  ${project.key}  ${kind}  ${update?.title ?? comment?.body ?? ''}  (${actor.name})`);
    },
    error: fail,
    complete: () => process.exit(),
  },
);

/** `reason`: errors of GraphQL, or the event of a close that is final, such as 4401. */
function fail(reason) {
  console.error(reason[0]?.message ?? reason.reason ?? reason.message);
  process.exit(1);
}
