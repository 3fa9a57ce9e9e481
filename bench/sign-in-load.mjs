// What 40 logins a second do to everybody else: npm run build && node bench/sign-in-load.mjs [logins per second] [turns]
// `me` is asked 100 times a second without a break, in turns of 3 s without and with logins, so that what else runs on the machine
// disturbs both alike. Times run from when a request was due, not from when there was time to send it.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, quantile, send, signIn, startService } from './service.mjs';

const [loginsPerSecond = '40', turns = '8'] = process.argv.slice(2);
const TURN_MS = 3_000;
/** A turn's first part is not counted: logins begin only then to pile up. */
const SETTLE_MS = 500;
const ME = '{ me { id name email role } }';
const LOGIN = 'mutation { login(input: { email: "user@example.com", password: "tidings-demo" }) { accessToken } }';

const all = (results, what) => results.flatMap((result) => result[what]);
const ms = (values, share) => `${quantile(values, share).toFixed(1)} ms`;
const total = (results) => results.reduce((sum, { cpu }) => sum + cpu, 0);

const service = await startService();

/**
 * Calls `work` `perSecond` times a second for `ms`, however long each takes, with when it was due and how far into the turn that is.
 */
async function atRate(perSecond, work) {
  const began = performance.now();
  /** @type {Promise<void>[]} */
  const running = [];
  for (let at = 0; at < (perSecond * TURN_MS) / 1_000; at += 1) {
    const due = began + (at * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await delay(early);
    running.push(work(due, due - began));
  }
  await Promise.all(running);
}

async function turn(token, loginRate) {
  const [me, logins, refused] = [[], [], {}];
  const cpu = service.cpu();
  await Promise.all([
    atRate(100, async (due, since) => {
      await send(service.url, ME, undefined, token);
      if (since >= SETTLE_MS) me.push(performance.now() - due);
    }),
    atRate(loginRate, async (due) => {
      const { errors } = await ask(service.url, LOGIN);
      const code = errors?.[0].extensions.code;
      if (code) refused[code] = (refused[code] ?? 0) + 1;
      else logins.push(performance.now() - due);
    }),
  ]);
  return { me, logins, refused, cpu: service.cpu() - cpu };
}

try {
  const { accessToken } = await signIn(service.url);
  await turn(accessToken, Number(loginsPerSecond));
  const idle = [];
  const loaded = [];
  for (let at = 0; at < Number(turns); at += 1) {
    idle.push(await turn(accessToken, 0));
    loaded.push(await turn(accessToken, Number(loginsPerSecond)));
  }
  const line = (name, values) =>
    console.log(`${name} p50 ${ms(values, 0.5)}, p99 ${ms(values, 0.99)}, of ${values.length}`);
  line('me, idle       ', all(idle, 'me'));
  line('me, with logins', all(loaded, 'me'));
  const logins = all(loaded, 'logins');
  line('logins         ', logins);
  const refused = loaded.map((result) => JSON.stringify(result.refused)).filter((text) => text !== '{}');
  console.log(`logins refused: ${refused.length === 0 ? 'none' : refused.join(' ')}`);
  const cpuMs = ((total(loaded) - total(idle)) / logins.length) * 1_000;
  console.log(`a login costs ${cpuMs.toFixed(1)} ms of the service's CPU, its hash included`);
  const ratio = quantile(all(loaded, 'me'), 0.99) / quantile(all(idle, 'me'), 0.99);
  console.log(`p99 of \`me\` with logins: ${ratio.toFixed(2)} × idle (aim: at most 3)`);
} finally {
  await service.stop();
}
