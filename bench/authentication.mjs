// Measures the share of authentication in an authenticated `me`: npm run build:test && node bench/authentication.mjs [seconds]
// Short alternating rounds of an empty query with and without a token, and of `me` with it. The difference of the first two in a
// round is the cost of authentication.
import { median, quantile, repeat, send, signIn, startService } from './service.mjs';

const [seconds = '40'] = process.argv.slice(2);
const PER_ROUND = 300;
const WARM_UP = 4_000;

const service = await startService();
try {
  const { accessToken } = await signIn(service.url);
  const kinds = {
    anonymous: () => send(service.url, '{ __typename }'),
    authenticated: () => send(service.url, '{ __typename }', undefined, accessToken),
    me: () => send(service.url, '{ me { id name email role } }', undefined, accessToken),
  };
  const micros = { anonymous: [], authenticated: [], me: [] };
  for (const work of Object.values(kinds)) await repeat(WARM_UP, 8, work);
  const end = performance.now() + Number(seconds) * 1_000;
  for (let round = 0; performance.now() < end; round += 1) {
    // There and back, so that none always comes after the same other.
    const turn = Object.entries(kinds);
    for (const [kind, work] of round % 2 ? turn.toReversed() : turn) {
      const cpu = service.cpu();
      await repeat(PER_ROUND, 8, work);
      micros[kind].push(((service.cpu() - cpu) / PER_ROUND) * 1e6);
    }
  }
  for (const [kind, values] of Object.entries(micros)) {
    const [least, middle, most] = [0.1, 0.5, 0.9].map((share) => quantile(values, share).toFixed(0));
    console.log(
      `${kind.padEnd(14)} ${middle} µs of server CPU (tenth ${least}, nine tenths ${most}), ${values.length} rounds`,
    );
  }
  const difference = median(micros.authenticated.map((value, round) => value - micros.anonymous[round]));
  const share = (difference / median(micros.me)) * 100;
  console.log(`authentication: ${difference.toFixed(1)} µs, ${share.toFixed(1)} % of \`me\` (aim: at most 5 %)`);
} finally {
  await service.stop();
}
