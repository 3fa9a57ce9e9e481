// What clients that come back cost everybody else: npm run build:test && node bench/resume.mjs [--clients=2000] [--reconnects=1500]
// A bystander's delivery (commit to subscriber, 10 updates a second) is measured idle, then while 2,000 clients resume 1,000 missed
// events each, then while the 1,500 clients of an instance that has died connect at once, with 200 missed events each.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOurs, startRedis } from './fan-out-parties.mjs';
import { comeBack, delays, missedProject } from './fan-out-scenarios.mjs';

const { values: given } = parseArgs({
  options: {
    clients: { type: 'string', default: '2000' },
    reconnects: { type: 'string', default: '1500' },
    idle: { type: 'string', default: '5000' },
  },
});
const WATCH = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { seq cursor kind at subjectId actor { id name } update { id title body health } } }`;
/** Events that each client has missed. */
const RESUMED = 1_000;
const RECONNECTED = 200;
const BYSTANDER = { subscribers: 20, perSecond: 10 };

const redis = await startRedis();
const ours = await startOurs(redis.url);
const resuming = await missedProject(ours, Number(given.clients), RESUMED);
const reconnecting = await missedProject(ours, Number(given.reconnects), RECONNECTED);
const whole = [];
/** Sockets that are not signed in yet at a time: with more than 1,024 an instance refuses upgrades, and stock clients try again. */
const WIDTH = 900;
const storm = (missed) => async () => void whole.push(await comeBack(ours.fan, WATCH, missed, WIDTH));
const idle = () => pause(Number(given.idle));

const [calm, whileResuming, rest, whileReconnecting] = await delays(ours, WATCH, BYSTANDER, [
  idle,
  storm(resuming),
  idle,
  storm(reconnecting),
]);
const ms = ({ p50, p99, most }) => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, at most ${most.toFixed(0)} ms`;
const all = ({ ms: took, us }) =>
  `all complete after ${(took / 1_000).toFixed(1)} s, ${us.toFixed(0)} µs of CPU an event`;
console.log(`idle: ${ms(calm)}`);
console.log(`${given.clients} clients resume ${RESUMED} events each: ${ms(whileResuming)}; ${all(whole[0])}`);
console.log(`idle: ${ms(rest)}`);
console.log(
  `${given.reconnects} clients connect at once, ${RECONNECTED} events each: ${ms(whileReconnecting)}; ${all(whole[1])}`,
);
await ours.stop();
await redis.stop();
process.exit(0);
