// How stock clients go on where they were, as docs/realtime.md tells them to.
import { ApolloClient, ApolloLink, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { type Client, createClient } from 'graphql-ws';
import { tap } from 'rxjs';
import { createProject, postUpdate, type TestProject } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { startTcpProxy } from './support/tcp-proxy.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();

const QUERY = `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq cursor } }`;

/** Subscribes after `after`, and hands on what comes. */
type Resuming = (client: Client, variables: Data, hear: (event: Data) => void) => Promise<void>;

const graphqlWs: Resuming = async (client, variables, hear) => {
  for await (const { data } of client.iterate<Data>({ query: QUERY, variables })) {
    variables['after'] = data!['projectUpdated'].cursor;
    hear(data!['projectUpdated']);
  }
};

const apollo: Resuming = async (client, variables, hear) => {
  const resuming = new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      tap(({ data }) => {
        operation.variables['after'] = (data as Data)['projectUpdated'].cursor;
      }),
    ),
  );
  const link = ApolloLink.from([resuming, new GraphQLWsLink(client)]);
  const cache = new ApolloClient({ link, cache: new InMemoryCache() });
  cache.subscribe<Data>({ query: gql(QUERY), variables }).subscribe(({ data }) => hear(data!['projectUpdated']));
};

describe('a connection that is lost again and again', () => {
  let editor: Person;
  let project: TestProject;
  beforeEach(async () => {
    editor = await tidings.current.asUser('EDITOR');
    project = await createProject(editor);
  });

  it.each([
    ['graphql-ws', graphqlWs],
    ['Apollo Client', apollo],
  ])('costs %s no event, and gives it none twice', async (_name, subscribe) => {
    const proxy = await startTcpProxy(Number(new URL(tidings.current.url).port));
    const client = createClient({
      url: `ws://127.0.0.1:${proxy.port}/graphql`,
      connectionParams: { authorization: `Bearer ${editor.accessToken}` },
      retryAttempts: Infinity,
      retryWait: () => new Promise((resolve) => void setTimeout(resolve, 20)),
      shouldRetry: () => true,
    });
    const seqs: number[] = [];
    const over = subscribe(client, { id: project.id, after: project.lastCursor }, ({ seq }) => void seqs.push(seq));
    for (let round = 1; round <= 3; round += 1) {
      await until(() => seqs.length === round * 2 - 1, 'all that was missed had come');
      await postUpdate(editor, project.id);
      await until(() => seqs.length === round * 2, 'the next one had come');
      proxy.cut();
      await postUpdate(editor, project.id);
    }
    await until(() => seqs.length === 7, 'the last one had come');
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await client.dispose();
    await over;
    await proxy.stop();
  });
});
