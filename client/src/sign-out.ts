// Ending a session at the service, as soon as it can be reached.
import { LOGOUT } from './credentials.js';
import { withCode } from './errors.js';
import { inTime, jitter, pause } from './safely.js';
import type { Session } from './session.js';

/** ms that somebody waits for it. */
const PATIENCE = 5_000;

/** `ending`: the refresh token, or the account of the cookies. Resolves when it is done, or after 5 s: then it goes on by itself. */
export async function endSession(session: Session, ending: string, own?: Record<string, string>): Promise<void> {
  await inTime(PATIENCE, end(session, ending, own));
}

async function end(session: Session, ending: string, own?: Record<string, string>): Promise<void> {
  const { signal } = session.life;
  const headers = own ?? session.headers(ending);
  for (let failures = 0; !signal.aborted; failures += 1) {
    const options = { headers, keepalive: true, signal, timeout: 8_000 };
    const token = session.isCookie ? undefined : ending;
    const result = await session.post(LOGOUT, { token }, options).catch(() => undefined);
    if (result?.data?.logout || withCode(result?.errors, 'UNAUTHENTICATED')) {
      // Unless somebody has signed in since, in whichever page.
      if (!signal.aborted && (await session.vault.read()).ending === ending) await session.vault.write({});
      return;
    }
    await pause(500 + jitter(failures), signal);
  }
}

/** Signed out at once. */
export async function signOut(session: Session): Promise<void> {
  const { credentials, isCookie } = session;
  const headers = session.headers();
  const ending = isCookie ? (credentials?.account.id ?? '') : credentials?.refreshToken;
  session.signedOut('signed-out');
  if (session.options.transport === 'token') return;
  await session.keep({ ending });
  if (ending !== undefined) await endSession(session, ending, headers);
}
