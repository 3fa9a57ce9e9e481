// Measures the recovery of stock clients from outages: node bench/clients.mjs [clients] [outage …]; takes about seven minutes.
// A hundred clients, half graphql-ws and half Apollo Client, configured as in the documentation, go through one outage after the other
// while updates are posted. Counts the clients that are live again, and lost and duplicate events.
import { setTimeout as pause } from 'node:timers/promises';
import { Outages } from '../dist/test/support/outages.js';

/** Token lifetime in s, so that tokens expire during the sleep. */
const TOKEN_S = 30;
const S = 1_000;

const OUTAGES = {
  'the instance restarts, 5 s of refused connections': (stage) => stage.restart('SIGTERM', 5 * S),
  'the instance is killed, 5 s of refused connections': (stage) => stage.restart('SIGKILL', 5 * S),
  '503 of a proxy for 8 s': async ({ proxy }) => {
    proxy.answer503();
    proxy.cut();
    await pause(8 * S);
    proxy.open();
  },
  'PostgreSQL stopped for 2 s while they subscribe': (stage) =>
    stage.subscribingWhile(() => stage.cluster.restartPostgres(2 * S)),
  'PostgreSQL stopped for 6 s while they subscribe': (stage) =>
    stage.subscribingWhile(() => stage.cluster.restartPostgres(6 * S)),
  'PostgreSQL frozen for 6 s while they subscribe': (stage) =>
    stage.subscribingWhile(() => stage.cluster.freezePostgres(6 * S)),
  'PostgreSQL stopped for 30 s': async ({ cluster }) => cluster.restartPostgres(30 * S),
  'Redis killed and back after 5 s': async ({ cluster: { redis } }) => {
    await redis.kill9();
    await pause(5 * S);
    await redis.restart();
  },
  'all packets dropped for 30 s': async ({ proxy }) => {
    proxy.blackhole();
    await pause(30 * S);
    proxy.open();
  },
  'connections gone silent for good': async ({ proxy }) => proxy.blackhole(() => true),
  'the laptop sleeps past the end of the tokens': async ({ clients }) => {
    clients.signal('SIGSTOP');
    await pause((TOKEN_S + 25) * S);
    clients.signal('SIGCONT');
  },
};

const [count = '100', ...wanted] = process.argv.slice(2);
const stage = await Outages.start(Number(count), { ACCESS_TOKEN_TTL: `${TOKEN_S}s` });
try {
  console.log('| outage | recovered | lost | duplicated | out of order | all live again after |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const [name, outage] of Object.entries(OUTAGES)) {
    if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
    const { subscriptions, recovered, lost, twice, outOfOrder, liveAfter, ended } = await stage.during(() =>
      outage(stage),
    );
    const live = `${(liveAfter / S).toFixed(1)} s`;
    console.log(`| ${name} | ${recovered} of ${subscriptions} | ${lost} | ${twice} | ${outOfOrder} | ${live} |`);
    for (const reason of new Set(ended)) console.log(`  ended: ${reason}`);
  }
} finally {
  await stage.stop();
}
