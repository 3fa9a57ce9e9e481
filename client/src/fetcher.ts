// For GraphiQL, and others that take a fetcher.
import type { Json } from './document.js';
import { typeOf, type Variables } from './document.js';
import type { Result } from './post.js';
import type { Tidings } from './tidings.js';

export interface FetcherParameters {
  readonly query: string;
  readonly variables?: Json;
  readonly operationName?: string | null | undefined;
}

/** Queries and mutations as a promise, subscriptions as one object that is iterable and iterator: to stop it, it is asked for again. */
export function fetcher(tidings: Tidings) {
  return ({ query, variables, operationName }: FetcherParameters): Promise<Json> | AsyncIterableIterator<Json> => {
    const named = { operationName: operationName ?? undefined };
    const at = operationName ? query.indexOf(`subscription ${operationName}`) : -1;
    if (typeOf(query.slice(Math.max(0, at))) !== 'subscription')
      return tidings.execute(query, variables as Variables, named);
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
    error: (error) => {
      queue.push({ errors: error instanceof Error ? [{ message: error.message }] : error });
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
