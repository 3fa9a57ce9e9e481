// Sign-out: ends the session at the service as soon as it can be reached.
import { LOGOUT } from './credentials.js';
import { withCode } from './errors.js';
import { withTimeout, jitter, pause } from './safely.js';
import type { Session } from './session.js';

/** ms that `signOut` waits for the service. */
const SIGN_OUT_TIMEOUT = 5_000;

/** `ending`: the refresh token, or with cookies the account id. Retries until it succeeds or somebody signs in. */
export async function endSession(session: Session, ending: string, headers = session.headers(ending)): Promise<void> {
  const { signal } = session.life;
  const payload = { query: LOGOUT, variables: { token: session.isCookie ? undefined : ending } };
  for (let failures = 0; !signal.aborted; failures += 1) {
    const options = { headers, keepalive: true, signal, timeout: 8_000 };
    const result = await session.post(payload, options).catch(() => undefined);
    if (result?.data?.logout || withCode(result?.errors, 'UNAUTHENTICATED')) {
      // Not if somebody signed in meanwhile, here or in another page.
      if (!signal.aborted && (await session.stored.read()).ending === ending) await session.stored.write({});
      return;
    }
    await pause(500 + jitter(failures), signal);
  }
}

/** Signs out locally at once. Resolves when the service has ended the session, or after 5 s; then it retries in the background. */
export async function signOut(session: Session): Promise<void> {
  const { credentials, isCookie } = session;
  const headers = session.headers();
  const ending = isCookie ? (credentials?.account.id ?? '') : credentials?.refreshToken;
  session.signedOut('signed-out');
  if (session.options.transport === 'token') return;
  await session.persist(ending);
  if (ending !== undefined) await withTimeout(SIGN_OUT_TIMEOUT, endSession(session, ending, headers));
}
