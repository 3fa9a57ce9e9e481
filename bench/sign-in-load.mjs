// Measures the effect of 40 logins per second on other requests: npm run build:test && node bench/sign-in-load.mjs [logins per second] [pairs]
// Sends `me` 200 times per second in pairs of rounds without and with logins, so that other load on the machine affects both equally; the
// order in a pair changes. Each pair has its own ratio, since one bad second of the machine would determine the p99 of all. Times
// start when a request was due, not when it was sent.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, quantile, send, signIn, startService } from './service.mjs';

const [loginsPerSecond = '40', pairs = '12'] = process.argv.slice(2);
const ME_PER_SECOND = 200;
const TURN_MS = 4_000;
/** The first part of a round is not counted, while the logins queue up. */
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
    atRate(ME_PER_SECOND, async (due, since) => {
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
  for (let at = 0; at < Number(pairs); at += 1) {
    const first = at % 2;
    if (first) loaded.push(await turn(accessToken, Number(loginsPerSecond)));
    idle.push(await turn(accessToken, 0));
    if (!first) loaded.push(await turn(accessToken, Number(loginsPerSecond)));
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
  for (const [name, share] of [
    ['p50', 0.5],
    ['p99', 0.99],
  ]) {
    const ratios = idle.map(({ me }, at) => quantile(loaded[at].me, share) / quantile(me, share));
    const [least, low, middle, high, most] = [0, 0.25, 0.5, 0.75, 1].map((part) => quantile(ratios, part).toFixed(2));
    console.log(
      `${name} of \`me\` with logins: ${middle} × idle, the median of ${ratios.length} pairs; half of them ${low} to ${high}, all ${least} to ${most} (aim: p99 at most 3)`,
    );
  }
} finally {
  await service.stop();
}
