// What it costs to tell many of one thing: CPU of the serving process for each event that reaches a subscriber, ours and peers'
// side by side. node bench/fan-out.mjs [--subscribers 1000] [--events 40] [--only ours|peers] [--sockets 10000] [--no-write]
// Prints a table and writes docs/benchmarks.md. Needs `npm run build` before, `redis-server`, and Linux.
import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installPeers, PEER_KINDS, startOurs, startPeer, startRedis } from './fan-out-parties.mjs';

const { values: given } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    events: { type: 'string', default: '40' },
    sockets: { type: 'string', default: '10000' },
    only: { type: 'string' },
    scenario: { type: 'string' },
    'no-write': { type: 'boolean' },
  },
});
const SUBSCRIBERS = Number(given.subscribers);
const EVENTS = Number(given.events);
const SOCKETS = Number(given.sockets);
const BURST = 10;
const DOCUMENTS = 100;
/** ms for one event to reach everybody. */
const PATIENCE_MS = 20_000;

process.setMaxListeners(0);

const FIELDS = 'seq cursor kind at subjectId actor { id name } update { id title body health }';
const watchOf = (fields) =>
  `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${fields} } }`;
const WATCH = watchOf(FIELDS);

/** A process of subscribers: `ask('connect', …)` and so on, see fan-out-clients.mjs. */
function startClients() {
  const child = fork(fileURLToPath(new URL('./fan-out-clients.mjs', import.meta.url)));
  process.once('exit', () => child.kill());
  const asked = new Map();
  child.on('message', ({ id, result, error }) => {
    const { resolve, reject } = asked.get(id);
    asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  });
  let last = 0;
  return {
    ask(order, rest = {}) {
      last += 1;
      child.send({ id: last, order, ...rest });
      return new Promise((resolve, reject) => {
        asked.set(last, { resolve, reject });
      });
    },
    stop: () => child.disconnect(),
  };
}

/** Posts `count` events and waits until each has reached every subscriber. */
async function deliver(clients, post, count, subscribers) {
  await clients.ask('reset');
  await post(count);
  const received = await clients.ask('expect', { count: count * subscribers, ms: PATIENCE_MS });
  if (received !== count * subscribers) throw new Error(`${received} of ${count * subscribers} deliveries arrived`);
}

/** Posts one event at a time until one reaches every subscriber: then all are subscribed. And warms up. */
async function settle(clients, post, subscribers) {
  for (let tries = 0; tries < 50; tries += 1) {
    await clients.ask('reset');
    await post(1);
    if ((await clients.ask('expect', { count: subscribers, ms: 500 })) === subscribers) break;
  }
  for (let n = 0; n < 10; n += 1) await deliver(clients, post, n % 2 ? BURST : 1, subscribers);
}

/** µs of CPU for each delivered event: of events that come one by one, and of bursts. */
async function costs({ cpu }, clients, post, subscribers, { bursts = true } = {}) {
  await settle(clients, post, subscribers);
  const measure = async (rounds, size) => {
    const before = cpu();
    for (let n = 0; n < rounds; n += 1) await deliver(clients, post, size, subscribers);
    return ((cpu() - before) * 1e6) / (rounds * size * subscribers);
  };
  const single = await measure(EVENTS, 1);
  return { single, burst: bursts ? await measure(Math.max(EVENTS / 4, 3), BURST) : undefined };
}

async function benchPeers(redisUrl) {
  await installPeers();
  const rows = {};
  for (const [name, kind] of Object.entries(PEER_KINDS)) {
    if (given.scenario && !name.includes(given.scenario)) continue;
    const clients = startClients();
    const peer = await startPeer(kind, redisUrl);
    await clients.ask('connect', { to: peer.to, hellos: Array.from({ length: SUBSCRIBERS }, () => peer.hello()) });
    rows[name] = await costs(peer, clients, peer.post, SUBSCRIBERS);
    show(name, rows[name]);
    clients.stop();
    await peer.stop();
  }
  return rows;
}

/** One group of subscribers after the other, each alone on the node that fans out. */
async function benchOurs(redisUrl) {
  const ours = await startOurs(redisUrl);
  const rows = {};
  const run = async (name, queryOf, roleOf = () => 'VIEWER', accountRole = 'EDITOR') => {
    if (given.scenario && !name.includes(given.scenario)) return;
    const clients = startClients();
    const people = await ours.accounts(SUBSCRIBERS, accountRole);
    const byRole = Map.groupBy(people, (_, n) => roleOf(n));
    const project = await ours.project([]);
    for (const [role, members] of byRole) await ours.join(project.id, members, role);
    const hellos = people.map(({ token }, n) => ours.hello(token, queryOf(n), { id: project.id }));
    await clients.ask('connect', { to: ours.to, hellos });
    rows[name] = await costs(ours, clients, (count) => ours.post(project.id, count), SUBSCRIBERS);
    show(name, rows[name]);
    clients.stop();
    await gone(ours);
  };
  // First, in a process that has not held anything yet.
  const opened = await memory(ours);
  await warmUp(ours);
  const guarded = watchOf(FIELDS.replace('health', 'health internalNote'));
  await run('Tidings, one group', () => WATCH);
  await run('Tidings, a guarded field, one permission class', () => guarded);
  await run(
    'Tidings, a guarded field, two permission classes',
    () => guarded,
    (n) => (n % 2 ? 'VIEWER' : 'EDITOR'),
  );
  await run(`Tidings, ${DOCUMENTS} documents`, (n) =>
    watchOf(FIELDS.replace('health', `health a${n % DOCUMENTS}: version`)),
  );
  const more = { replay: await replay(ours), ...opened };
  await ours.stop();
  return { rows, more };
}

