// Scenarios of fan-out.mjs for Tidings alone: sockets, resuming after 1,000 missed events, and delivery latency.
import { setTimeout as delay } from 'node:timers/promises';
import { startClients } from './fan-out-rounds.mjs';
import { greeting } from './fan-out-parties.mjs';
import { median } from './service.mjs';

export const MISSED = 1_000;
/** Priority of large groups of clients, so that they do not take CPU time from the measured service. */
const LOAD_NICENESS = 10;
/** Timeout in ms for all clients to receive their missed events. */
const PATIENCE_MS = 120_000;
/** Number of new instances that first serve missed events. */
const FRESH_NODES = 3;

/** Bytes for each socket that is signed in and subscribed, and how many can be opened in a second of CPU. */
export async function sockets(ours, query, count) {
  const people = await ours.accounts(count, 'USER');
  const project = await ours.project(people);
  const node = await ours.freshNode();
  const clients = startClients();
  const [before, cpuBefore] = [node.memory(), node.cpu()];
  await clients.ask('connect', {
    to: node.to,
    hellos: people.map(({ token }) => greeting(token, query, { id: project.id })),
  });
  await node.reached('subscriptions', count);
  const perSecond = count / (node.cpu() - cpuBefore);
  const bytes = (node.memory() - before) / count;
  clients.stop();
  await node.reached('sockets', 0);
  await node.stop();
  return { count, bytes, perSecond };
}

/** A project with `missed` updates, and the people who have missed all of them. */
export async function missedProject(ours, count, missed = MISSED) {
  const people = await ours.accounts(count, 'USER');
  const project = await ours.project(people);
  for (let n = 0; n < missed / 20; n += 1) await ours.post(project.id, 20);
  return { people, project, missed };
}

/** ms from the first byte that `people` send `node` until they have what they have missed, and µs of its CPU for each event. */
export async function comeBack(node, query, { people, project, missed }, width, patient = false) {
  const clients = startClients(patient ? LOAD_NICENESS : 0);
  const variables = { id: project.id, after: project.lastCursor };
  const hellos = people.map(({ token }) => greeting(token, query, variables));
  const [before, began] = [node.cpu(), performance.now()];
  await clients.ask('connect', { to: node.to, hellos, width, patient });
  const total = missed * people.length;
  const received = await clients.ask('expect', { count: total, ms: PATIENCE_MS });
  if (received < total) throw new Error(`${received} of ${total} missed events arrived`);
  const ms = performance.now() - began;
  const us = ((node.cpu() - before) * 1e6) / total;
  clients.stop();
  return { ms, us };
}

/**
 * Connects `people` to a node that `killed` kills: they come back to `node` as stock clients do, with `missed` events missed. Resolves with
 * ms from the kill until they have them, and µs of CPU of `node` for each event.
 */
export async function killedUnder(ours, node, query, { people, project, missed }) {
  const doomed = await ours.freshNode();
  const clients = startClients(LOAD_NICENESS);
  const hellosAfter = (after) => people.map(({ token }) => greeting(token, query, { id: project.id, after }));
  await clients.ask('connect', { to: doomed.to, hellos: hellosAfter(undefined), patient: true });
  await doomed.reached('subscriptions', people.length);
  await clients.ask('move', { to: node.to, hellos: hellosAfter(project.lastCursor) });
  await clients.ask('reset');
  return {
    async killed() {
      const [before, began] = [node.cpu(), performance.now()];
      await doomed.kill();
      const total = missed * people.length;
      const received = await clients.ask('expect', { count: total, ms: PATIENCE_MS });
      if (received < total) throw new Error(`${received} of ${total} missed events arrived`);
      const ms = performance.now() - began;
      const us = ((node.cpu() - before) * 1e6) / total;
      clients.stop();
      await doomed.stop();
      return { ms, us };
    },
  };
}

/** One subscriber who comes back to a node that has just started, and to one that has served before. */
export async function comeBackAlone(ours, query, missed) {
  const alone = (n) => ({ ...missed, people: [missed.people[n]] });
  const fresh = [];
  for (let n = 0; n < FRESH_NODES; n += 1) {
    const node = await ours.freshNode();
    fresh.push((await comeBack(node, query, alone(n))).ms);
    await node.stop();
  }
  const warm = [];
  for (let n = 0; n < 5; n += 1) warm.push((await comeBack(ours.fan, query, alone(n))).ms);
  return { fresh: median(fresh), warm: median(warm) };
}

/** ms from commit to subscriber while `perSecond` updates are posted, for as long as `meanwhile` takes. */
export async function delays(ours, query, { subscribers, perSecond }, meanwhile) {
  const people = await ours.accounts(subscribers, 'USER');
  const project = await ours.project(people);
  const clients = startClients();
  const hellos = people.map(({ token }) => greeting(token, query, { id: project.id }));
  await clients.ask('connect', { to: ours.fan.to, hellos });
  // Each of the first has come once the last of them has: then all are subscribed, and the way is warm.
  const posting = every(1_000 / perSecond, () => ours.post(project.id, 1));
  await delay(2_000);
  const times = [];
  for (const work of meanwhile) {
    await clients.ask('watch');
    await work();
    times.push(await clients.ask('delays'));
  }
  const failed = await posting.stop();
  clients.stop();
  if (failed > 0) console.log(`${failed} updates could not be posted`);
  return times;
}

/** Calls `work` every `ms`, whether or not the one before has ended; `stop` tells how many have failed. */
function every(ms, work) {
  const running = new Set();
  let failed = 0;
  const timer = setInterval(() => {
    const one = work()
      .catch(() => (failed += 1))
      .finally(() => running.delete(one));
    running.add(one);
  }, ms);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      return failed;
    },
  };
}
