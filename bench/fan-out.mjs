// Measures the cost of fan-out: CPU of the server process per delivered event, Tidings and peers side by side, and the capacity of one
// instance. node bench/fan-out.mjs [--subscribers 1000] [--rounds 30] [--sockets 10000] [--only <names>]
// [--no-write]: prints tables and writes docs/benchmarks.md; `--only` is a regular expression of parties and scenarios.
// Needs `npm run build:test` before, `redis-server`, and Linux. BENCH_NODE_OPTIONS apply to the instance that fans out.
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { greeting, installPeers, PEER_KINDS, startOurs, startPeer, startRedis } from './fan-out-parties.mjs';
import { benchmarks, costTable } from './fan-out-report.mjs';
import { measure, settle, startClients, summary } from './fan-out-rounds.mjs';
import { comeBack, comeBackAlone, delays, missedProject, sockets } from './fan-out-scenarios.mjs';

process.setMaxListeners(0);

const { values: given } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '30' },
    sockets: { type: 'string', default: '10000' },
    only: { type: 'string' },
    'no-write': { type: 'boolean' },
  },
});
const SUBSCRIBERS = Number(given.subscribers);
const wanted = (name) => new RegExp(given.only ?? '').test(name);

const FIELDS = 'seq cursor kind at subjectId actor { id name } update { id title body health }';
const watchOf = (fields) =>
  `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${fields} } }`;
const WATCH = watchOf(FIELDS);
const GUARDED = watchOf(FIELDS.replace('health', 'health internalNote'));
const GUARDED_TWICE = watchOf(FIELDS.replace('health', 'health internalNote note: internalNote'));

const RAW = Object.keys(PEER_KINDS)[0];
const ONE_GROUP = 'Tidings, one group';
const ONE_CLASS = 'Tidings, a guarded field, one class';
const DOCUMENTS = 100;

/** What subscribers of ours ask for, and as whom; `role` in the project, of accounts that are EDITORs. */
const OUR_KINDS = {
  [ONE_GROUP]: () => ({ query: WATCH, role: 'VIEWER' }),
  [ONE_CLASS]: () => ({ query: GUARDED, role: 'EDITOR' }),
  'Tidings, guarded fields, four classes': (n) => ({
    query: n % 4 < 2 ? GUARDED : GUARDED_TWICE,
    role: n % 2 ? 'VIEWER' : 'EDITOR',
  }),
  [`Tidings, ${DOCUMENTS} documents`]: (n) => ({
    query: watchOf(FIELDS.replace('health', `health a${n % DOCUMENTS}: version`)),
    role: 'VIEWER',
  }),
};
/** What a party is compared with, if not with raw `ws`. */
const COMPARED_WITH = {
  'Tidings, guarded fields, four classes': ONE_CLASS,
  [`Tidings, ${DOCUMENTS} documents`]: ONE_GROUP,
};

async function peerParty(name, kind, redisUrl) {
  const peer = await startPeer(kind, redisUrl);
  const clients = startClients();
  await clients.ask('connect', { to: peer.to, hellos: Array.from({ length: SUBSCRIBERS }, () => peer.hello()) });
  const { cpu, post } = peer;
  const stop = async () => {
    clients.stop();
    await peer.stop();
  };
  return { name, cpu, post, clients, subscribers: SUBSCRIBERS, slow: kind.slow, stop };
}

async function ourParty(name, subscriberOf, ours) {
  const people = await ours.accounts(SUBSCRIBERS, 'EDITOR');
  const project = await ours.project([]);
  const subscribers = people.map((person, n) => ({ ...person, ...subscriberOf(n) }));
  for (const [role, members] of Map.groupBy(subscribers, (one) => one.role)) {
    await ours.join(project.id, members, role);
  }
  const clients = startClients();
  const hellos = subscribers.map(({ token, query }) => greeting(token, query, { id: project.id }));
  await clients.ask('connect', { to: ours.fan.to, hellos });
  const post = (count) => ours.post(project.id, count);
  const { cpu } = ours.fan;
  return { name, cpu, post, clients, subscribers: SUBSCRIBERS, stop: async () => clients.stop() };
}

/** All parties there at once; rows of what each event costs them. */
async function costs(ours, redisUrl) {
  const parties = [];
  for (const [name, kind] of Object.entries(PEER_KINDS)) {
    if (wanted(name)) parties.push(await peerParty(name, kind, redisUrl));
  }
  for (const [name, subscriberOf] of Object.entries(OUR_KINDS)) {
    if (wanted(name)) parties.push(await ourParty(name, subscriberOf, ours));
  }
  for (const party of parties) await settle(party, party.slow ? 10 : 100);
  const measured = await measure(parties, Number(given.rounds));
  for (const { stop } of parties) await stop();
  await ours.fan.reached('sockets', 0);
  return [...measured].map(([name, rounds]) => ({
    name,
    ...summary(rounds, measured.get(RAW) ?? rounds),
    compared: COMPARED_WITH[name],
    other: measured.has(COMPARED_WITH[name]) && summary(rounds, measured.get(COMPARED_WITH[name])),
  }));
}

/** Runs what is wanted, and says what came of it. */
async function run(name, work) {
  if (!wanted(name)) return undefined;
  const began = performance.now();
  const result = await work();
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(`${name}, ${seconds} s:`, typeof result === 'string' ? `\n${result}` : result);
  return result;
}

async function scenarios(ours) {
  const results = { sockets: await run('sockets', () => sockets(ours, WATCH, Number(given.sockets))) };
  const missed = wanted('back|storm') ? await missedProject(ours, SUBSCRIBERS * 2) : undefined;
  results.alone = await run('back', () => comeBackAlone(ours, WATCH, missed));
  const few = { subscribers: 100, perSecond: 10 };
  const storm = async () => {
    // An instance takes 1,024 sockets that are not signed in yet: the others come again, as stock clients do.
    results.storm = await comeBack(ours.fan, WATCH, missed, missed.people.length, true);
  };
  results.calm = await run('storm', () => delays(ours, WATCH, few, [() => pause(8_000), storm]));
  if (results.storm) console.log('all of them', results.storm);
  await ours.fan.reached('sockets', 0);
  const many = { subscribers: SUBSCRIBERS, perSecond: 50 };
  results.delays = await run('delivery', () => delays(ours, WATCH, many, [() => pause(10_000)]));
  return results;
}

const redis = await startRedis();
await installPeers();
const ours = await startOurs(redis.url);
const rows = await run('cost', () => costs(ours, redis.url));
if (rows) console.log(costTable(rows));
const results = await scenarios(ours);
await ours.stop();
await redis.stop();
if (!given.only && !given['no-write']) {
  const page = new URL('../docs/benchmarks.md', import.meta.url);
  // The sections of other benches follow.
  const [, ...others] = (await readFile(page, 'utf8')).split(/(?=^## HTTP requests$)/m);
  await writeFile(page, [benchmarks(SUBSCRIBERS, rows, results), ...others].join('\n'));
}
process.exit(0);
