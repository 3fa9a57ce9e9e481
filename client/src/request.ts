// Queries and mutations over HTTP: signed in, repeated where that is harmless, dropped when the account changes.
import { type AnyDocument, keyedInputs, textOf, typeOf, type Variables } from './document.js';
import { isOtherAccount, OperationFailed, SignedOut, Unavailable, withCode } from './errors.js';
import { post, type Result } from './post.js';
import type { Refresh } from './refresh.js';
import { jitter, pause } from './safely.js';
import type { Session } from './session.js';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly operationName?: string | undefined;
}

const ATTEMPTS = 5;

export interface Requests {
  /** The answer, partial ones and those that are errors alone included. Throws `Unavailable`, `RateLimited` or `SignedOut`. */
  readonly execute: (document: AnyDocument, variables?: Variables, options?: RequestOptions) => Promise<Result>;
  /** The data; any error throws {@link OperationFailed}, which has what there is of it. */
  readonly request: (document: AnyDocument, variables?: Variables, options?: RequestOptions) => Promise<unknown>;
}

export function requests(session: Session, refresh: Refresh): Requests {
  const execute: Requests['execute'] = async (document, given = {}, { signal, operationName } = {}) => {
    const query = textOf(document);
    // Queries can be repeated, and mutations all of whose fields have a key.
    const isMutation = typeOf(query) === 'mutation';
    const keyed = isMutation ? keyedInputs(query) : [];
    const variables = withKeys(given, keyed);
    // Whoever is found to be signed in is the account that is meant; later it may not change.
    const known = session.status === 'restoring' ? undefined : session.life.signal;
    const isReady = await refresh.ready();
    const life = known ?? session.life.signal;
    const either = signal ? AbortSignal.any([life, signal]) : life;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const { version, options } = session;
      // Cookies may still be good after a sign-out, here or in another page: they are not for reading any more.
      const isCookie = session.isCookie && (session.status !== 'signed-out' || isMutation);
      const isLast = !keyed || attempt === ATTEMPTS;
      const own = { headers: session.headers(), isCookie, signal: either };
      const result = await post(options.url, { query, variables, operationName }, own).catch((error: unknown) => {
        if (!(error instanceof Unavailable) || isLast) throw error;
        return undefined;
      });
      if (isOtherAccount(result?.errors)) {
        refresh.lookAgain();
        throw new SignedOut();
      }
      if (withCode(result?.errors, 'UNAUTHENTICATED') && session.signedIn && !renewed) {
        renewed = true;
        if (!isReady || (await refresh.renew(version)) === 'unreachable') throw new Unavailable();
        continue;
      }
      if (result && (isLast || !withCode(result.errors, 'SERVICE_UNAVAILABLE'))) return result;
      await pause(200 + jitter(attempt), either);
    }
  };
  return {
    execute,
    async request(...parameters) {
      const { data, errors } = await execute(...parameters);
      if (errors?.length) throw new OperationFailed(errors, data);
      return data;
    },
  };
}

/** With an `idempotencyKey` in each of these inputs: 128 random bits. `randomUUID` is missing where there is no TLS. */
function withKeys(variables: Variables, names: readonly string[] = []): Variables {
  const inputs = names.map((name) => {
    const idempotencyKey = crypto.getRandomValues(new Uint32Array(4)).join('-');
    return [name, { idempotencyKey, ...(variables[name] as object) }];
  });
  return { ...variables, ...Object.fromEntries(inputs) };
}
