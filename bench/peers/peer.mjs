// What peers share: an HTTP server on a free port, the address told to the bench, events taken from it.
import { createServer } from 'node:http';

/** An operation id as stock clients make them. */
export const TEXT_ID = '5d2b6a3e-6f2c-4a34-9c36-0e7a5d1f9b11';

/** The schema of the peers: as much of ours as the bench asks for. */
export const TYPE_DEFS = `
  type Query { ready: Boolean! }
  type Subscription { projectUpdated(projectId: ID!): ProjectEvent! }
  type ProjectEvent { seq: Int! cursor: String! kind: String! at: String! subjectId: ID! projectId: ID! actor: User! update: ProjectUpdate }
  type User { id: ID! name: String! }
  type ProjectUpdate { id: ID! title: String! body: String! health: String! internalNote: String }
`;

/** Tells the bench the port, and gives `publish` every event that the bench sends: those of one message in one turn. */
export function follow(port, publish) {
  process.on('message', ({ events }) => {
    for (const event of events) publish(event);
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ port });
}

/** Starts what `attach` adds to an HTTP server; it returns how to publish an event. */
export async function serve(attach) {
  const http = createServer();
  const publish = await attach(http);
  await new Promise((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  follow(http.address().port, publish);
}
