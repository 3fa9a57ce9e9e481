// A webhook receiver for the bot: it checks the signature, drops what it has seen, and prints the rest.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const { PORT = '5180', WEBHOOK_SECRET = 'change me' } = process.env;
const seen = new Set();

/** Signed by who knows the secret, and not longer than five minutes ago. */
function isGenuine({ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': given = '' }, body) {
  const made = createHmac('sha256', WEBHOOK_SECRET).update(`${id}.${timestamp}.${body}`).digest('base64');
  const [ours, theirs] = [Buffer.from(`v1,${made}`), Buffer.from(given)];
  const isFresh = Math.abs(Date.now() / 1000 - Number(timestamp)) < 300;
  return isFresh && ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

async function receive(request, response) {
  const body = await text(request);
  if (!isGenuine(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers['webhook-id'];
  if (!seen.has(id)) {
    const { project, actor, update } = JSON.parse(body);
    console.log(`${project.name}: ${update.title} (${update.health}, ${actor.name})`);
    seen.add(id);
  }
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  receive(request, response).catch(() => response.destroy());
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`Receiving at http://localhost:${PORT}/`));
