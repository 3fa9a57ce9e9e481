// A process of cheap subscribers: WebSockets over plain TCP that count frames without parsing them.
// Started by fan-out.mjs, which sends it over IPC the address to connect to and the number of frames to wait for.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Default number of clients that connect concurrently. */
const WIDTH = 50;
/** ms before a client reconnects, as docs/realtime.md recommends for stock clients. */
const backoff = (retries) => Math.min(1_000 * 2 ** retries, 8_000) * (0.5 + Math.random());
const TEXT = 0x81;
const PONG = 0x8a;

const clients = [];
/** Text frames since `reset`, all clients together; and who waits for how many. */
let received = 0;
let waiting;
/** While times are taken: how many frames came how many ms after the event that they tell of. */
let delays;

class Client {
  rest = Buffer.alloc(0);
  /** Who waits for the next frame, as long as the client greets. */
  wake;

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => {});
  }

  send(text) {
    this.socket.write(frame(TEXT, Buffer.from(text)));
  }

  next() {
    return new Promise((resolve, reject) => {
      this.wake = resolve;
      this.socket.once('close', () => reject(new Error('The server closed the socket')));
    });
  }

  read(chunk) {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length >= at + 2) {
      const short = bytes[at + 1] & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < at + head) break;
      const length =
        short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
      if (bytes.length < at + head + length) break;
      this.heard(bytes[at] & 0x0f, bytes.subarray(at + head, at + head + length));
      at += head + length;
    }
    this.rest = bytes.subarray(at);
  }

  heard(opcode, payload) {
    if (opcode === 9) this.socket.write(frame(PONG, payload));
    if (opcode !== 1) return;
    if (this.wake) {
      const { wake } = this;
      this.wake = undefined;
      wake(payload.toString());
      return;
    }
    received += 1;
    if (delays) delays.push(delayOf(payload));
    if (waiting && received >= waiting.count) waiting.resolve();
  }
}

const AT = '"at":"';
const known = { text: '', at: 0 };

/** ms since the time that stands in the frame: that of the commit, on the same clock. */
function delayOf(payload) {
  const from = payload.indexOf(AT) + AT.length;
  const text = payload.latin1Slice(from, payload.indexOf('"', from));
  if (text !== known.text) Object.assign(known, { text, at: Date.parse(text) });
  return Date.now() - known.at;
}

/** A client's frame, masked with zeros: valid, and written as it is. */
function frame(first, payload) {
  const head = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = first;
  head[1] = 0x80 | (payload.length < 126 ? payload.length : 126);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

async function open({ host, port, path, protocol }, hello) {
  const socket = connect({ host, port, noDelay: true });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : ''}\r\n`,
  );
  const early = await new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const read = (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', read);
      if (answer.subarray(0, 12).toString() !== 'HTTP/1.1 101') reject(new Error(answer.toString().slice(0, 200)));
      else resolve(answer.subarray(end + 4));
    };
    socket.on('data', read);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server closed the connection')));
  });
  const client = new Client(socket);
  clients.push(client);
  for (const step of hello) {
    const answered = step.answered ? client.next() : undefined;
    if (step.say) client.send(step.say);
    if (early.length > 0 && step === hello[0]) client.read(early);
    await answered;
  }
  return client;
}

/** The same as a stock client: whatever goes wrong until it has greeted, it tries again later. */
async function openPatiently(to, hello) {
  for (let retries = 0; ; retries += 1) {
    try {
      return await open(to, hello);
    } catch {
      await delay(backoff(retries));
    }
  }
}

const orders = {
  /** Connects one client for each list of greetings, `width` at a time; those who are patient try again. */
  async connect({ to, hellos, width = WIDTH, patient = false }) {
    let next = 0;
    const lane = async () => {
      while (next < hellos.length) {
        const hello = hellos[next];
        next += 1;
        await (patient ? openPatiently : open)(to, hello);
      }
    };
    await Promise.all(Array.from({ length: width }, lane));
  },
  /** From now on each client whose connection is lost greets `to`, as a stock client would. */
  move({ to, hellos }) {
    for (const [index, { socket }] of clients.entries()) {
      socket.once('close', async () => {
        await delay(backoff(0));
        await openPatiently(to, hellos[index]);
      });
    }
  },
  reset() {
    received = 0;
  },
  /** Resolves with the count when `count` frames have come since `reset`, or after `ms`. */
  async expect({ count, ms }) {
    if (received < count) {
      await new Promise((resolve) => {
        waiting = { count, resolve };
        setTimeout(resolve, ms).unref();
      });
      waiting = undefined;
    }
    return received;
  },
  /** Takes times from now on. */
  watch() {
    delays = [];
  },
  /** The times that were taken: ms of the median, of the slowest of a hundred, and of the slowest. */
  delays() {
    const sorted = Float64Array.from(delays).toSorted();
    delays = undefined;
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]);
    return { count: sorted.length, p50, p99, most };
  },
};

async function obey({ id, order, ...rest }) {
  try {
    process.send({ id, result: await orders[order](rest) });
  } catch (error) {
    process.send({ id, error: error.message });
  }
}
process.on('message', (message) => void obey(message));
process.on('disconnect', () => process.exit(0));
