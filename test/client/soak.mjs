// Cuts connections at random while updates are posted, and counts what clients have received: `npm run test:soak [cuts] [updates per second]`.
// A trial of all soak tests: `SOAK_MINUTES=3 npm run test:soak 20`.
// Both clients run: ours, and stock Apollo with `resumeLink()` before a stock GraphQLWsLink.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createTidings } from '@tidings/client';
import { resumeLink } from '@tidings/client/apollo';
import { createClient } from 'graphql-ws';
import { removeEmbeddedPostgres } from '../../dist/src/embedded-postgres/embedded-postgres.js';
import { ServiceProcess } from '../../dist/test/support/process.js';
import { startTcpProxy } from '../../dist/test/support/tcp-proxy.js';

const [cuts = 1_000, rate = 20] = process.argv.slice(2).map(Number);
const EVENTS = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { cursor seq project { id } }
}`;
const SNAPSHOT = 'query ($id: ID!) { project(id: $id) { id lastCursor } }';

const folder = mkdtempSync(join(tmpdir(), 'tidings-soak-'));
const dataDir = join(folder, 'data');
const service = await ServiceProcess.start({ DATA_DIR: dataDir, PORT: '0', RATE_LIMITS: 'off' });
const proxy = await startTcpProxy(Number(new URL(service.url).port), new URL(service.url).hostname);
const [direct, url] = [`${service.url}/graphql`, `http://127.0.0.1:${proxy.port}/graphql`];
const person = { email: 'admin@example.com', password: 'tidings-demo' };

const poster = createTidings({ url: direct, transport: 'body' });
await poster.signIn(person);
const { createProject } = await poster.request(
  'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id lastCursor } }',
  { input: { key: 'SOAK', name: 'Soak' } },
);
const { id, lastCursor: after } = createProject;

const ours = createTidings({ url, transport: 'body' });
await ours.signIn(person);
const ownSeqs = [];
let snapshots = 0;
const live = ours.live({
  snapshot: SNAPSHOT,
  subscription: EVENTS,
  variables: { id },
  onSnapshot: () => (snapshots += 1),
  onEvent: ({ seq }) => ownSeqs.push(seq),
  onEnd: (end) => console.error('ended', end),
});

const login = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const { accessToken } = (await poster.request(login, { input: person })).login;
const stock = createClient({
  url: url.replace('http', 'ws'),
  connectionParams: { authorization: `Bearer ${accessToken}` },
  shouldRetry: () => true,
  retryAttempts: Infinity,
  retryWait: () => wait(Math.random() * 100),
});
const apollo = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    ApolloLink.from([resumeLink(), new GraphQLWsLink(stock)]),
    new HttpLink({ uri: url }),
  ),
  cache: new InMemoryCache(),
});
const stockSeqs = [];
apollo
  .subscribe({ query: gql(EVENTS), variables: { id, after }, fetchPolicy: 'no-cache' })
  .subscribe({ next: ({ data }) => stockSeqs.push(data.projectUpdated.seq), error: (error) => console.error(error) });

let posted = 0;
const end = new AbortController();
const posting = (async () => {
  const mutation = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
  const pending = new Set();
  for (let due = Date.now(); !end.signal.aborted; due += 1_000 / rate) {
    await wait(due - Date.now());
    // A service that is slower than the rate gets fewer.
    if (pending.size >= rate) await Promise.race(pending);
    const input = { projectId: id, title: `Update ${(posted += 1)}`, health: 'ON_TRACK' };
    const post = poster.request(mutation, { input }).finally(() => pending.delete(post));
    pending.add(post);
  }
  await Promise.all(pending);
})();
const began = Date.now();
async function opened() {
  const limit = Date.now() + 60_000;
  while (ours.connection.get().socket !== 'open') {
    if (Date.now() > limit) throw new Error('@tidings/client has not come back within 60 s.');
    await wait(5);
  }
}
/** Cuts that met an open socket of ours. */
let met = 0;
await wait(1_000);
for (let cut = 1; cut <= cuts; cut += 1) {
  // One of four at any time, so that attempts to connect are cut too; the others when our client is back.
  if (cut % 4 > 0) await opened();
  await wait(10 + Math.random() * 180);
  if (ours.connection.get().socket === 'open') met += 1;
  proxy.cut();
  if (cut % 100 === 0) console.log(`${cut} cuts, ${posted} posted, ${ownSeqs.length} and ${stockSeqs.length} received`);
}
end.abort();
await posting;
const perSecond = (posted / ((Date.now() - began) / 1_000)).toFixed(1);
const { project } = await poster.request('query ($id: ID!) { project(id: $id) { lastSeq } }', { id });
const last = project.lastSeq;
for (const limit = Date.now() + 30_000; Date.now() < limit && (ownSeqs.at(-1) < last || stockSeqs.at(-1) < last);)
  await wait(50);

const verdict = (name, seqs) => {
  const missing = last - seqs[0] + 1 - new Set(seqs).size;
  const doubled = seqs.length - new Set(seqs).size;
  const disordered = seqs.filter((seq, at) => at > 0 && seq < seqs[at - 1]).length;
  console.log(
    `${name}: ${cuts} cuts, ${seqs.length} received, ${missing} lost, ${doubled} doubled, ${disordered} out of order`,
  );
  return missing + doubled + disordered;
};
const wrong = verdict('@tidings/client', ownSeqs) + verdict('Apollo with resumeLink', stockSeqs);
console.log(`${perSecond} updates posted per second; ${met} cuts met an open socket of @tidings/client`);
console.log(`${snapshots} snapshot(s) read by @tidings/client`);
live.stop();
for (const client of [ours, poster]) client.close();
await stock.dispose();
await proxy.stop();
await service.stop();
await removeEmbeddedPostgres(dataDir);
rmSync(folder, { recursive: true, force: true });
process.exit(wrong > 0 ? 1 : 0);
