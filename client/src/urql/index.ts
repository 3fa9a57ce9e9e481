// urql over `tidings`: `new Client({ url, exchanges: exchanges(tidings) })`.
import {
  cacheExchange,
  type Exchange,
  makeOperation,
  mapExchange,
  type Operation,
  subscriptionExchange,
} from '@urql/core';
import type { Result } from '../post.js';
import type { Tidings } from '../tidings.js';

/** A document cache that belongs to one account, and everything behind it. */
export function exchanges(tidings: Tidings): Exchange[] {
  return [byAccount(tidings), cacheExchange, terminal(tidings)];
}

/** Each sign-in has keys of its own: what one account has read is not found by the next. */
function byAccount(tidings: Tidings): Exchange {
  let generation = 0;
  const asked = new Map<number, { readonly key: number; readonly operation: Operation }>();
  tidings.session.subscribe(() => (generation += 1));
  return mapExchange({
    onOperation(operation) {
      const known =
        operation.kind === 'teardown' ? [...asked].findLast(([, { key }]) => key === operation.key)?.[0] : undefined;
      const key = known ?? (operation.key ^ Math.imul(generation, 0x9e3779b1)) >>> 0;
      if (operation.kind === 'teardown') asked.delete(key);
      else asked.set(key, { key: operation.key, operation });
      return makeOperation(operation.kind, { ...operation, key }, operation.context);
    },
    onResult: (result) => ({ ...result, operation: asked.get(result.operation.key)?.operation ?? result.operation }),
  });
}

function terminal(tidings: Tidings): Exchange {
  return subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: ({ query = '', variables }, operation) => ({
      subscribe({ next, error, complete }) {
        const own = { query, variables: (variables ?? {}) as Record<string, unknown> };
        const give = (result: Result): void => next(result);
        if (operation.kind === 'subscription') {
          const fail = (errors: Parameters<Parameters<Tidings['subscribe']>[1]['error']>[0]): void => {
            if (errors instanceof Error) return error(errors);
            give({ errors });
            complete();
          };
          return { unsubscribe: tidings.subscribe(own, { next: give, error: fail, complete }) };
        }
        const abort = new AbortController();
        const end = (result: Result): void => {
          give(result);
          complete();
        };
        tidings
          .execute(query, own.variables, { signal: abort.signal })
          .then(end, (failure: unknown) => abort.signal.aborted || error(failure));
        return { unsubscribe: () => abort.abort() };
      },
    }),
  });
}
