// Measures servers that run at the same time in short rounds, one after the other in changing order, so that other load on the machine
// affects all of them equally. Results are medians over rounds, and medians of ratios within a round.
import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { quantile } from './service.mjs';

/** Number of events in a burst. */
export const BURST = 10;
/** Timeout in ms for one event to reach all subscribers. */
const PATIENCE_MS = 20_000;
/** ms for a process to finish its work after a delivery. */
const REST_MS = 5;
/** What is measured of a party in a round, of one that takes long, and how often of that. */
const SIZE = { singles: 6, bursts: 2 };
const SLOW_SIZE = { singles: 2, bursts: 1 };
const SLOW_EVERY = 5;

/**
 * A process of subscribers: `ask('connect', …)` and so on, see fan-out-clients.mjs. Those who are only there as a load can be made to
 * leave the cores to what is measured, by a lower priority.
 */
export function startClients(niceness = 0) {
  const child = fork(fileURLToPath(new URL('./fan-out-clients.mjs', import.meta.url)));
  if (niceness > 0) setPriority(child.pid, niceness);
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
export async function deliver({ clients, post, subscribers }, count) {
  await clients.ask('reset');
  await post(count);
  const received = await clients.ask('expect', { count: count * subscribers, ms: PATIENCE_MS });
  if (received !== count * subscribers) throw new Error(`${received} of ${count * subscribers} deliveries arrived`);
}

/** Posts one event at a time until one reaches every subscriber: then all are subscribed. And warms up. */
export async function settle(party, warmUps = 10) {
  const { clients, post, subscribers } = party;
  for (let tries = 0; tries < 50; tries += 1) {
    await clients.ask('reset');
    await post(1);
    if ((await clients.ask('expect', { count: subscribers, ms: 2_000 })) === subscribers) break;
  }
  for (let n = 0; n < warmUps; n += 1) await deliver(party, n % 2 ? BURST : 1);
}

/** Of each party, by name, the rounds: µs of CPU for each event that reached a subscriber, one by one and in bursts. */
export async function measure(parties, rounds) {
  const measured = new Map(parties.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const turned = [...parties.slice(round % parties.length), ...parties.slice(0, round % parties.length)];
    for (const party of turned) {
      if (party.slow && round % SLOW_EVERY > 0) continue;
      measured.get(party.name)[round] = await costs(party, party.slow ? SLOW_SIZE : SIZE);
    }
  }
  return measured;
}

async function costs(party, { singles, bursts }) {
  // It has been idle while others were measured.
  await deliver(party, 1);
  return { single: await cost(party, singles, 1), burst: await cost(party, bursts, BURST) };
}

async function cost(party, times, size) {
  await delay(REST_MS);
  const before = party.cpu();
  for (let n = 0; n < times; n += 1) await deliver(party, size);
  await delay(REST_MS);
  return ((party.cpu() - before) * 1e6) / (times * size * party.subscribers);
}

/** Median and quartiles of what a party's rounds cost, and of that as a share of `other`'s in the same round. */
export function summary(rounds, other) {
  const of = (what) => {
    const both = rounds.flatMap((own, n) => (other[n] ? [{ own: own[what], ratio: own[what] / other[n][what] }] : []));
    const [low, ratio, high] = [0.25, 0.5, 0.75].map((share) =>
      quantile(
        both.map((pair) => pair.ratio),
        share,
      ),
    );
    return {
      us: quantile(
        both.map(({ own }) => own),
        0.5,
      ),
      ratio,
      low,
      high,
    };
  };
  return { single: of('single'), burst: of('burst') };
}
