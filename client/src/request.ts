// Authenticated queries and mutations over HTTP. Retries idempotent ones, and discards answers when the account changes.
import { type AnyDocument, keyedInputs, textOf, typeOf, type Variables } from './document.js';
import { failure, isOtherAccount, signedOut, unavailable, withCode } from './errors.js';
import type { Result } from './post.js';
import type { Refresh } from './refresh.js';
import { jitter, pause } from './safely.js';
import type { Session } from './session.js';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly operationName?: string | undefined;
}

const ATTEMPTS = 5;

export interface Requests {
  /** Returns the answer with data and errors. Throws `Unavailable` or `SignedOut`. */
  readonly execute: (document: AnyDocument, variables?: Variables, options?: RequestOptions) => Promise<Result>;
  /** Returns the data. Any error in the answer throws the class for its code, with the partial data. */
  readonly request: (document: AnyDocument, variables?: Variables, options?: RequestOptions) => Promise<unknown>;
}

export function requests(session: Session, refresh: Refresh): Requests {
  const execute: Requests['execute'] = async (document, given = {}, { signal, operationName } = {}) => {
    const query = textOf(document);
    // Queries can be retried, and mutations if all of their fields have an idempotency key.
    const isMutation = typeOf(query, operationName) === 'mutation';
    const keyed = isMutation ? keyedInputs(query) : [];
    const variables = withKeys(given, keyed);
    const { signal: life } = session.life;
    const isReady = await refresh.ready();
    const state = session.state.get();
    if (state.status === 'restoring') throw state.error ?? failure(unavailable());
    const either = signal ? AbortSignal.any([life, signal]) : life;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const { version } = session;
      // Cookies may still be valid after a sign-out. Queries must not use them then.
      const isCookie = session.isCookie && (session.status !== 'signed-out' || isMutation);
      const isLast = !keyed || attempt === ATTEMPTS;
      const own = { isCookie, signal: either };
      const result = await session.post({ query, variables, operationName }, own);
      const { errors, data } = result;
      if (isOtherAccount(errors)) {
        void refresh.readSession();
        throw signedOut();
      }
      if (withCode(errors, 'UNAUTHENTICATED') && session.signedIn && !renewed) {
        renewed = true;
        if (!isReady || !(await refresh.renew(version))) throw failure(unavailable());
        continue;
      }
      if (!withCode(errors, 'SERVICE_UNAVAILABLE') || (isLast && data)) return result;
      if (isLast) throw failure(errors!);
      await pause(200 + jitter(attempt), either);
    }
  };
  return {
    execute,
    async request(...parameters) {
      const { data, errors } = await execute(...parameters);
      if (errors?.length) throw failure(errors, data);
      return data;
    },
  };
}

/** Adds an `idempotencyKey` of 128 random bits to these inputs. `randomUUID` does not exist in pages without TLS. */
function withKeys(variables: Variables, names: readonly string[] = []): Variables {
  const inputs = names.map((name) => {
    const idempotencyKey = crypto.getRandomValues(new Uint32Array(4)).join('-');
    return [name, { idempotencyKey, ...(variables[name] as object) }];
  });
  return { ...variables, ...Object.fromEntries(inputs) };
}
