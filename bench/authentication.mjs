// What part of an authenticated `me` is authentication: npm run build && node bench/authentication.mjs [rounds] [per round]
// The same empty query with and without a token, and `me` with it, in turns; the difference of the first two is authentication.
import { median, repeat, send, signIn, startService } from './service.mjs';

const [rounds = '9', perRound = '4000'] = process.argv.slice(2);
const PER_ROUND = Number(perRound);

const service = await startService();
try {
  const { accessToken } = await signIn(service.url);
  const kinds = {
    anonymous: () => send(service.url, '{ __typename }'),
    authenticated: () => send(service.url, '{ __typename }', undefined, accessToken),
    me: () => send(service.url, '{ me { id name email role } }', undefined, accessToken),
  };
  const micros = { anonymous: [], authenticated: [], me: [] };
  for (const work of Object.values(kinds)) await repeat(PER_ROUND, 8, work);
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const [kind, work] of Object.entries(kinds)) {
      const cpu = service.cpu();
      await repeat(PER_ROUND, 8, work);
      micros[kind].push(((service.cpu() - cpu) / PER_ROUND) * 1e6);
    }
  }
  for (const [kind, values] of Object.entries(micros)) {
    const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(0));
    console.log(`${kind.padEnd(14)} ${median(values).toFixed(0)} µs of server CPU per request (${least} to ${most})`);
  }
  const pairs = micros.authenticated.map((value, round) => value - micros.anonymous[round]);
  const share = (median(pairs) / median(micros.me)) * 100;
  console.log(`authentication: ${median(pairs).toFixed(0)} µs, ${share.toFixed(1)} % of \`me\` (aim: at most 5 %)`);
} finally {
  await service.stop();
}
