// Fetcher for GraphiQL and other tools that accept one.
import type { Json } from './document.js';
import type { TidingsError } from './errors.js';
import { typeOf, type Variables } from './document.js';
import type { Result } from './post.js';
import type { Tidings } from './tidings.js';

export interface FetcherParameters {
  readonly query: string;
  readonly variables?: Json;
  readonly operationName?: string | null | undefined;
}

/** Returns a promise for queries and mutations. For subscriptions, an object that is both iterable and iterator, as GraphiQL expects. */
export function fetcher(tidings: Tidings) {
  return ({ query, variables, operationName }: FetcherParameters): Promise<Json> | AsyncIterableIterator<Json> => {
    const named = { operationName: operationName ?? undefined };
    if (typeOf(query, operationName) !== 'subscription')
      return tidings
        .execute(query, variables as Variables, named)
        .catch(({ message, errors = [{ message }] }: Error & Partial<TidingsError>) => ({ errors }));
    return results(tidings, { query, variables, ...named });
  };
}

function results(
  tidings: Tidings,
  payload: { query: string; variables: Variables; operationName: string | undefined },
) {
  const queue: Result[] = [];
  let isDone = false;
  let arrived: (() => void) | undefined;
  const end = (): void => {
    isDone = true;
    arrived?.();
  };
  const stop = tidings.subscribe(payload, {
    next: (result) => {
      queue.push(result);
      arrived?.();
    },
    error: ({ errors }) => {
      queue.push({ errors });
      end();
    },
    complete: end,
  });
  const iterator: AsyncIterableIterator<Result> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      if (queue.length === 0 && !isDone) await new Promise<void>((resolve) => (arrived = resolve));
      const value = queue.shift();
      return value ? { value, done: false } : { value: undefined, done: true };
    },
    async return() {
      stop();
      end();
      queue.length = 0;
      return { value: undefined, done: true };
    },
  };
  return iterator;
}
