// What @tidings/client would do: sign in, keep the tokens, sign out. The two files are those that docs/realtime.md and docs/frontend.md print.
import { apolloClient } from '../../../docs/examples/apollo.mjs';
import { openSession, withCookies } from '../../../docs/examples/connection.mjs';

const URL_OF_SERVICE = new URL('/graphql', location.href).href;

async function ask(query, variables) {
  const response = await fetch(URL_OF_SERVICE, {
    method: 'POST',
    ...withCookies,
    headers: { ...withCookies.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

const LOGIN = `mutation ($input: LoginInput!) {
  login(input: $input) { accessToken accessTokenExpiresAt refreshToken }
}`;

/** A client for one session. The tokens are in cookies: the fields of the reply are null, but for the time at which to renew them. */
export async function signIn({ email, password }) {
  const { login } = await ask(LOGIN, { input: { email, password, transport: 'COOKIE' } });
  return apolloClient(URL_OF_SERVICE, openSession(URL_OF_SERVICE, login));
}

export const signOut = () => ask('mutation { logout }');
