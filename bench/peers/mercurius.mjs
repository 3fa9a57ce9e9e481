// mercurius on Fastify, with its in-process pub/sub.
import fastify from 'fastify';
import mercurius from 'mercurius';
import { follow, TYPE_DEFS } from './peer.mjs';

const app = fastify();
await app.register(mercurius, {
  schema: TYPE_DEFS,
  subscription: true,
  resolvers: {
    Query: { ready: () => true },
    Subscription: { projectUpdated: { subscribe: (_root, { projectId }, { pubsub }) => pubsub.subscribe(projectId) } },
  },
});
await app.listen({ port: 0, host: '127.0.0.1' });
follow(app.server.address().port, (event) =>
  app.graphql.pubsub.publish({ topic: event.projectId, payload: { projectUpdated: event } }),
);
