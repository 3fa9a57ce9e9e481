// Stock clients with the documented code: after each kind of outage all reconnect and have received every event once.
import { setTimeout as pause } from 'node:timers/promises';
import { isLong } from './support/extent.js';
import { Outages } from './support/outages.js';
import { killAll } from './support/process.js';

const CLIENTS = isLong ? 100 : 12;
/** ms of a short outage, and of one that clients must notice by themselves, or that outlives their tokens. */
const SHORT_MS = 1_500;
const LONG_MS = 24_000;
const TOKEN_TTL = '12s';

let stage: Outages;
beforeAll(async () => {
  stage = await Outages.start(CLIENTS, { ACCESS_TOKEN_TTL: TOKEN_TTL });
});
afterAll(async () => {
  await stage?.stop();
  await killAll();
});

describe('stock clients reconnect and lose no event after', () => {
  it.each<[string, () => Promise<void>]>([
    ['a restart of their instance, with refused connections', () => stage.restart('SIGTERM', SHORT_MS)],
    ['the death of their instance', () => stage.restart('SIGKILL', 0)],
    [
      'a connection that is lost again and again',
      async () => {
        for (let round = 0; round < 3; round += 1) {
          stage.proxy.cut();
          await stage.live();
        }
      },
    ],
    [
      'the 503 of a proxy',
      async () => {
        stage.proxy.answer503();
        stage.proxy.cut();
        await pause(SHORT_MS);
        stage.proxy.open();
      },
    ],
    [
      'a restart of PostgreSQL while they subscribe',
      () => stage.subscribingWhile(() => stage.cluster.restartPostgres(2_000)),
    ],
    [
      'six seconds of a frozen PostgreSQL while they subscribe',
      () => stage.subscribingWhile(() => stage.cluster.freezePostgres(6_000)),
    ],
    [
      'a path that drops everything without a word',
      async () => {
        stage.proxy.blackhole();
        await pause(LONG_MS);
        stage.proxy.open();
      },
    ],
    // Nothing closes it: its clients notice by themselves.
    ['a connection that has gone silent for good', async () => stage.proxy.blackhole(() => true)],
    [
      'a sleep past the end of their tokens',
      async () => {
        stage.clients.signal('SIGSTOP');
        await pause(LONG_MS);
        stage.clients.signal('SIGCONT');
      },
    ],
  ])('%s', async (_what, outage) => {
    const { liveAfter, ...outcome } = await stage.during(outage);
    process.stdout.write(`figure: live again ${Math.round(liveAfter)} ms after ${_what}\n`);
    const { subscriptions } = outcome;
    expect(subscriptions).toBeGreaterThanOrEqual(CLIENTS);
    expect(outcome).toEqual({ subscriptions, recovered: subscriptions, lost: 0, twice: 0, outOfOrder: 0, ended: [] });
  });
});
