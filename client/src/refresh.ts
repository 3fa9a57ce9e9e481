// Renews tokens: one request at a time in this page, and if possible across all pages.
import { REFRESH, SESSION } from './credentials.js';
import { codeOf, failure, isOtherAccount, type TidingsError } from './errors.js';
import type { Result } from './post.js';
import { withTimeout, jitter, pause } from './safely.js';
import type { Session } from './session.js';
import { endSession } from './sign-out.js';

/** ms that a caller waits. The request itself is not aborted, since its answer may be the only copy of the new tokens. */
const REFRESH_TIMEOUT = 9_000;

export interface Refresh {
  /**
   * Obtains tokens newer than `version`, or finds that the session has ended. Resolves within 10 s; `false` if the service could not be
   * reached.
   */
  renew(version?: number): Promise<boolean>;
  /** Resolves when the session is known and the access token is valid for a while; `false` if it could not be renewed. */
  ready(): Promise<boolean>;
  /** Restores the session again after the cookies changed to another account. */
  readonly readSession: () => Promise<void>;
  /** Finds out who is signed in. Retries until it is known. */
  restore(): Promise<void>;
}

export function openRefresh(session: Session): Refresh {
  const { isCookie, stored } = session;
  const { transport } = session.options;
  let running: Promise<boolean> | undefined;
  let restoring: Promise<void> | undefined;
  return { renew, ready, readSession, restore };

  async function renew(version = session.version): Promise<boolean> {
    const isDone = (): boolean => session.version !== version;
    if (isDone()) return true;
    if (transport === 'token') {
      session.signedOut('ended');
      return true;
    }
    running ??= session.tabs.withLock((waited) => exchange(isDone, waited)).finally(() => (running = undefined));
    return (await withTimeout(REFRESH_TIMEOUT, running, session.refreshing.signal)) ?? isDone();
  }

  async function ready(): Promise<boolean> {
    if (session.status === 'restoring') await withTimeout(REFRESH_TIMEOUT, restore());
    return !session.isDue() || renew();
  }

  function readSession(): Promise<void> {
    session.reset();
    return restore();
  }

  function restore(): Promise<void> {
    return (restoring ??= untilKnown().finally(() => (restoring = undefined)));
  }

  async function untilKnown(): Promise<void> {
    for (let failures = 0; session.status === 'restoring' && !session.isClosed; failures += 1) {
      const { signal } = session.refreshing;
      const error = await look(signal).catch((reason: TidingsError) => reason);
      if (session.status !== 'restoring') return;
      if (error && !signal.aborted) session.state.set({ status: 'restoring', error });
      await pause(250 + jitter(failures), session.refreshing.signal);
    }
  }

  async function look(signal: AbortSignal): Promise<void> {
    const { session: kept, ending } = await stored.read();
    if (signal.aborted) return;
    if (ending !== undefined) {
      session.signedOut('signed-out');
      void endSession(session, ending);
    } else if (kept) session.signedInAs(kept);
    else if (transport === 'body') session.signedOut('absent');
    else {
      const { data, errors = [] } = await ask();
      if (signal.aborted) return;
      if (data?.session) session.accept(data.session);
      else if (codeOf(errors) === 'UNAUTHENTICATED') await renew();
      else throw failure(errors);
    }
  }

  /** Queries the session without the account header, since the account is unknown. */
  function ask(): Promise<Result> {
    const { signal } = session.refreshing;
    return session.post({ query: SESSION }, { headers: session.headers(''), signal, timeout: 8_000 });
  }

  async function exchange(isDone: () => boolean, waited: boolean): Promise<boolean> {
    const { signal } = session.refreshing;
    try {
      await lookAround(waited);
      const token = session.credentials?.refreshToken;
      if (isDone() || !(isCookie || token)) return true;
      const options = { headers: session.headers(undefined, ''), keepalive: true, signal };
      const result = await session.post({ query: REFRESH, variables: { token } }, options);
      signal.throwIfAborted();
      return await take(result, token);
    } catch {
      return signal.aborted;
    }
  }

  /** Takes over tokens that another page renewed meanwhile. */
  async function lookAround(waited: boolean): Promise<void> {
    if (!isCookie) await followStored(session.credentials?.refreshToken);
    else if (waited) {
      const { data } = await ask();
      if (data?.session?.accessTokenExpiresAt) session.accept(data.session);
    }
  }

  async function followStored(token: string | undefined): Promise<boolean> {
    const { session: kept } = await stored.read();
    const isOther = kept !== undefined && kept.refreshToken !== token;
    if (isOther) session.signedInAs(kept);
    return isOther;
  }

  /** Applies the answer of a refresh; `false` if it says nothing about the session. */
  async function take({ data, errors }: Result, token: string | undefined): Promise<boolean> {
    const code = codeOf(errors);
    const isTheft = code === 'REFRESH_TOKEN_REUSED';
    if (data?.refresh) {
      session.accept(data.refresh);
      await session.persist();
    } else if (!isTheft && code !== 'UNAUTHENTICATED') return false;
    else if (isOtherAccount(errors)) void readSession();
    else if (isCookie || !(await followStored(token))) {
      session.signedOut(isTheft ? 'theft' : session.signedIn ? 'ended' : 'absent');
      await session.persist();
    }
    return true;
  }
}
