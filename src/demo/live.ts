// `npm run demo:live`: keeps a running server lively, over HTTP like any other client, until it is told to stop.
import { setTimeout as delay } from 'node:timers/promises';
import { onStopSignal } from '../boot/stop-signals.js';
import { act } from './live-acts.js';
import { ApiError, LiveClient, SignInRefusedError } from './live-client.js';
import { type LiveOptions, readOptions, USAGE, UsageError } from './live-options.js';
import { nextPause, pickWeighted } from './live-schedule.js';
import { LiveTexts } from './live-texts.js';
import { DEMO_PASSWORD, PEOPLE } from './people.js';

/** Which account acts how often. */
const CAST = { elias: 45, uma: 30, ada: 25 } as const;
const random = Math.random;

function print(line: string): void {
  process.stdout.write(`${new Date().toTimeString().slice(0, 8)}  ${line}\n`);
}

async function run({ url, every, count }: LiveOptions, signal: AbortSignal): Promise<void> {
  const texts = new LiveTexts(random);
  let reachable = true;
  const onConnection = (now: boolean): void => {
    if (now !== reachable) print(now ? `${url} answers again` : `${url} does not answer; trying on`);
    reachable = now;
  };
  const client = (email: string) =>
    new LiveClient(email, { url, password: DEMO_PASSWORD, signal, random, onConnection });
  const clients = { elias: client(PEOPLE.elias.email), uma: client(PEOPLE.uma.email), ada: client(PEOPLE.ada.email) };
  try {
    for (let done = 1; done <= count; done += 1) {
      const actor = clients[pickWeighted(CAST, random)];
      print(`${actor.email.padEnd(18)}  ${await attempt(actor, texts)}`);
      if (done < count) await delay(nextPause(every, random), undefined, { signal });
    }
  } finally {
    await Promise.all(Object.values(clients).map((one) => one.leave()));
  }
}

/** One act; what others have made impossible meanwhile is told and passed over. Throws if the account cannot sign in. */
async function attempt(actor: LiveClient, texts: LiveTexts): Promise<string> {
  try {
    return (await act(actor, texts, random)) ?? 'sees no project';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `could not: ${error.message} (${error.code})`;
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const stopping = new AbortController();
  onStopSignal(() => stopping.abort());
  try {
    await run(options, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const refused = error instanceof SignInRefusedError;
    const usage = error instanceof UsageError && `${error.message}\n\n${USAGE}`;
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const hint =
      'The demo accounts cannot sign in: they are there while DEMO is on, with the password that they came with.\n';
    process.stderr.write(refused ? hint : usage || `${message}\n`);
    process.exit(usage ? 2 : 1);
  },
);
