// The end of Apollo's chain of links: everything goes through the session and the socket of `tidings`.
import { ApolloLink, Observable } from '@apollo/client';
import { print } from '@apollo/client/utilities';
import type { GraphqlError } from '../errors.js';
import type { Result } from '../post.js';
import type { Tidings } from '../tidings.js';
import type { Folding } from './folding.js';

/**
 * Serves a client of your own. What was asked for by one account fails with `SignedOut` when another one signs in. Ask for subscriptions
 * with `context: { queryDeduplication: false }`: Apollo joins equal ones, and who comes later misses what was before.
 */
export function apolloLink(tidings: Tidings, folding?: Folding): ApolloLink {
  return new ApolloLink(
    ({ query, variables, operationName, operationType }) =>
      new Observable<ApolloLink.Result>((observer) => {
        const text = print(query);
        const next = (result: Result): void => observer.next(result as ApolloLink.Result);
        const complete = (): void => observer.complete();
        const end = (result: Result): void => {
          next(result);
          complete();
        };
        const error = (reason: readonly GraphqlError[] | Error): void =>
          reason instanceof Error ? observer.error(reason) : end({ data: null, errors: reason });
        if (operationType === 'subscription')
          return tidings.subscribe({ query: text, variables, operationName }, { next, error, complete });
        const abort = new AbortController();
        const began = folding?.began() ?? 0;
        tidings.execute(text, variables, { signal: abort.signal, operationName }).then(
          // What arrived meanwhile is newer than the answer.
          (result) => (folding ? folding.over(began, () => end(result)) : end(result)),
          error,
        );
        return () => abort.abort();
      }),
  );
}
