// Measures how fast the end of a session takes effect on another instance: npm run build:test && node bench/revocation.mjs [sessions] [watching]
// Two instances, A and B, with one PostgreSQL and one Redis. 500 sessions each have a socket at B that watches a project, while updates
// are posted at A and queries sent to both. Each session is ended at A (`logout`), one after the other. The script records when its
// socket at B closes, and presents its token to B until B refuses it. A tenth of the sessions end after Redis was killed.
// Times are measured from the sending of `logout` and from its answer; the session ends between the two. If B answers slowly, the
// refusal is late: the token's validity ended with the last accepted request.
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { openSessions, startBackends } from './cluster.mjs';
import { ask, quantile, repeat, send, startService } from './service.mjs';

const [count = '500', watching = count] = process.argv.slice(2);
/** Number of sessions that end concurrently. */
const WIDTH = 2;
const POSTS_PER_SECOND = 2;
const QUERIES_PER_SECOND = 50;
const WATCH = 'subscription ($id: ID!) { projectUpdated(projectId: $id) { cursor seq update { title } } }';
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';

const backends = await startBackends();
const [a, b] = await Promise.all([startService(backends.env), startService(backends.env)]);
const loading = new AbortController();
/** Errors that were not expected, by code: a node that cannot follow the log answers SERVICE_UNAVAILABLE, and accepts nothing. */
const noted = {};
try {
  const admin = 'mutation { login(input: { email: "admin@example.com", password: "tidings-demo" }) { accessToken } }';
  const { accessToken } = (await send(a.url, admin)).login;
  const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }';
  const { id: projectId } = (await send(a.url, create, { input: { key: 'BENCH', name: 'Bench' } }, accessToken))
    .createProject;
  const tokens = await openSessions(backends.env, Number(count), projectId);
  const sessions = await Promise.all(
    tokens.map((token, at) => open(token, at < Number(watching) ? projectId : undefined)),
  );
  const load = Promise.all([
    every(1_000 / POSTS_PER_SECOND, (n) => {
      const input = { projectId, title: `Update ${n}`, health: 'ON_TRACK' };
      return ask(a.url, POST, { input }, accessToken);
    }),
    ...[a, b].map(({ url }) =>
      every(1_000 / QUERIES_PER_SECOND, () => ask(url, '{ me { id name } }', undefined, accessToken)),
    ),
  ]);
  const withRedis = sessions.splice(0, Math.ceil(sessions.length * 0.9));
  await report('Redis running', withRedis);
  await backends.stopRedis();
  await report('Redis killed', sessions);
  loading.abort();
  await load;
  console.log(`other errors: ${JSON.stringify(noted)}`);
} finally {
  loading.abort();
  await Promise.all([a.stop(), b.stop()]);
  await backends.stop();
}

function note(code) {
  noted[code] = (noted[code] ?? 0) + 1;
}

/** Opens a socket at B, which watches the project if one is given; resolves once B has accepted its token. */
async function open(token, projectId) {
  const socket = new WebSocket(`${b.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve({ code, at: performance.now() })));
  const tell = (message) => socket.send(JSON.stringify(message));
  socket.once('open', () => tell({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (/** @type {Buffer} */ data) => {
      if (!data.toString('utf8').includes('"connection_ack"')) return;
      if (projectId) tell({ type: 'subscribe', id: 'watch', payload: { query: WATCH, variables: { id: projectId } } });
      resolve();
    });
    void closed.then(({ code }) => reject(new Error(`The socket was closed with ${code} at once`)));
  });
  return { token, closed };
}

/** Calls `work` every `ms` until the load ends, later only when the one before took longer. */
async function every(ms, work) {
  for (let at = 0; !loading.signal.aborted; at += 1) {
    const due = performance.now() + ms;
    const { errors } = await work(at);
    if (errors) note(errors[0].extensions.code);
    await delay(Math.max(0, due - performance.now()));
  }
}

/** Ends a session at A; resolves with what happened when, in ms since the `logout` was sent. */
async function end({ token, closed }) {
  const sent = performance.now();
  const refused = refusedAt(token);
  await send(a.url, 'mutation { logout }', undefined, token);
  const answered = performance.now();
  const [{ accepted, refusal }, { at: closing, code }] = await Promise.all([refused, closed]);
  if (code !== 4401) throw new Error(`The socket was closed with ${code}`);
  const since = (at) => Math.max(0, at - sent);
  const times = { answer: answered, accepted, refusal, closing };
  const result = Object.fromEntries(Object.entries(times).map(([what, at]) => [what, since(at)]));
  return { ...result, afterAnswer: Math.max(0, closing - answered, accepted - answered) };
}

/** Shows the token to B every few ms: when the last request that was accepted was sent, and when the first refusal came. */
async function refusedAt(token) {
  for (let accepted = 0; ;) {
    const sent = performance.now();
    const { errors } = await ask(b.url, '{ me { id } }', undefined, token);
    const code = errors?.[0].extensions.code;
    if (code === 'UNAUTHENTICATED') return { accepted, refusal: performance.now() };
    if (!code) accepted = sent;
    else note(code);
    await delay(5);
  }
}

async function report(title, sessions) {
  const times = [];
  await repeat(sessions.length, WIDTH, async () => times.push(await end(sessions.pop())));
  const line = (what, name) => {
    const values = times.map((time) => time[what]);
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(1));
    console.log(`${title}, ${times.length} sessions: ${name} p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`);
  };
  line('answer', 'logout answered at A');
  line('accepted', 'last request that B accepted was sent');
  line('refusal', 'first refusal came from B');
  line('closing', 'socket closed by B');
  line('afterAnswer', 'after the answer of A, B still accepted or had not closed for');
}
