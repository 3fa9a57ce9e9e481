// Tests whether response times reveal which accounts exist: npm run build:test && node bench/sign-in-timing.mjs [attempts of each]
// Sends the same wrong password for an existing, an unknown and a disabled account, then `requestPasswordReset` likewise. The order is
// random, so that work after an answer affects all kinds equally. Medians should be within 5 % of each other.
// Two unknown accounts are the control. A permutation test gives the difference that chance alone causes: differences larger than in
// 19 of 20 permutations are significant.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, median, quantile, register, send, startService } from './service.mjs';

const [tries = '500'] = process.argv.slice(2);
const WARM_UP = 100;
/** ms between attempts, in which most work after an answer ends. */
const PAUSE_MS = 10;
const DEALS = 200;
const WRONG = 'not the password';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const REQUEST = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';

const apart = (values) => (Math.max(...values) / Math.min(...values) - 1) * 100;
const percent = (value) => `${value.toFixed(1)} %`;

const service = await startService();
try {
  const known = (await register(service.url, 'bench-known')).user.email;
  const disabled = (await register(service.url, 'bench-disabled')).user;
  const admin = 'mutation { login(input: { email: "admin@example.com", password: "tidings-demo" }) { accessToken } }';
  const { accessToken } = (await send(service.url, admin)).login;
  const disable = 'mutation ($id: ID!) { setUserDisabled(userId: $id, disabled: true) { id } }';
  await send(service.url, disable, { id: disabled.id }, accessToken);
  const emails = {
    known,
    unknown: 'bench-nobody@example.com',
    control: 'bench-no-one@example.com',
    disabled: disabled.email,
  };

  await compare(
    'login, wrong password',
    (email) => [LOGIN, { input: { email, password: WRONG } }],
    'INVALID_CREDENTIALS',
  );
  // The right password of a disabled account must not tell either; for the others it is wrong.
  await compare(
    'login, password of the disabled account',
    (email) => [LOGIN, { input: { email, password: 'tidings-bench' } }],
    'INVALID_CREDENTIALS',
    ['unknown', 'control', 'disabled'],
  );
  await compare('requestPasswordReset', (email) => [REQUEST, { email }], undefined);

  async function compare(title, operation, expected, kinds = Object.keys(emails)) {
    /** @type {Record<string, number[]>} */
    const times = Object.fromEntries(kinds.map((kind) => [kind, []]));
    const draws = shuffled(kinds.flatMap((kind) => Array.from({ length: WARM_UP / 4 + Number(tries) }, () => kind)));
    for (const [at, kind] of draws.entries()) {
      await delay(PAUSE_MS);
      const began = performance.now();
      const { errors } = await ask(service.url, ...operation(emails[kind]));
      const took = performance.now() - began;
      if (errors?.[0].extensions.code !== expected) throw new Error(`${title}: ${JSON.stringify(errors)}`);
      if (at >= WARM_UP) times[kind].push(took);
    }
    const medians = kinds.map((kind) => median(times[kind]));
    const listed = kinds.map((kind, at) => `${kind} ${medians[at].toFixed(2)} ms`).join(', ');
    const control = apart([times.control, times.unknown].map(median));
    console.log(`${title}: ${listed}; ${percent(apart(medians))} apart (aim: 5 %)`);
    console.log(`  two unknown ones ${percent(control)} apart; by chance alone up to ${percent(byChance(times))}`);
  }

  /** How far apart medians are at most, in 19 of 20 deals, when it is chance that says which try is of which kind. */
  function byChance(times) {
    const sizes = Object.values(times).map(({ length }) => length);
    const spreads = Array.from({ length: DEALS }, () => {
      const all = shuffled(Object.values(times).flat());
      return apart(sizes.map((size) => median(all.splice(0, size))));
    });
    return quantile(spreads, 0.95);
  }
} finally {
  await service.stop();
}

function shuffled(values) {
  const deck = [...values];
  for (let left = deck.length; left > 1; left -= 1) {
    const other = Math.floor(Math.random() * left);
    [deck[left - 1], deck[other]] = [deck[other], deck[left - 1]];
  }
  return deck;
}
