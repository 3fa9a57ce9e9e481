// Measures HTTP requests against a stock NestJS server with the same data: npm run bench:requests --
//   [--only NAME] [--rounds N] [--json]     NAME: start, idle, memory, me, refresh, nested, page, post, login, introspection
//
// Both run with NODE_ENV=production, each on its own PostgreSQL with equal rows, and answer the same documents; the script first checks
// that the answers are equal. It measures the CPU of all threads of the server process and of all processes of its PostgreSQL. A round
// measures both servers, in alternating order; a ratio is stock ÷ Tidings in the same round.
//
// Tidings runs with limits on, signs with ES256, checks session and rights in memory at every request, and follows its log, all of which
// the stock server lacks; a post appends to the log and is searched for mentions; a sign-in is audited. The stock server is described
// in peers/stock/main.ts. Neither logs requests, and there are no subscribers.
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { hash } from '@node-rs/argon2';
import { PARAMETERS } from '../dist/src/engine/passwords/passwords.js';
import { cases, comparable, Person } from './requests-cases.mjs';
import { fill, PASSWORD, READERS, REFRESH_TOKENS, SHOWN, WRITTEN } from './requests-data.mjs';
import { buildStock, startDatabase, startParty } from './requests-parties.mjs';
import { median, quantile, repeat } from './service.mjs';

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '15' }, json: { type: 'boolean' } },
});
const ROUNDS = Number(options.rounds);
const STARTS = 5;
const MIXED = 5_000;
const IDLE_MS = 5_000;
/** Rounds of one case that are not counted, unless mixed requests came before. */
const WARM_UP = 5;
const NAMES = ['ours', 'stock'];

const wanted = (name) => !options.only || name.split(',')[0] === options.only;
const say = (line) => options.json || console.log(line);
const began = performance.now();
const progress = (line) => process.stderr.write(`${((performance.now() - began) / 1_000).toFixed(0)} s: ${line}\n`);
const results = {};

await buildStock();
const databases = {};
const parties = {};
try {
  for (const name of NAMES) databases[name] = await startDatabase();
  progress('databases');
  await databases.stock.client.query(REFRESH_TOKENS);
  const passwordHash = await hash(PASSWORD, PARAMETERS);
  let projects;
  for (const name of NAMES) projects = await fill(databases[name].client, passwordHash);
  if (wanted('start')) await measureStart();
  for (const name of NAMES) parties[name] = await startParty(name, databases[name], { introspection: true });
  progress('both are up');
  const work = cases({ shown: projects.get(SHOWN), written: projects.get(WRITTEN) });
  const chosen = Object.entries(work).filter(([name]) => wanted(name));
  const people = await signEveryoneIn(work);
  progress('everyone has signed in');
  await compareAnswers(chosen, people);
  progress('the answers are equal');
  if (wanted('idle')) await measureIdle();
  const mixed = wanted('memory');
  if (mixed) await measureMemory(work, people);
  await measure(chosen, people, mixed ? 1 : WARM_UP);
} finally {
  for (const party of Object.values(parties)) await party.stop();
  for (const database of Object.values(databases)) await database.stop();
}
if (options.json) console.log(JSON.stringify(results, null, 1));
process.exit();

/** The median of several starts of each, in turn, over databases that are there. */
async function measureStart() {
  const times = { ours: [], stock: [] };
  for (let at = -1; at < STARTS; at += 1) {
    for (const name of NAMES) {
      const party = await startParty(name, databases[name]);
      // The first one fills Node's cache of compiled code.
      if (at >= 0) times[name].push(party.firstAnswer);
      await party.stop();
    }
  }
  results.start = Object.fromEntries(NAMES.map((name) => [name, Math.round(median(times[name]))]));
  say(`first answer after start: ours ${results.start.ours} ms, stock ${results.start.stock} ms`);
}

async function signEveryoneIn(work) {
  const all = new Set(Object.values(work).flatMap(({ who }) => who));
  const people = {};
  for (const name of NAMES) {
    people[name] = new Map([...all].map((number) => [number, new Person(parties[name], number)]));
    const waiting = [...people[name].values()];
    await repeat(waiting.length, 2, () => waiting.pop().logIn());
  }
  return people;
}

async function compareAnswers(chosen, people) {
  for (const [name, { who, run }] of chosen) {
    const [ours, stock] = await Promise.all(NAMES.map((party) => run(people[party].get(who[0]), 0)));
    if (comparable(ours) !== comparable(stock)) {
      const differs = [...comparable(ours)].findIndex((character, at) => character !== comparable(stock)[at]);
      const [one, other] = [ours, stock].map((answer) =>
        comparable(answer).slice(Math.max(0, differs - 60), differs + 60),
      );
      throw new Error(`The answers to ${name} differ:\n  ours   …${one}\n  stock  …${other}`);
    }
    results[name] = { bytes: Buffer.byteLength(JSON.stringify({ data: ours })) };
  }
}

