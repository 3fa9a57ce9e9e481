// Measures how long requests take while Redis or PostgreSQL is away: npm run build:test && node bench/outages.mjs [seconds]
// One instance reaches its PostgreSQL and its Redis through proxies. In each phase a writer posts updates and a reader asks for the
// project, one request after the other: all is well, Redis is silent (packets vanish, connections stay), Redis refuses connections,
// PostgreSQL is silent, PostgreSQL cuts each connection. Times are in ms from sending to the reply, refusals included. `recovery`: from
// the end of the fault to the first success of both.
import { setTimeout as delay } from 'node:timers/promises';
import { startTcpProxy } from '../dist/test/support/tcp-proxy.js';
import { startBackends } from './cluster.mjs';
import { ask, quantile, send, startService } from './service.mjs';

const [seconds = '15'] = process.argv.slice(2);
const PHASE_MS = Number(seconds) * 1_000;
/** ms between a reply and the next request. */
const PAUSE_MS = 20;
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const READ = 'query ($id: ID!) { project(id: $id) { name updates(first: 10) { nodes { title } } } }';

const backends = await startBackends();
const proxies = {};
const env = { ...backends.env };
for (const name of ['DATABASE_URL', 'REDIS_URL']) {
  const url = new URL(env[name]);
  proxies[name] = await startTcpProxy(Number(url.port));
  url.hostname = '127.0.0.1';
  url.port = proxies[name].port;
  env[name] = url.href;
}
const { DATABASE_URL: postgres, REDIS_URL: redis } = proxies;
const cutting = { timer: undefined };
const phases = {
  'all is well': [() => {}, () => {}],
  'Redis silent': [() => redis.blackhole(), () => redis.open()],
  'Redis resets connections': [() => startCuts(redis), stopCuts],
  'PostgreSQL silent': [() => postgres.blackhole(), () => postgres.open()],
  'PostgreSQL resets connections': [() => startCuts(postgres), stopCuts],
};
let service;
try {
  service = await startService(env);
  const admin = 'mutation { login(input: { email: "admin@example.com", password: "tidings-demo" }) { accessToken } }';
  const { accessToken } = (await send(service.url, admin)).login;
  const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }';
  const { id } = (await send(service.url, create, { input: { key: 'BENCH', name: 'Bench' } }, accessToken))
    .createProject;
  const requests = {
    read: () => ask(service.url, READ, { id }, accessToken),
    write: () => {
      const input = { projectId: id, title: 'Update', health: 'ON_TRACK' };
      return ask(service.url, POST, { input }, accessToken);
    },
  };
  for (const [name, [begin, end]] of Object.entries(phases)) {
    begin();
    const until = performance.now() + PHASE_MS;
    const replies = await Promise.all(Object.values(requests).map((request) => collect(request, until)));
    end();
    const healed = performance.now();
    await Promise.all(Object.values(requests).map((request) => firstSuccess(request)));
    const recovery = Math.round(performance.now() - healed);
    Object.keys(requests).forEach((kind, at) => report(`${name}, ${kind}`, replies[at]));
    console.log(`${name}: recovery ${recovery} ms`);
  }
} finally {
  stopCuts();
  await service?.stop();
  for (const proxy of Object.values(proxies)) await proxy.stop();
  await backends.stop();
}
process.exit();

function startCuts(proxy) {
  proxy.cut();
  cutting.timer = setInterval(() => proxy.cut(), 5);
}

function stopCuts() {
  clearInterval(cutting.timer);
}

/** Replies until `until`, one request after the other: the time of each, and its error code. */
async function collect(request, until) {
  const replies = [];
  while (performance.now() < until) {
    const sent = performance.now();
    const { errors } = await request();
    replies.push({ took: performance.now() - sent, code: errors?.[0].extensions?.code ?? 'success' });
    await delay(PAUSE_MS);
  }
  return replies;
}

async function firstSuccess(request) {
  while ((await request()).errors) await delay(PAUSE_MS);
}

function report(name, replies) {
  for (const code of new Set(replies.map((reply) => reply.code))) {
    const times = replies.filter((reply) => reply.code === code).map(({ took }) => took);
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => Math.round(quantile(times, share)));
    console.log(`${name}: ${times.length} × ${code}, p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`);
  }
}
