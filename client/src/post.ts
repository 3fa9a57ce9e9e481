// One GraphQL request over HTTP, with a timeout. Knows nothing of sessions.
import type { Json, Variables } from './document.js';
import { fault, type GraphqlError, unavailable } from './errors.js';
import { wait } from './safely.js';

export interface Result {
  readonly data?: Json;
  readonly errors?: readonly GraphqlError[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export interface Payload {
  readonly query: string;
  readonly variables?: Variables | undefined;
  readonly operationName?: string | undefined;
}

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly isCookie?: boolean;
  /** Completes the request even if the user leaves the page. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Timeout in ms. */
  readonly timeout?: number;
}

/** Returns the answer, or a `SERVICE_UNAVAILABLE` error if there is none. Throws only the reason of `signal`. */
export async function post(url: string, payload: Payload, options: PostOptions): Promise<Result> {
  const { headers, isCookie, keepalive, signal, timeout = 30_000 } = options;
  const end = new AbortController();
  const stop = wait(timeout, signal, () => end.abort());
  try {
    signal?.throwIfAborted();
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...headers,
      },
      credentials: isCookie ? 'include' : 'omit',
      keepalive,
      signal: end.signal,
      body: JSON.stringify(payload),
    });
    // An error of a proxy may have no JSON body.
    const result: Json = await response.json().catch(() => null);
    if (result?.data !== undefined || result?.errors) return result;
    const { status } = response;
    if (status !== 429) throw new Error(`Status ${status}`);
    const retryAfter = Number(response.headers.get('retry-after')) || 1;
    return { errors: fault('RATE_LIMITED', 'Too many requests.', { retryAfter }) };
  } catch (cause) {
    signal?.throwIfAborted();
    return { errors: unavailable(cause) };
  } finally {
    stop();
  }
}
