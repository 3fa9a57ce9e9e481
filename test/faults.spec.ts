// Whatever fails, while updates are posted: every subscriber is given what it may see, once and in order.
// `npm run test:faults` is the long form; FAULTS_SEED=… replays a schedule.
import { randomBytes, randomInt } from 'node:crypto';
import { Audience } from './support/fault-audience.js';
import { FaultCluster } from './support/fault-cluster.js';
import { Dice } from './support/fault-dice.js';
import { report } from './support/fault-report.js';
import { Schedule } from './support/fault-schedule.js';
import { makeTeam, presentCursor, type Team } from './support/fault-team.js';
import { Traffic } from './support/fault-traffic.js';
import { killAll } from './support/process.js';
import { until } from './support/wait.js';

const isLong = process.env['FAULTS'] === 'long';
const extent = isLong
  ? {
      schedules: 3,
      subscribers: 200,
      slow: 4,
      deliveries: 7_000,
      everyMs: 300,
      rounds: 1,
      rare: true,
      longestMs: 5_000,
    }
  : { schedules: 1, subscribers: 20, slow: 1, deliveries: 500, everyMs: 250, rounds: 1, rare: false, longestMs: 1_200 };
const given = process.env['FAULTS_SEED'];
const seeds = given ? [Number(given)] : Array.from({ length: extent.schedules }, () => randomInt(2 ** 31));

let cluster: FaultCluster;
let team: Team;

beforeAll(async () => {
  cluster = await FaultCluster.start(randomBytes(32).toString('base64'));
  team = await makeTeam(cluster);
});
afterAll(async () => {
  await killAll();
  await cluster?.stop();
});

it.each(seeds)(
  'whatever fails, every subscriber is given what it may see, once and in order (FAULTS_SEED=%i)',
  async (seed) => {
    const dice = new Dice(seed);
    const schedule = new Schedule(dice, extent);
    process.stdout.write(`faults, seed ${seed}, side by side:\n${schedule.plan}\n`);
    const [from, began] = [await presentCursor(team), Date.now()];
    const count = { all: extent.subscribers, slow: extent.slow };
    const audience = new Audience(team, count, from, cluster.urls, dice);
    const traffic = new Traffic(team, `${seed}`, seed, extent.everyMs);
    try {
      await Promise.all([audience.arrive(dice, 4 * extent.longestMs), schedule.run({ cluster, slow: audience.slow })]);
      await until(() => audience.deliveries >= extent.deliveries, `${extent.deliveries} deliveries`, 60_000);
      await traffic.end();
      const { wrong, figures } = await report(cluster, audience, traffic, { from, began });
      process.stdout.write(`what happened:\n${schedule.history}\n${figures}\n`);
      expect(wrong).toEqual([]);
    } finally {
      await traffic.end().catch(() => {});
      await audience.leave();
    }
  },
  isLong ? 240_000 : 120_000,
);
