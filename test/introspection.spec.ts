// Introspection is refused where the playground is off.
import { RawSocket } from './support/socket-client.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings(() => ({ env: { PLAYGROUND: 'off' } }));

const INTROSPECTIONS = [
  '{ __schema { queryType { name } } }',
  '{ it: __type(name: "Query") { name } }',
  'query Hidden { ...F } fragment F on Query { ... { __schema { queryType { name } } } }',
  'query ($no: Boolean = false) { __typename __schema @include(if: $no) { queryType { name } } }',
];

it.each(INTROSPECTIONS)('PLAYGROUND=off refuses introspection over HTTP and WebSocket: %s', async (query) => {
  const problem = {
    message: expect.stringContaining('Introspection is off'),
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  };
  const { status, data, errors } = await tidings.current.anonymous.send(query, undefined, {
    accept: 'application/graphql-response+json',
  });
  expect([status, data, errors]).toEqual([400, undefined, [expect.objectContaining(problem)]]);
  const admin = await tidings.current.asUser('ADMIN');
  expect((await admin.send(query)).errors).toMatchObject([problem]);
  const socket = await RawSocket.signedIn(tidings.current.url, admin.accessToken!);
  socket.send({ id: '1', type: 'subscribe', payload: { query } });
  expect((await socket.next('error')).payload).toMatchObject([problem]);
  await socket.close();
});

it('PLAYGROUND=off allows __typename', async () => {
  expect(await tidings.current.anonymous.data('{ __typename }')).toEqual({ __typename: 'Query' });
});
