// Measures the effect of hostile clients on other clients: npm run build:test && node bench/hostile.mjs [--markdown] [--seconds n] [case …]
// Each case starts a service with limits on and a heap of 300 MB, on one PostgreSQL and one Redis. A bystander posts 40
// updates a second and is subscribed to them, first alone and then while a second process attacks from other addresses. Times of a post run
// until its reply, those of a delivery until the subscriber receives it. Both start when the post was due, so that a stalled service
// cannot hide its delay. What is refused, or not answered in 10 s, counts as 10 s and is also reported separately. Attackers run with the
// lowest priority: real attackers run on other machines and take no CPU time from the service. Memory is the resident set before the
// attack and its maximum, and the memory in use after a full garbage collection before and after it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openSessions, startBackends } from './cluster.mjs';
import { WebSocket } from 'ws';
import { Bystander } from './bystander.mjs';
import { CASES } from './hostile-cases.mjs';
import { quantile, send, startService } from './service.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    markdown: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '8' },
    heap: { type: 'string', default: '300' },
  },
});
const SECONDS = Number(options.seconds);
/** Proxy from whose connections `X-Forwarded-For` is believed: the address that attackers use to come from many networks. */
const PROXY = '127.9.9.9';
/** ms in which the service collects its garbage, and ms in which it stops, before that is given up. */
const ANSWER_MS = 15_000;
const STOP_MS = 15_000;
/** Accounts that the attackers own. */
const ATTACKERS = 12;

const ATTACKS = fileURLToPath(new URL('hostile-attacks.mjs', import.meta.url));

const pair = (times) => `${quantile(times, 0.5).toFixed(0)}/${quantile(times, 0.99).toFixed(0)}`;
const counts = (numbers) =>
  Object.entries(numbers)
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 6)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
const mb = (bytes) => (bytes / 1e6).toFixed(0);

const chosen = positionals.length > 0 ? positionals : Object.keys(CASES);
const unknown = chosen.filter((name) => !(name in CASES));
if (unknown.length > 0)
  throw new Error(`No such case: ${unknown.join(', ')}. There are ${Object.keys(CASES).join(', ')}.`);

const backends = await startBackends();
const rows = [];
try {
  for (const name of chosen) {
    const row = await measure(name);
    rows.push(row);
    if (!options.markdown)
      console.log(
        Object.entries(row)
          .map(([key, value]) => `${key} ${value}`)
          .join(' | '),
      );
  }
} finally {
  await backends.stop();
}
if (options.markdown) {
  const head = Object.keys(rows[0]);
  console.log(
    [head, head.map(() => '---'), ...rows.map(Object.values)].map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
  );
}

/** Runs one case and returns its row of the table. */
async function measure(name) {
  const service = await startService(
    { ...backends.env, RATE_LIMITS: 'on', TRUST_PROXY: `${PROXY}/32`, LOG_LEVEL: 'fatal' },
    [`--max-old-space-size=${options.heap}`, '--inspect=127.0.0.1:0'],
  );
  try {
    const setting = await prepare(service.url, name);
    const bystander = await Bystander.arrive(service.url, setting);
    await bystander.period(2);
    const idle = await bystander.period(SECONDS);
    const inUse = await usedAfterCollection(service);
    const before = service.memory();
    const attack = await startAttack(name, { url: service.url, proxy: PROXY, ...setting });
    await delay(500);
    let peak = 0;
    const watching = setInterval(() => (peak = Math.max(peak, memory(service))), 100);
    const under = await bystander.period(SECONDS);
    const outcome = await attack.stop();
    clearInterval(watching);
    const inUseAfter = await settled(service, inUse);
    const alive = await bystander.stillServed();
    bystander.leave();
    return rowOf(name, { idle, under, before, peak, inUse, inUseAfter, outcome, alive });
  } finally {
    await service.stop(STOP_MS);
  }
}

function rowOf(name, { idle, under, before, peak, inUse, inUseAfter, outcome, alive }) {
  const ratio = (what) => (quantile(under[what], 0.99) / Math.max(quantile(idle[what], 0.99), 1)).toFixed(1);
  const logins = under.logins.length > 0 ? `${pair(idle.logins)} → ${pair(under.logins)}` : '';
  return {
    case: name,
    'post p50/p99 idle → attacked, ms': `${pair(idle.posts)} → ${pair(under.posts)}`,
    'delivery p50/p99 idle → attacked, ms': `${pair(idle.deliveries)} → ${pair(under.deliveries)}`,
    'p99 × idle (post, delivery)': `${ratio('posts')}, ${ratio('deliveries')}`,
    'login p50/p99 idle → attacked, ms': logins,
    'bystander refused': counts(under.refusals) || 'no',
    'bystander not answered in 10 s': counts(under.late) || 'no',
    'resident before → peak, MB': `${mb(before)} → ${mb(peak)}`,
    'in use before → after, MB': `${mb(inUse)} → ${mb(inUseAfter)}`,
    'attacker received': counts(outcome),
    alive: alive ? 'yes' : 'NO',
  };
}

/** The bystander's project and account, and accounts of the attackers, who may see a project of their own and one of the bystander's. */
async function prepare(url, name) {
  const editor = 'mutation { login(input: { email: "editor@example.com", password: "tidings-demo" }) { accessToken } }';
  const token = (await send(url, editor)).login.accessToken;
  const make = async (key) => {
    const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }';
    return (await send(url, create, { input: { key, name: key } }, token)).createProject.id;
  };
  const suffix = `${Date.now() % 1e7}`;
  const projectId = await make(`BY-${suffix}`);
  const tokens = await openSessions(backends.env, ATTACKERS, projectId, `attacker-${suffix}`);
  const { logins = false } = CASES[name];
  return { token, projectId, tokens, logins };
}

function memory(service) {
  try {
    return service.memory();
  } catch {
    // The process is gone.
    return 0;
  }
}

/** Bytes in use when they are back to within a tenth of `before`, or after 15 s. */
async function settled(service, before) {
  const end = performance.now() + 15_000;
  for (;;) {
    await delay(1_000);
    const now = await usedAfterCollection(service);
    if (now <= before * 1.1 || performance.now() > end) return now;
  }
}

/** Bytes of objects and buffers that are still referred to; NaN if the process is gone. */
async function usedAfterCollection({ inspector }) {
  const socket = new WebSocket(inspector);
  const ask = (id, method, params) =>
    new Promise((resolve, reject) => {
      socket.on('message', (/** @type {Buffer} */ data) => {
        const message = JSON.parse(data.toString('utf8'));
        if (message.id === id) resolve(message.result);
      });
      socket.once('close', () => reject(new Error('The service is gone')));
      socket.send(JSON.stringify({ id, method, params }));
    });
  const patience = setTimeout(() => socket.terminate(), ANSWER_MS);
  try {
    await once(socket, 'open');
    await ask(1, 'HeapProfiler.collectGarbage');
    const expression = '(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const { result } = await ask(2, 'Runtime.evaluate', { expression });
    return result.value;
  } catch {
    return Number.NaN;
  } finally {
    clearTimeout(patience);
    socket.terminate();
  }
}

async function startAttack(name, setting) {
  const child = fork(ATTACKS, [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const outcome = new Promise((resolve) => child.once('message', resolve));
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.send(setting);
  return {
    async stop() {
      if (child.connected) child.send('stop');
      const result = await Promise.race([outcome, gone, delay(10_000)]);
      child.kill('SIGKILL');
      await gone;
      return typeof result === 'object' && result !== null ? result : {};
    },
  };
}
