// Terminating Apollo link: sends operations over the session and the socket of `tidings`.
import { ApolloLink, Observable } from '@apollo/client';
import { print } from '@apollo/client/utilities';
import type { Result } from '../post.js';
import type { Tidings } from '../tidings.js';
import type { EventWriter } from './event-writer.js';

/**
 * A terminating link for your own `ApolloClient`. Pending operations fail with `SignedOut` when another account signs in. Run
 * subscriptions with `context: { queryDeduplication: false }`: otherwise Apollo joins equal ones, and later subscribers miss events.
 */
export function apolloLink(tidings: Tidings, folding?: EventWriter): ApolloLink {
  return new ApolloLink(
    ({ query, variables, operationName, operationType }) =>
      new Observable<ApolloLink.Result>((observer) => {
        const text = print(query);
        const next = (result: Result): void => observer.next(result as ApolloLink.Result);
        const complete = (): void => observer.complete();
        const error = (reason: unknown): void => observer.error(reason);
        const end = (result: Result): void => {
          next(result);
          complete();
        };
        if (operationType === 'subscription')
          return tidings.subscribe({ query: text, variables, operationName }, { next, error, complete });
        const abort = new AbortController();
        const began = folding?.began() ?? 0;
        tidings.execute(text, variables, { signal: abort.signal, operationName }).then(
          // Events that arrived meanwhile are newer than the answer.
          (result) => (folding ? folding.writeSnapshot(began, () => end(result)) : end(result)),
          error,
        );
        return () => abort.abort();
      }),
  );
}
