// Apollo Client 4 over `tidings`.
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { print } from '@apollo/client/utilities';
import type { Json } from '../document.js';
import type { Tidings } from '../tidings.js';
import { foldingInto } from './folding.js';
import { apolloLink } from './link.js';
import { possibleTypes, typePolicies } from './policies.js';

export { apolloLink } from './link.js';
export { connection, possibleTypes, typePolicies } from './policies.js';
export { resumeLink } from './resume.js';

/** Everything that Apollo takes but a link; `cache` is that of the schema if it is absent. */
export type ApolloOptions = Omit<ApolloClient.Options, 'link' | 'cache'> & { readonly cache?: InMemoryCache };

/** A client whose cache belongs to one account, and is cleared when another one signs in or this one signs out. */
export function createApollo(tidings: Tidings, options: ApolloOptions = {}): ApolloClient {
  const cache = options.cache ?? new InMemoryCache({ typePolicies, possibleTypes });
  const folding = foldingInto(cache);
  const client = new ApolloClient({ ...options, cache, link: apolloLink(tidings, folding) });
  const subscribe: (own: Json) => Json = client.subscribe.bind(client);
  // Joined to one that runs already, it would miss what that has had.
  client.subscribe = (own: Json) => subscribe({ ...own, context: { ...own.context, queryDeduplication: false } });
  let before = tidings.session.get();
  tidings.session.subscribe((state) => {
    if (before.status === 'signed-in') {
      folding.clear();
      void client.clearStore();
    }
    before = state;
  });
  tidings.printWith(print);
  tidings.cache = {
    ...folding,
    prepare: (document) => cache.transformDocument(typeof document === 'string' ? gql(document) : (document as Json)),
    write: (document, variables, data, began) =>
      folding.over(began as number, () => cache.writeQuery({ query: document as Json, variables, data })),
    lose(id) {
      cache.evict({ id: `Project:${id}` });
    },
    watch: (document, variables, listener) =>
      cache.watch({
        query: document as Json,
        variables,
        optimistic: true,
        returnPartialData: true,
        immediate: true,
        callback: ({ result, complete }) => listener(result, complete),
      }),
  };
  return client;
}
