// Measures the effect of resuming clients on other clients: npm run build:test && node bench/resume.mjs [--clients=2000] [--reconnects=1500]
// A bystander's delivery (commit to subscriber, 10 updates a second) is measured idle, then while 2,000 clients resume 1,000 missed
// events each, then while the 1,500 clients of a killed instance reconnect with 200 missed events each. All of them retry
// as docs/realtime.md recommends for stock clients: an instance refuses upgrades while 1,024 sockets have not signed in.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startOurs, startRedis } from './fan-out-parties.mjs';
import { comeBack, delays, killedUnder, missedProject } from './fan-out-scenarios.mjs';

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
const doomed = await killedUnder(ours, ours.fan, WATCH, reconnecting);
const whole = [];
const resume = async () => whole.push(await comeBack(ours.fan, WATCH, resuming, resuming.people.length, true));
const kill = async () => whole.push(await doomed.killed());
const idle = () => pause(Number(given.idle));

// Those who came back leave all at once at the end of their turn: the time after it shows what that costs.
const phases = [idle, resume, idle, kill, idle];
const [calm, whileResuming, left, whileReconnecting, leftAgain] = await delays(ours, WATCH, BYSTANDER, phases);
const ms = ({ p50, p99, most }) => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, at most ${most.toFixed(0)} ms`;
const all = ({ ms: took, us }) =>
  `all complete after ${(took / 1_000).toFixed(1)} s, ${us.toFixed(0)} µs of CPU an event`;
console.log(`idle: ${ms(calm)}`);
console.log(`${given.clients} clients resume ${RESUMED} events each: ${ms(whileResuming)}; ${all(whole[0])}`);
console.log(`all of them leave: ${ms(left)}`);
console.log(
  `${given.reconnects} clients of a killed instance come back, ${RECONNECTED} events each: ${ms(whileReconnecting)}; ${all(whole[1])}`,
);
console.log(`all of them leave: ${ms(leftAgain)}`);
await ours.stop();
await redis.stop();
process.exit(0);
