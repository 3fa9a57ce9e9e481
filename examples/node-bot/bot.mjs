// Forwards every update that its account may see to a webhook, in order, at least once, and resumes where it stopped.
import { createHmac } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createTidings } from '@tidings/client';

const {
  TIDINGS_URL = 'http://localhost:4000',
  TIDINGS_EMAIL = 'user@example.com',
  TIDINGS_PASSWORD = 'tidings-demo',
  WEBHOOK_URL = 'http://localhost:5180/',
  WEBHOOK_SECRET = 'change me',
  CURSOR_FILE = 'cursor.txt',
} = process.env;

const stop = new AbortController();
const { signal } = stop;
const tidings = createTidings({ url: `${TIDINGS_URL}/graphql`, transport: 'body' });
await tidings.signIn({ email: TIDINGS_EMAIL, password: TIDINGS_PASSWORD });

/** The cursor of the last event that was forwarded; at the first start that of now, so that nothing is missed from here on. */
async function startingPoint() {
  const kept = await readFile(CURSOR_FILE, 'utf8').catch(() => '');
  if (kept) return kept;
  const { projects } = await tidings.request('{ projects(first: 1) { lastCursor } }');
  await keep(projects.lastCursor);
  return projects.lastCursor;
}

/** Whole or not at all, whenever the program dies. */
async function keep(cursor) {
  await writeFile(`${CURSOR_FILE}.new`, cursor);
  await rename(`${CURSOR_FILE}.new`, CURSOR_FILE);
}

/**
 * Signed as https://www.standardwebhooks.com says. The receiver drops a `webhook-id` that it has seen.
 * @returns Whether the receiver accepted it: not if the program was stopped before
 */
async function forward(event) {
  const body = JSON.stringify(event);
  for (let attempt = 0; ; attempt += 1) {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', WEBHOOK_SECRET).update(`${event.cursor}.${timestamp}.${body}`);
    const headers = {
      'content-type': 'application/json',
      'webhook-id': event.cursor,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature.digest('base64')}`,
    };
    const init = { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) };
    const reply = await fetch(WEBHOOK_URL, init).catch((error) => error.cause ?? error);
    if (reply.ok || signal.aborted) return reply.ok ?? false;
    console.error(`Not forwarded, again in a moment: ${reply.status ?? reply.message}`);
    const pause = Math.min(500 * 2 ** attempt, 30_000) * (0.5 + Math.random());
    await delay(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted) return false;
  }
}

const after = await startingPoint();
// From here on it ends after the event at hand, so that none is forwarded a second time by the next start.
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stop.abort());
const selection = 'cursor kind at actor { name } project { key name } update { id title body health }';
console.log(`Forwarding updates to ${WEBHOOK_URL}`);
for await (const event of tidings.events({ after, selection, signal })) {
  if (event.kind === 'UPDATE_POSTED' && event.update) {
    if (!(await forward(event))) break;
    console.log(`${event.project.key}  ${event.update.title}`);
  }
  await keep(event.cursor);
}
tidings.close();
