// connection.mjs
import { createClient } from 'graphql-ws';

/** What the browser needs to send cookies to the service. Without cookies it changes nothing. */
export const withCookies = { credentials: 'include', headers: { 'x-tidings-csrf': '1' } };

/** The session that `login` or `register` has opened at `url`. `accessToken` never rejects; without a token it is null or undefined. */
export function openSession(url, { accessToken, accessTokenExpiresAt, refreshToken }) {
  let tokens = { accessToken, accessTokenExpiresAt, refreshToken };
  let refreshing;
  async function refresh() {
    const query = `mutation ($token: String) { refresh(refreshToken: $token) { ${Object.keys(tokens).join(' ')} } }`;
    const { credentials, headers } = withCookies;
    try {
      const response = await fetch(url, {
        method: 'POST',
        credentials,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { token: tokens.refreshToken } }),
        signal: AbortSignal.timeout(30_000),
      });
      const { data, errors } = await response.json();
      const isOver = ['UNAUTHENTICATED', 'REFRESH_TOKEN_REUSED'].includes(errors?.[0].extensions.code);
      tokens = data?.refresh ?? (isOver ? {} : tokens);
    } catch {
      // The service cannot be reached. The old token is kept: it is refused with 4403, which is retried.
    }
  }
  return {
    async accessToken() {
      const isDue = Date.parse(tokens.accessTokenExpiresAt) < Date.now() + 10_000;
      if (isDue) await (refreshing ??= refresh().finally(() => (refreshing = undefined)));
      return tokens.accessToken;
    },
    /** The service has refused the token as expired, whatever the clock of this machine says. */
    expire: () => (tokens.accessTokenExpiresAt &&= new Date(0).toISOString()),
  };
}

/** ms between two attempts: spread, so that not all clients of an instance come back in the same moment. */
const backoff = (retries) => Math.min(1_000 * 2 ** retries, 8_000) * (0.5 + Math.random());

/** A graphql-ws client that comes back after every outage, until the session is over. */
export function connect(url, session) {
  let alarm;
  // Pings are answered every 10 s: a connection on which nothing arrives for 20 s is dead, even if nobody has closed it.
  const heard = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => client.terminate(), 20_000);
  };
  const client = createClient({
    url: async () => {
      await session.accessToken(); // before cookies go along with the upgrade
      return url.replace(/^http/, 'ws');
    },
    connectionParams: async () => {
      const token = await session.accessToken();
      return token && { authorization: `Bearer ${token}` };
    },
    shouldRetry: () => true, // also when no connection could be made
    retryAttempts: Infinity,
    retryWait: (retries) => new Promise((retry) => setTimeout(retry, backoff(retries))),
    keepAlive: 10_000,
    on: { connecting: heard, opened: heard, message: heard, closed: ({ code }) => code === 4403 && session.expire() },
  });
  return client;
}
