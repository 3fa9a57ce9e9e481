// Measures the refreshes per CPU second of the service: npm run build:test && node bench/refresh.mjs [seconds] [accounts]
// 16 accounts refresh their tokens repeatedly and concurrently. Rounds of refreshes and of an empty query alternate, so that other load
// on the machine affects both equally.
import { median, quantile, register, repeat, send, startService } from './service.mjs';

const [seconds = '40', accounts = '16'] = process.argv.slice(2);
/** Operations per round, and in the warm-up rounds, which are not counted. */
const PER_ROUND = 500;
const WARM_UP = 5_000;
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken refreshToken } }';

const service = await startService();
try {
  const tokens = [];
  for (let at = 0; at < Number(accounts); at += 1) {
    tokens.push((await register(service.url, `bench-${at}`)).refreshToken);
  }
  const kinds = {
    refresh: async (lane) => {
      tokens[lane] = (await send(service.url, REFRESH, { t: tokens[lane] })).refresh.refreshToken;
    },
    'empty query': () => send(service.url, '{ __typename }'),
  };
  const micros = { refresh: [], 'empty query': [] };
  for (const work of Object.values(kinds)) await repeat(WARM_UP, tokens.length, work);
  const end = performance.now() + Number(seconds) * 1_000;
  while (performance.now() < end) {
    for (const [kind, work] of Object.entries(kinds)) {
      const cpu = service.cpu();
      await repeat(PER_ROUND, tokens.length, work);
      micros[kind].push(((service.cpu() - cpu) / PER_ROUND) * 1e6);
    }
  }
  for (const [kind, values] of Object.entries(micros)) {
    const [least, middle, most] = [0.1, 0.5, 0.9].map((share) => quantile(values, share).toFixed(0));
    console.log(
      `${kind.padEnd(12)} ${middle} µs of server CPU (tenth ${least}, nine tenths ${most}), ${values.length} rounds`,
    );
  }
  const [perSecond, best] = [median(micros.refresh), quantile(micros.refresh, 0.1)].map((us) => (1e6 / us).toFixed(0));
  console.log(
    `refreshes per second of server CPU: ${perSecond}, in the least disturbed tenth of rounds ${best} (aim: 1000)`,
  );
} finally {
  await service.stop();
}
