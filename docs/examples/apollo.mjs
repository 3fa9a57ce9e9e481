// apollo.mjs
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { resumeLink } from '@tidings/client/apollo';
import { connect, withCookies } from './connection.mjs';

export function apolloClient(url, session) {
  const signedIn = new SetContextLink(async () => {
    const token = await session.accessToken();
    return { headers: token ? { authorization: `Bearer ${token}` } : {} };
  });
  const http = ApolloLink.from([signedIn, new HttpLink({ uri: url, ...withCookies })]);
  const socket = ApolloLink.from([resumeLink(), new GraphQLWsLink(connect(url, session))]);
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === 'subscription', socket, http),
    cache: new InMemoryCache(),
    queryDeduplication: false, // else a second subscription from the same cursor would miss what the first has had
  });
}
