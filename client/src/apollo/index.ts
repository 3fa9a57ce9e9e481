// Apollo Client 4 on top of `tidings`.
import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { print } from '@apollo/client/utilities';
import type { Json } from '../document.js';
import type { Tidings } from '../tidings.js';
import { eventWriter } from './event-writer.js';
import { apolloLink } from './link.js';
import { possibleTypes, typePolicies } from './policies.js';

export { apolloLink } from './link.js';
export { connection, possibleTypes, typePolicies } from './policies.js';
export { resumeLink } from './resume.js';

/** Options of `ApolloClient` except `link`. Default for `cache`: an `InMemoryCache` with the type policies of the schema. */
export type ApolloOptions = Omit<ApolloClient.Options, 'link' | 'cache'> & { readonly cache?: InMemoryCache };

const accountOf = ({ account }: Json): string | undefined => account?.id;

/** Creates a client whose cache belongs to one account. The cache is cleared when the account signs out or another one signs in. */
export function createApollo(tidings: Tidings, options: ApolloOptions = {}): ApolloClient {
  const cache = options.cache ?? new InMemoryCache({ typePolicies, possibleTypes });
  const folding = eventWriter(cache);
  const client = new ApolloClient({ ...options, cache, link: apolloLink(tidings, folding) });
  const subscribe: (own: Json) => Json = client.subscribe.bind(client);
  // Deduplication would join it to a running subscription and miss the earlier events.
  client.subscribe = (own: Json) => subscribe({ ...own, context: { ...own.context, queryDeduplication: false } });
  let before = accountOf(tidings.session.get());
  tidings.session.subscribe((state) => {
    const now = accountOf(state);
    if (before && now !== before) {
      folding.clear();
      void client.clearStore();
    }
    before = now;
  });
  tidings.printWith(print);
  tidings.cache = {
    ...folding,
    prepare: (document) =>
      cache.transformDocument((document as Json).kind ? (document as Json) : gql((document as Json).toString())),
    write: (document, variables, data, began) =>
      folding.writeSnapshot(began as number, () => cache.writeQuery({ query: document as Json, variables, data })),
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
