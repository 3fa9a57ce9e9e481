// graphql-ws as in its documentation: `useServer`, an async iterator per subscriber, no authorization.
import { buildSchema } from 'graphql';
import { PubSub } from 'graphql-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { serve, TYPE_DEFS } from './peer.mjs';

await serve((http) => {
  const pubsub = new PubSub();
  pubsub.ee.setMaxListeners(0);
  const schema = buildSchema(TYPE_DEFS);
  const field = schema.getSubscriptionType().getFields().projectUpdated;
  field.subscribe = (_root, { projectId }) => pubsub.asyncIterableIterator(projectId);
  const server = new WebSocketServer({ server: http, path: '/graphql' });
  useServer({ schema }, server);
  return (event) => pubsub.publish(event.projectId, { projectUpdated: event });
});
