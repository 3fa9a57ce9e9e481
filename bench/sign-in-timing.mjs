// Whether the time of an answer tells which accounts exist: npm run build && node bench/sign-in-timing.mjs [tries of each]
// The same wrong password for an account that exists, one that does not and one that is disabled, one after the other in random
// order; then `requestPasswordReset` likewise. Medians should lie within 5 % of each other.
// Two unknown accounts are the control: what they differ by is the machine's noise. It disturbs the
// fastest tenth of the tries least, so that is compared too.
import { performance } from 'node:perf_hooks';
import { ask, quantile, register, send, startService } from './service.mjs';

const [tries = '250'] = process.argv.slice(2);
const WARM_UP = 30;
const WRONG = 'not the password';
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const REQUEST = 'mutation ($email: String!) { requestPasswordReset(email: $email) }';

const spread = (values) => `${((Math.max(...values) / Math.min(...values) - 1) * 100).toFixed(1)} %`;

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

  await compare('login, wrong password', (email) => [LOGIN, { input: { email, password: WRONG } }], 'UNAUTHENTICATED');
  // The right password of a disabled account must not tell either; for the others it is wrong.
  await compare(
    'login, password of the disabled account',
    (email) => [LOGIN, { input: { email, password: 'tidings-bench' } }],
    'UNAUTHENTICATED',
    ['unknown', 'control', 'disabled'],
  );
  await compare('requestPasswordReset', (email) => [REQUEST, { email }], undefined);

  async function compare(title, operation, expected, kinds = Object.keys(emails)) {
    const times = Object.fromEntries(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < WARM_UP + Number(tries); round += 1) {
      const order = [...kinds];
      for (let left = kinds.length; left > 0; left -= 1) {
        const kind = order.splice(Math.floor(Math.random() * left), 1)[0];
        const began = performance.now();
        const { errors } = await ask(service.url, ...operation(emails[kind]));
        const took = performance.now() - began;
        if (errors?.[0].extensions.code !== expected) throw new Error(`${title}: ${JSON.stringify(errors)}`);
        if (round >= WARM_UP) times[kind].push(took);
      }
    }
    for (const [name, share] of [
      ['median', 0.5],
      ['tenth', 0.1],
    ]) {
      const at = Object.fromEntries(kinds.map((kind) => [kind, quantile(times[kind], share)]));
      const { control, ...compared } = at;
      const listed = Object.entries(at).map(([kind, value]) => `${kind} ${value.toFixed(2)} ms`);
      const [apart, noise] = [spread(Object.values(compared)), spread([control, at.unknown])];
      console.log(`${title}, ${name}: ${listed.join(', ')}; ${apart} apart (aim: 5 %), noise ${noise}`);
    }
  }
} finally {
  await service.stop();
}
