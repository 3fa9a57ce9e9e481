// urql on top of `tidings`: `new Client({ url, exchanges: exchanges(tidings) })`.
import {
  cacheExchange,
  type Exchange,
  makeOperation,
  makeResult,
  mapExchange,
  type Operation,
  subscriptionExchange,
} from '@urql/core';
import type { TidingsError } from '../errors.js';
import type { Result } from '../post.js';
import type { Tidings } from '../tidings.js';

/** Exchanges for a urql client: a document cache that belongs to one account, and the transport. */
export function exchanges(tidings: Tidings): Exchange[] {
  const results = new WeakMap<Operation, Result>();
  return [byAccount(tidings), cache, unmerged(results), terminal(tidings, results)];
}

/** The operation with the original key of the client. */
const asAsked = (operation: Operation): Operation =>
  makeOperation(
    operation.kind,
    { ...operation, key: operation.context['askedAs'] ?? operation.key },
    operation.context,
  );

/** Gives operations different keys after each sign-in, so that an account never reads cached data of another one. */
function byAccount(tidings: Tidings): Exchange {
  let generation = 0;
  /** Running queries and subscriptions: key of the client → key of the sign-in. */
  const running = new Map<number, number>();
  let before: string | undefined;
  tidings.session.subscribe((state) => {
    const account = state.status === 'signed-in' ? state.account.id : undefined;
    if (account !== before) generation += 1;
    before = account;
  });
  return mapExchange({
    onOperation(operation) {
      const { kind, key: askedAs, context } = operation;
      let key = (askedAs ^ Math.imul(generation, 0x9e3779b1)) >>> 0;
      if (kind === 'teardown') {
        key = running.get(askedAs) ?? askedAs;
        running.delete(askedAs);
      } else if (kind !== 'mutation') running.set(askedAs, key);
      return makeOperation(kind, { ...operation, key }, { ...context, askedAs });
    },
    onResult: (result) => ({ ...result, operation: asAsked(result.operation) }),
  });
}

/** urql's `cacheExchange`. After a mutation it re-executes queries by the keys of the client. */
const cache: Exchange = (input) => {
  const reexecuteOperation = (operation: Operation): void => input.client.reexecuteOperation(asAsked(operation));
  return cacheExchange({ ...input, client: Object.assign(Object.create(input.client), { reexecuteOperation }) });
};

/** Passes on each result unmerged. urql merges the results of a subscription, which would repeat earlier errors and the last event. */
function unmerged(results: WeakMap<Operation, Result>): Exchange {
  return mapExchange({
    onResult(result) {
      const own = results.get(result.operation);
      return own ? makeResult(result.operation, own) : result;
    },
  });
}

function terminal(tidings: Tidings, results: WeakMap<Operation, Result>): Exchange {
  return subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: ({ query = '', variables }, operation) => ({
      subscribe(sink) {
        const own = { query, variables: (variables ?? {}) as Record<string, unknown> };
        const next = (result: Result): void => {
          results.set(operation, result);
          sink.next(result);
        };
        const complete = (): void => {
          const { errors = [] } = results.get(operation) ?? {};
          results.set(operation, Object.assign({ errors }, { hasNext: false }));
          sink.complete();
        };
        const fail = (reason: Error): void => {
          results.delete(operation);
          sink.error(reason);
        };
        const error = (reason: TidingsError): void => {
          if (reason.code === 'UNAUTHENTICATED') return fail(reason);
          next({ errors: reason.errors });
          complete();
        };
        if (operation.kind === 'subscription')
          return { unsubscribe: tidings.subscribe(own, { next, error, complete }) };
        const abort = new AbortController();
        const end = (result: Result): void => {
          next(result);
          sink.complete();
        };
        tidings
          .execute(query, own.variables, { signal: abort.signal })
          .then(end, (failure: Error) => abort.signal.aborted || fail(failure));
        return { unsubscribe: () => abort.abort() };
      },
    }),
  });
}
