// `@tidings/client/apollo`: Apollo Client 4 over our session and socket, and stock clients that go on where they were.
import { queryObjects } from 'node:v8';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { SignedOut } from '@tidings/client';
import { createApollo, resumeLink } from '@tidings/client/apollo';
import { createClient } from 'graphql-ws';
import { isCurrent, useClients } from '../support/client.js';
import type { Data } from '../support/graphql-client.js';
import { createProject, postUpdate, type TestProject } from '../support/factories.js';
import { type Person, useTidings } from '../support/tidings.js';
import { runAfter, until } from '../support/wait.js';

const tidings = useTidings();
const clients = useClients(tidings);
let editor: Person;
let project: TestProject;
beforeEach(async () => {
  editor ??= await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

const EVENTS = gql`
  subscription ($id: ID!, $after: String) {
    projectUpdated(projectId: $id, after: $after) {
      cursor
      seq
      kind
      subjectId
      project {
        id
        health
        lastSeq
      }
      update {
        id
        title
        health
        version
      }
    }
  }
`;
const PAGE = gql`
  query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    project(id: $id) {
      id
      health
      lastSeq
      lastCursor
      updates(first: $first, after: $after, last: $last, before: $before) {
        edges {
          cursor
          node {
            id
            title
            health
            version
          }
        }
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
      }
    }
  }
`;
const POST = gql`
  mutation ($input: PostUpdateInput!) {
    postUpdate(input: $input) {
      id
      title
    }
  }
`;

const input = () => ({ projectId: project.id, title: 'Once', health: 'ON_TRACK' });
const titles = (client: ApolloClient) =>
  client
    .readQuery<{ project: { updates: { edges: { node: { title: string } }[] } } }>({
      query: PAGE,
      variables: { id: project.id },
      returnPartialData: true,
    })
    ?.project.updates.edges.map(({ node }) => node.title);

/** Replies of `fetch` are lost until the returned function is called. */
function loseReplies(): () => void {
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    await fetch(...request);
    throw new TypeError('The reply was lost');
  };
  return () => (globalThis.fetch = fetch);
}

it('a mutation with a lost reply is repeated with its idempotency key and runs once', async () => {
  const client = createApollo(await clients.signedIn(editor));
  const restore = loseReplies();
  const posting = client.mutate({ mutation: POST, variables: { input: input() } });
  const count = async () =>
    (await editor.data('query ($id: ID!) { project(id: $id) { updates { nodes { id } } } }', { id: project.id }))
      .project.updates.nodes.length;
  try {
    await until(async () => (await count()) === 1, 'it was done');
  } finally {
    restore();
  }
  expect((await posting).data).toMatchObject({ postUpdate: { title: 'Once' } });
  expect(await count()).toBe(1);
});

it('operations of a signed-out account fail and are not written to the cache', async () => {
  const session = await clients.signedIn(editor);
  const client = createApollo(session);
  await client.query({ query: PAGE, variables: { id: project.id } });
  expect(Object.keys(client.cache.extract() as object)).not.toEqual([]);
  clients.proxy.blackhole();
  const posting = client.mutate({ mutation: POST, variables: { input: input() } }).catch((error: unknown) => error);
  const reading = client
    .query({ query: PAGE, variables: { id: project.id }, fetchPolicy: 'network-only' })
    .catch((error: unknown) => error);
  void session.signOut();
  clients.proxy.open();
  expect(await posting).toBeInstanceOf(SignedOut);
  expect(await reading).toBeInstanceOf(Error);
  expect(client.cache.extract()).toEqual({});
});

it('live rows and pages in both directions have no duplicates and no gaps', async () => {
  const session = await clients.signedIn(editor);
  const client = createApollo(session);
  const ids: string[] = [];
  for (let n = 0; n < 12; n += 1) ids.unshift(await postUpdate(editor, project.id, { title: `Update ${n}` }));
  const variables = { id: project.id };
  const query = client.watchQuery({ query: PAGE, variables: { ...variables, first: 4 } });
  const watching = query.subscribe(() => {});
  await until(() => titles(client)?.length === 4, 'the first page was there');
  const { cache } = session;
  const seen: string[] = [];
  const subscription = cache!.prepare(EVENTS);
  const live = session.live({
    snapshot: cache!.prepare(gql`
      query ($id: ID!) {
        project(id: $id) {
          id
          lastCursor
          lastSeq
        }
      }
    `) as never,
    subscription: subscription as never,
    variables,
    onEvent: ({ kind }, result) => {
      seen.push(kind);
      cache!.fold(subscription, variables, result.data);
    },
  });
  await isCurrent(session);
  const pageInfo = () => client.readQuery<Data>({ query: PAGE, variables })!.project.updates.pageInfo;
  const more = () => query.fetchMore({ variables: { first: 4, after: pageInfo().endCursor } });
  const remove = (id: string) => editor.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id });
  await Promise.all([more(), postUpdate(editor, project.id, { title: 'Live 1' }), remove(ids[5]!)]);
  await Promise.all([more(), remove(ids[1]!), postUpdate(editor, project.id, { title: 'Live 2' })]);
  await query.fetchMore({ variables: { first: undefined, last: 4, before: pageInfo().startCursor } });
  await until(() => seen.length === 4, 'all events had come');
  const expected = async () => {
    const { updates } = (
      await editor.data('query ($id: ID!) { project(id: $id) { updates(first: 50) { nodes { title } } } }', variables)
    ).project;
    return updates.nodes.map(({ title }: { title: string }) => title);
  };
  const all = await expected();
  await until(() => titles(client)?.length === all.length, 'the cache had all rows');
  expect(new Set(titles(client))).toEqual(new Set(all));
  expect(titles(client)).toHaveLength(12);
  live.stop();
  watching.unsubscribe();
});

