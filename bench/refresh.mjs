// How many refreshes one second of the service's CPU pays for: npm run build && node bench/refresh.mjs [sessions] [rounds] [per round]
// Every session rotates its own token, over and over; they belong to one account, so they also wait for one another's lock.
import { median, repeat, send, signIn, startService } from './service.mjs';

const [sessions = '8', rounds = '5', perRound = '2000'] = process.argv.slice(2);
const PER_ROUND = Number(perRound);
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken refreshToken } }';

const service = await startService();
try {
  const tokens = [];
  for (let at = 0; at < Number(sessions); at += 1) tokens.push((await signIn(service.url)).refreshToken);
  const refresh = async (lane) => {
    tokens[lane] = (await send(service.url, REFRESH, { t: tokens[lane] })).refresh.refreshToken;
  };
  await repeat(PER_ROUND, tokens.length, refresh);
  const rates = [];
  for (let round = 0; round < Number(rounds); round += 1) {
    const [cpu, began] = [service.cpu(), performance.now()];
    await repeat(PER_ROUND, tokens.length, refresh);
    const used = service.cpu() - cpu;
    rates.push(PER_ROUND / used);
    const perSecond = PER_ROUND / ((performance.now() - began) / 1_000);
    console.log(
      `round ${round + 1}: ${(PER_ROUND / used).toFixed(0)} refreshes per CPU second, ${perSecond.toFixed(0)}/s`,
    );
  }
  console.log(`refreshes per second of server CPU, median of ${rounds}: ${median(rates).toFixed(0)} (aim: 1000)`);
} finally {
  await service.stop();
}
