// One GraphQL request over HTTP, with an end. Knows nothing of sessions.
import type { Json, Variables } from './document.js';
import { type GraphqlError, RateLimited, Unavailable } from './errors.js';

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
  /** It goes on when the page is left. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** ms until it is given up. */
  readonly timeout?: number;
}

/** The answer, whatever it says. Throws {@link Unavailable}, {@link RateLimited}, or the reason of `signal`. */
export async function post(url: string, payload: Payload, options: PostOptions): Promise<Result> {
  const { headers, isCookie, keepalive = false, signal, timeout = 30_000 } = options;
  const end = new AbortController();
  const stop = (): void => end.abort();
  const timer = setTimeout(stop, timeout);
  signal?.addEventListener('abort', stop);
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
    // A proxy has no GraphQL to say.
    const result: Json = await response.json().catch(() => null);
    if (result?.data !== undefined || result?.errors) return result;
    signal?.throwIfAborted();
    if (response.status === 429) throw new RateLimited(Number(response.headers.get('retry-after')) || 1);
    throw new Unavailable(`Status ${response.status}`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RateLimited) throw error;
    throw new Unavailable(undefined, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