it('many events of one tick are merged over several tasks', async () => {
  const session = await clients.signedIn(editor);
  const client = createApollo(session);
  const id = await postUpdate(editor, project.id, { title: 'First' });
  const variables = { id: project.id, first: 20 };
  await client.query({ query: PAGE, variables });
  const query = session.cache!.prepare(EVENTS);
  const shown = new Set<string>();
  const stop = session.cache!.watch(session.cache!.prepare(PAGE), variables, ({ project: of }) =>
    shown.add(of.updates.edges[0].node.title),
  );
  for (let n = 0; n < 1_500; n += 1) {
    session.cache!.fold(
      query,
      {},
      {
        projectUpdated: {
          __typename: 'ProjectEvent',
          cursor: `c${n}`,
          seq: 10 + n,
          kind: 'UPDATE_EDITED',
          subjectId: id,
          project: { __typename: 'Project', id: project.id, health: 'AT_RISK', lastSeq: 10 + n },
          update: { __typename: 'ProjectUpdate', id, title: `Title ${n}`, health: 'AT_RISK', version: 2 + n },
        },
      },
    );
  }
  await until(() => shown.has('Title 1499'), 'all were folded in');
  expect(shown.size).toBeGreaterThan(3);
  stop();
});

it('removed updates are released from memory', async () => {
  const session = await clients.signedIn(editor);
  const client = createApollo(session);
  await postUpdate(editor, project.id, { title: 'First' });
  const variables = { id: project.id, first: 20 };
  await client.query({ query: PAGE, variables });
  const query = session.cache!.prepare(EVENTS);
  let count = 0;
  const event = (kind: string, id: string, update: object | null) =>
    session.cache!.fold(
      query,
      {},
      {
        projectUpdated: {
          __typename: 'ProjectEvent',
          cursor: `c${count}`,
          seq: (count += 1),
          kind,
          subjectId: id,
          project: { __typename: 'Project', id: project.id, health: 'AT_RISK', lastSeq: 10 + count },
          update,
        },
      },
    );
  /** Maps in memory when so many more updates have come and gone. */
  const mapsAfter = async (updates: number) => {
    for (let n = 0; n < updates; n += 1) {
      const id = `update-${count}`;
      const update = { __typename: 'ProjectUpdate', id, title: 'Posted', health: 'AT_RISK', version: 1 };
      event('UPDATE_POSTED', id, update);
      event('UPDATE_EDITED', id, { ...update, title: 'Edited', version: 2 });
      event('UPDATE_REMOVED', id, null);
    }
    const lastSeq = () => client.readQuery<Data>({ query: PAGE, variables })!.project.lastSeq;
    await until(() => lastSeq() === 10 + count, 'all were folded in');
    expect(titles(client)).toEqual(['First']);
    return queryObjects(Map) as number;
  };
  // It keeps the last of them, up to a bound. What else runs in this process makes maps too, so one of several rounds counts.
  let kept = await mapsAfter(850);
  let least = Infinity;
  for (let round = 0; round < 8 && least >= 100; round += 1) {
    const now = await mapsAfter(500);
    least = Math.min(least, now - kept);
    kept = now;
  }
  expect(least).toBeLessThan(100);
});