/** Makes the node one that has served for a while: what is executed once an event takes hundreds of them to be compiled. */
async function warmUp(ours) {
  const people = await ours.accounts(10, 'USER');
  const project = await ours.project(people);
  const clients = startClients();
  const hellos = people.map(({ token }) => ours.hello(token, WATCH, { id: project.id }));
  await clients.ask('connect', { to: ours.to, hellos });
  await reached(ours, 'subscriptions', people.length);
  const post = (count) => ours.post(project.id, count);
  for (let n = 0; n < 200; n += 1) await deliver(clients, post, n % 2 ? BURST : 1, people.length);
  clients.stop();
  await gone(ours);
}

/** ms until 1,000 missed events have come, to one subscriber and to many at once. */
async function replay(ours) {
  if (given.scenario && given.scenario !== 'replay') return {};
  const result = {};
  const people = await ours.accounts(SUBSCRIBERS * 2, 'USER');
  const project = await ours.project(people);
  for (let n = 0; n < 50; n += 1) await ours.post(project.id, 20);
  for (const [name, count] of [
    ['warming up', 1],
    ['one', 1],
    ['many', people.length],
  ]) {
    const clients = startClients();
    const hellos = people
      .slice(0, count)
      .map(({ token }) => ours.hello(token, WATCH, { id: project.id, after: project.lastCursor }));
    const [before, began] = [ours.cpu(), performance.now()];
    await clients.ask('connect', { to: ours.to, hellos });
    const total = 1_000 * count;
    const received = await clients.ask('expect', { count: total, ms: 120_000 });
    if (received < total) throw new Error(`${received} of ${total} missed events arrived`);
    const ms = performance.now() - began;
    const us = ((ours.cpu() - before) * 1e6) / total;
    console.log(`1,000 missed events to ${count}, ${name}: ${ms.toFixed(0)} ms, ${us.toFixed(1)} µs each`);
    if (name !== 'warming up') result[name] = { subscribers: count, ms, us };
    clients.stop();
    await gone(ours);
  }
  return result;
}

/** Bytes for each socket that is signed in and subscribed, and how many can be opened in a second of CPU. */
async function memory(ours) {
  if (given.scenario && given.scenario !== 'memory') return {};
  const people = await ours.accounts(SOCKETS, 'USER');
  const project = await ours.project(people);
  const clients = startClients();
  const [before, cpuBefore] = [ours.memory(), ours.cpu()];
  const hellos = people.map(({ token }) => ours.hello(token, WATCH, { id: project.id }));
  await clients.ask('connect', { to: ours.to, hellos });
  await reached(ours, 'subscriptions', SOCKETS);
  const perSecond = SOCKETS / (ours.cpu() - cpuBefore);
  const bytes = (ours.memory() - before) / SOCKETS;
  console.log(
    `${SOCKETS} sockets: ${(bytes / 1024).toFixed(1)} KB each, ${perSecond.toFixed(0)} opened per second of CPU`,
  );
  clients.stop();
  await gone(ours);
  return { bytes, perSecond };
}

const gone = (ours) => reached(ours, 'sockets', 0);

/** Waits until the node that fans out has this many sockets or subscriptions. */
async function reached(ours, what, count) {
  for (let tries = 0; tries < 600; tries += 1) {
    const { realtime } = await ours.ask(`{ realtime { ${what} } }`);
    if (realtime[what] === count) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`There were never ${count} ${what}`);
}

function show(name, { single, burst }) {
  console.log(`${name.padEnd(55)} ${single.toFixed(1).padStart(7)} ${burst?.toFixed(1).padStart(7) ?? ''} µs`);
}

const redis = await startRedis();
const peers = given.only === 'ours' ? {} : await benchPeers(redis.url);
const ours = given.only === 'peers' ? undefined : await benchOurs(redis.url);
await redis.stop();
if (!given.only && !given.scenario && !given['no-write']) await report(peers, ours);
process.exit(0);

async function report(peerRows, { rows, more }) {
  const all = { ...rows, ...peerRows };
  const raw = Object.values(peerRows)[0];
  const line = ([name, { single, burst }]) =>
    `| ${name} | ${single.toFixed(1)} | ${(single / raw.single).toFixed(2)} | ${burst.toFixed(1)} | ${(burst / raw.burst).toFixed(2)} |`;
  const text = `# Benchmarks

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.version}.
All of it in one run on one machine, peers and their subscribers included: compare the ratios, not the figures.

## What an event costs

µs of CPU of the serving process for each event that reaches one of ${SUBSCRIBERS} subscribers of one project, from the operating system.
Ours is a node that fans out what another node has committed to PostgreSQL, to accounts that are signed in and may see the project;
it reads each update from the database, and has served some thousand events before. The peers publish objects that they have in memory.

| | one by one | of raw \`ws\` | bursts of ${BURST} | of raw \`ws\` |
|---|---|---|---|---|
${Object.entries(all).map(line).join('\n')}

A burst is ${BURST} updates that as many writers post at once. The peers get theirs in one turn.

## Coming back

${Object.values(more.replay)
  .map(
    ({ subscribers, ms, us }) =>
      `- 1,000 missed events, ${subscribers} subscribers at once: all had them after ${ms.toFixed(0)} ms, ${us.toFixed(1)} µs of CPU for each event.`,
  )
  .join('\n')}

## Sockets

- ${SOCKETS} sockets, each signed in as an account of its own and subscribed: ${(more.bytes / 1024).toFixed(1)} KB of memory each.
- ${more.perSecond.toFixed(0)} of them connected, signed in and subscribed per second of CPU.
`;
  await writeFile(new URL('../docs/benchmarks.md', import.meta.url), text);
}