async function measureIdle() {
  await delay(2_000);
  const before = NAMES.map((name) => parties[name].cpu());
  await delay(IDLE_MS);
  const after = NAMES.map((name) => parties[name].cpu());
  const perSecond = (at, of) => Number((((after[at][of] - before[at][of]) / IDLE_MS) * 1e6).toFixed(1));
  const of = (at) => ({ app: perSecond(at, 'app'), database: perSecond(at, 'database') });
  results.idle = { ours: of(0), stock: of(1) };
  for (const [name, { app, database }] of Object.entries(results.idle))
    say(`idle: ${name} ${app} ms of CPU a second, its PostgreSQL ${database} ms`);
}

/** Every case in its share, evenly mixed. */
async function measureMemory(work, people) {
  results.memory = {};
  const order = Array.from({ length: 100 }, () => undefined);
  let place = 0;
  for (const each of Object.values(work))
    for (let count = 0; count < each.share; count += 1) order[(place++ * 37) % 100] = each;
  for (const name of NAMES) {
    let n = 0;
    await repeat(MIXED, READERS, (lane) => {
      const { who, run } = order[n++ % order.length];
      return run(people[name].get(ownOf(who, READERS, lane, n)), n);
    });
    results.memory[name] = Math.round(parties[name].memory() / 2 ** 20);
  }
  say(`resident after ${MIXED} mixed requests: ours ${results.memory.ours} MiB, stock ${results.memory.stock} MiB`);
}

async function measure(chosen, people, warmUp) {
  const rounds = Object.fromEntries(chosen.map(([name]) => [name, []]));
  for (let round = -warmUp; round < ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    for (const [name, each] of chosen) {
      const measured = {};
      for (const party of round % 2 ? NAMES.toReversed() : NAMES)
        measured[party] = await turn(each, people[party], parties[party], round);
      if (round >= 0) rounds[name].push(measured);
    }
  }
  say(
    '\n| | bytes | ours: app + PostgreSQL, µs | stock: app + PostgreSQL, µs | stock ÷ ours | app alone | PostgreSQL alone | per second, ours, stock |',
  );
  say('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, { commits, count }] of chosen) report(name, rounds[name], { commits, count });
}

async function turn({ who, lanes, count, run }, people, party, round) {
  const [before, start] = [party.cpu(), performance.now()];
  let n = 0;
  await repeat(count, lanes, (lane) => {
    n += 1;
    return run(people.get(ownOf(who, lanes, lane, n)), `${round}-${n}`);
  });
  const [after, seconds] = [party.cpu(), (performance.now() - start) / 1_000];
  const micros = (of) => ((after[of] - before[of]) / count) * 1e6;
  return { app: micros('app'), database: micros('database'), perSecond: count / seconds };
}

/** One of those that only this lane uses: nobody does two things at once. */
function ownOf(who, lanes, lane, n) {
  const own = who.filter((_, at) => at % lanes === lane);
  return own[n % own.length];
}

function report(name, rounds, { commits }) {
  const cost = (party, of) => Math.round(median(rounds.map((round) => round[party][of])));
  const ratio = (of) => quartiles(rounds.map(({ ours, stock }) => of(stock) / of(ours)));
  const perSecond = (party) => Math.round(median(rounds.map((round) => round[party].perSecond)));
  const both = ratio(({ app, database }) => app + database);
  const app = ratio((used) => used.app);
  const database = ratio((used) => used.database);
  const result = Object.assign(results[name], {
    ours: { app: cost('ours', 'app'), database: cost('ours', 'database') },
    stock: { app: cost('stock', 'app'), database: cost('stock', 'database') },
    ratio: both,
    ratioOfApp: app,
    ratioOfDatabase: database,
    ...(commits ? { perSecond: { ours: perSecond('ours'), stock: perSecond('stock') } } : {}),
  });
  const used = (party) => `${result[party].app} + ${result[party].database}`;
  const speed = commits ? `${result.perSecond.ours}, ${result.perSecond.stock}` : '';
  say(
    `| ${name} | ${result.bytes} | ${used('ours')} | ${used('stock')} | ${text(both)} | ${text(app)} | ${text(database)} | ${speed} |`,
  );
}

function text([low, middle, high]) {
  return `${middle} (${low}–${high})`;
}

function quartiles(values) {
  return [0.25, 0.5, 0.75].map((share) => quantile(values, share).toFixed(2));
}