it('a reply older than an event does not undo it', async () => {
  const session = await clients.signedIn(editor);
  const client = createApollo(session);
  const id = await postUpdate(editor, project.id, { title: 'Old' });
  await client.query({ query: PAGE, variables: { id: project.id } });
  const { fetch } = globalThis;
  const answered = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  globalThis.fetch = async (...request) => {
    const response = await fetch(...request);
    answered.resolve();
    await held.promise;
    return response;
  };
  try {
    const reading = client.query({ query: PAGE, variables: { id: project.id }, fetchPolicy: 'network-only' });
    await answered.promise;
    session.cache!.fold(
      session.cache!.prepare(EVENTS),
      {},
      {
        projectUpdated: {
          __typename: 'ProjectEvent',
          cursor: 'c',
          seq: 100,
          kind: 'UPDATE_EDITED',
          subjectId: id,
          project: { __typename: 'Project', id: project.id, health: 'AT_RISK', lastSeq: 100 },
          update: { __typename: 'ProjectUpdate', id, title: 'New', health: 'AT_RISK', version: 2 },
        },
      },
    );
    await until(() => titles(client)?.[0] === 'New', 'the event was folded in');
    held.resolve();
    await reading;
  } finally {
    globalThis.fetch = fetch;
  }
  expect(titles(client)).toEqual(['New']);
});

it('resumeLink() before a stock GraphQLWsLink loses and duplicates nothing in 10 random cuts', async () => {
  const stock = createClient({
    url: clients.url.replace('http', 'ws'),
    connectionParams: { authorization: `Bearer ${editor.accessToken}` },
    shouldRetry: () => true,
    retryAttempts: Infinity,
    retryWait: () => runAfter(20, async () => {}),
  });
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      ApolloLink.from([resumeLink(), new GraphQLWsLink(stock)]),
      new HttpLink({ uri: clients.url }),
    ),
    cache: new InMemoryCache(),
  });
  const seqs: number[] = [];
  const variables = { id: project.id, after: project.lastCursor };
  const subscription = client
    .subscribe<Data>({ query: EVENTS, variables, fetchPolicy: 'no-cache' })
    .subscribe(({ data }) => seqs.push(data.projectUpdated.seq));
  let posted = 0;
  for (let cut = 0; cut < 10; cut += 1) {
    clients.proxy.cut();
    for (let n = 0; n < 5; n += 1) {
      await runAfter(Math.random() * 40, () => postUpdate(editor, project.id));
      posted += 1;
    }
  }
  await until(() => seqs.length >= posted, `all ${posted} had come`);
  expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
  subscription.unsubscribe();
  await stock.dispose();
});
