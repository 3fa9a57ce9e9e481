// Random faults while updates are posted: every subscriber receives what it may see, once and in order.
// `npm run test:long` is the long form; FAULTS_SEED=… replays a schedule.
import { randomBytes, randomInt } from 'node:crypto';
import { Audience } from './support/fault-audience.js';
import { FaultCluster } from './support/fault-cluster.js';
import { Dice } from './support/fault-dice.js';
import { report } from './support/fault-report.js';
import { Schedule } from './support/fault-schedule.js';
import { makeTeam, presentCursor, type Team } from './support/fault-team.js';
import type { Arrival } from './support/fault-subscriber.js';
import { Traffic } from './support/fault-traffic.js';
import { type Entitlement, type Logged, verdict } from './support/fault-verdict.js';
import { isLong } from './support/extent.js';
import { killAll } from './support/process.js';
import { until } from './support/wait.js';

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
  : { schedules: 1, subscribers: 20, slow: 1, deliveries: 500, everyMs: 450, rounds: 1, rare: false, longestMs: 1_200 };
const given = process.env['FAULTS_SEED'];
const seeds = given ? [Number(given)] : Array.from({ length: extent.schedules }, () => randomInt(2 ** 31));

describe('the verdict of the random fault test', () => {
  const [here, there, guest] = ['here', 'there', 'guest'];
  const event = (pos: number, kind = 'UPDATE_POSTED', projectId = here, subjectId = `subject ${pos}`): Logged => {
    const title = kind === 'UPDATE_POSTED' ? `title ${pos}` : undefined;
    return {
      pos,
      seq: pos,
      kind,
      projectId,
      subjectId,
      title,
      sessionId: pos % 5 === 0 ? 'own' : 'other',
      at: 100 * pos,
    };
  };
  // The guest is away from 4 to 6.
  const log = [
    ...[1, 2, 3].map((pos) => event(pos)),
    event(4, 'MEMBER_REMOVED', here, guest),
    event(5),
    event(6, 'MEMBER_ADDED', here, guest),
    ...[7, 8].map((pos) => event(pos)),
    event(9, 'UPDATE_POSTED', there),
  ];
  const arrived = (...positions: number[]): Arrival[] =>
    positions.map((pos) => ({ ...log[pos - 1]!, note: undefined, at: 100 * pos + 10 }));
  const all = { after: 1, projectIds: [here, there] };
  const away = [{ from: 420, until: 590 }];
  const comesAndGoes = { projectId: here, accountId: guest, away, resumed: false };
  const words = (arrivals: Arrival[], may: Entitlement = all) =>
    verdict(log, arrivals, may).map((word) => word.split(' ').slice(0, 4).join(' '));
  const noted = (pos: number) => arrived(pos).map((arrival) => ({ ...arrival, note: 'For editors' }));

  it('accepts everything once and in order', () => {
    expect(words(arrived(2, 3, 4, 5, 6, 7, 8, 9))).toEqual([]);
    expect(words(arrived(2, 3, 4, 6, 7, 8, 9), { ...all, withoutSession: 'own' })).toEqual([]);
    expect(words(arrived(9), { after: 1, projectIds: [there] })).toEqual([]);
  });

  it('reports lost, duplicate, reordered, changed and misdirected events', () => {
    expect(words(arrived(2, 3, 4, 6, 7, 8, 9))).toEqual(['lost: 5 UPDATE_POSTED of']);
    expect(words(arrived(2, 3, 4, 5, 6, 7, 8))).toEqual(['lost: 9 UPDATE_POSTED of']);
    expect(words(arrived(2, 3, 4, 5, 5, 6, 7, 8, 9))).toEqual(['doubled: 5, after 5']);
    expect(words(arrived(2, 3, 5, 4, 6, 7, 8, 9))).toEqual(['out of order: 4']);
    expect(words(arrived(8, 9), { after: 1, projectIds: [there] })).toEqual(['not for it: 8']);
    const others = arrived(2, 3, 4, 5, 6, 7, 8, 9).map((arrival) => ({ ...arrival, title: 'title 7' }));
    expect(words(others)).toHaveLength(7);
  });

  it('lets a guest miss events outside its membership, without holes inside', () => {
    const may = { ...all, comesAndGoes };
    expect(words(arrived(2, 3, 6, 7, 8, 9), may)).toEqual([]);
    expect(words(arrived(2, 6, 7, 8, 9), may)).toEqual([]);
    expect(words(arrived(3, 6, 7, 8, 9), may)).toEqual(['lost: 2 UPDATE_POSTED of']);
    expect(words(arrived(2, 3, 7, 8, 9), may)).toEqual(['lost: 6 MEMBER_ADDED of']);
    expect(words(arrived(2, 3, 6, 7, 8), may)).toEqual(['lost: 9 UPDATE_POSTED of']);
    expect(words(arrived(2, 3, 6, 7, 8, 9), { ...all, comesAndGoes: { ...comesAndGoes, resumed: true } })).toHaveLength(
      2,
    );
  });

  it('reports data shown to an unauthorized viewer', () => {
    const late = { ...arrived(5)[0]!, at: 600 };
    expect(words([...arrived(2, 3, 5, 6, 7, 8, 9)], { ...all, comesAndGoes })).toEqual([
      expect.stringMatching('leaked'),
    ]);
    expect(words([...arrived(2, 3), late, ...arrived(6, 7, 8, 9)], { ...all, comesAndGoes })).toEqual([]);
    // Back by a try that was carried out before the one that was answered: from then on it is theirs, and not before.
    const early = { ...all, comesAndGoes: { ...comesAndGoes, away: [{ from: 420, until: 900 }] } };
    expect(words(arrived(2, 3, 6, 7, 8, 9), early)).toEqual([]);
    expect(words(arrived(2, 3, 5, 6, 7, 8, 9), early)).toEqual([expect.stringMatching('leaked')]);
    const both = [...arrived(2, 3, 4), ...noted(5), ...arrived(6, 7, 8, 9)];
    expect(words(both)).toEqual([expect.stringMatching('leaked')]);
    expect(words(both, { ...all, notes: { away } })).toEqual([expect.stringMatching('leaked')]);
    expect(words(both, { ...all, notes: { away: [] } })).toEqual([]);
  });
});

describe('random faults of two instances, PostgreSQL and Redis', () => {
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
    'deliver to every subscriber all it may see, once and in order (FAULTS_SEED=%i)',
    async (seed) => {
      const dice = new Dice(seed);
      const schedule = new Schedule(dice, extent);
      process.stdout.write(`faults, seed ${seed}, side by side:\n${schedule.plan}\n`);
      const [from, began] = [await presentCursor(team), Date.now()];
      const count = { all: extent.subscribers, slow: extent.slow };
      const audience = new Audience(team, count, from, cluster.urls, dice);
      const traffic = new Traffic(team, `${seed}`, seed, extent.everyMs);
      try {
        await Promise.all([
          audience.arrive(dice, 4 * extent.longestMs),
          schedule.run({ cluster, slow: audience.slow }),
        ]);
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
});
