// New tokens: one request at a time in this page, and as far as the others can be waited for.
import { credentialsOf, REFRESH, SESSION } from './credentials.js';
import { codeOf, isOtherAccount, SignedOut } from './errors.js';
import type { Result } from './post.js';
import { inTime, jitter, onWake, pause } from './safely.js';
import type { Session } from './session.js';
import { endSession } from './sign-out.js';

export type Outcome = 'renewed' | 'refused' | 'unreachable';

/** ms after which a caller goes on without an answer. The request itself is not given up: its answer may be the only copy of new tokens. */
const PATIENCE = 9_000;

export class Refresh {
  readonly #session: Session;
  #running: Promise<Outcome> | undefined;
  #restoring: Promise<void> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Tokens that are newer than `version`, by this page or another one; answered within 10 s. */
  async renew(version: number): Promise<Outcome> {
    const session = this.#session;
    if (session.version !== version) return this.#present;
    if (session.options.transport === 'token') {
      session.signedOut('ended');
      return 'refused';
    }
    const work = (waited: boolean): Promise<Outcome> => this.#exchange(version, waited);
    this.#running ??= (session.tabs?.exclusively(work) ?? work(false)).finally(() => (this.#running = undefined));
    const outcome = await inTime(PATIENCE, this.#running, session.refreshing.signal);
    return outcome ?? (session.version === version ? 'unreachable' : this.#present);
  }

  get #present(): Outcome {
    return this.#session.signedIn ? 'renewed' : 'refused';
  }

  /** Resolves when it is known who is signed in, and the access token is good for a while; `false`: it could not be made so. */
  async ready(): Promise<boolean> {
    const session = this.#session;
    if (session.status === 'restoring') await inTime(PATIENCE, this.restore());
    return !session.due() || (await this.renew(session.version)) !== 'unreachable';
  }

  /** The cookies are those of another account by now. */
  lookAgain(): void {
    this.#session.unknown();
    void this.restore();
  }

  /** Finds out who is signed in. Goes on until it is known. */
  restore(): Promise<void> {
    return (this.#restoring ??= this.#restore().finally(() => (this.#restoring = undefined)));
  }

  async #restore(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      await this.#look().catch(() => {});
      // Another look may have been asked for meanwhile.
      if (this.#session.status !== 'restoring') return;
      const awake = new AbortController();
      const stop = onWake(() => awake.abort());
      await pause(250 + jitter(failures), AbortSignal.any([awake.signal, this.#session.life.signal]));
      stop();
    }
  }

  async #look(): Promise<void> {
    const session = this.#session;
    const { signal } = session.life;
    const { session: kept, ending } = await session.vault.read();
    if (signal.aborted) return;
    if (ending !== undefined) {
      session.signedOut('signed-out');
      void endSession(session, ending);
    } else if (kept) session.signedInAs(kept);
    else if (session.options.transport === 'body') session.signedOut('absent');
    else {
      const { data, errors } = await this.#ask();
      if (signal.aborted) return;
      if (data?.session) session.signedInAs(credentialsOf(data.session, session.clock));
      else if (codeOf(errors) === 'UNAUTHENTICATED') await this.renew(session.version);
    }
  }

  /** Not saying whom the page shows: that is the question. */
  #ask(): Promise<Result> {
    const session = this.#session;
    const headers = session.headers('');
    return session.post(SESSION, {}, { headers, signal: session.life.signal, timeout: 8_000 });
  }

  async #exchange(version: number, waited: boolean): Promise<Outcome> {
    const session = this.#session;
    const { signal } = session.refreshing;
    try {
      await this.#lookAround(waited);
      if (session.version !== version) return this.#present;
      const token = session.credentials?.refreshToken;
      if (!session.isCookie && !token) return 'refused';
      const { authorization: _, ...headers } = session.headers();
      const options = { headers, keepalive: true, signal };
      return await this.#take(await session.post(REFRESH, { token }, options), token);
    } catch (error) {
      return error instanceof SignedOut ? this.#present : 'unreachable';
    }
  }

  /** Another page may have renewed them meanwhile. */
  async #lookAround(waited: boolean): Promise<void> {
    const session = this.#session;
    if (!session.isCookie) await this.#followVault(session.credentials?.refreshToken);
    else if (waited) {
      const { data } = await this.#ask();
      if (data?.session?.accessTokenExpiresAt) session.signedInAs(credentialsOf(data.session, session.clock));
    }
  }

  async #followVault(token: string | undefined): Promise<boolean> {
    const { session: kept } = await this.#session.vault.read();
    const isOther = kept !== undefined && kept.refreshToken !== token;
    if (isOther) this.#session.signedInAs(kept);
    return isOther;
  }

  async #take({ data, errors }: Result, token: string | undefined): Promise<Outcome> {
    const session = this.#session;
    if (data?.refresh) {
      const credentials = credentialsOf(data.refresh, session.clock);
      session.signedInAs(credentials);
      await session.keep({ session: credentials });
      return 'renewed';
    }
    const isTheft = codeOf(errors) === 'REFRESH_TOKEN_REUSED';
    if (!isTheft && codeOf(errors) !== 'UNAUTHENTICATED') return 'unreachable';
    if (isOtherAccount(errors)) this.lookAgain();
    else if (!session.isCookie && (await this.#followVault(token))) return 'renewed';
    else {
      session.signedOut(isTheft ? 'theft' : session.signedIn ? 'ended' : 'absent');
      await session.keep({});
    }
    return 'refused';
  }
}
