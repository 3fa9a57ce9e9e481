// The attacking process of bench/hostile.mjs: runs one case until it is stopped, for a minute at most, and reports what it received.
import { request as httpRequest, Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { CASES } from './hostile-cases.mjs';

const MAX_MS = 60_000;
/** ms before a lane retries after a refused or closed connection, so that the attacker does not spin. */
const AFTER_CUT_MS = 50;

const outcome = {};
const count = (what) => (outcome[what] = (outcome[what] ?? 0) + 1);
const report = () => process.send?.(outcome, () => process.exit(0));

const setting = await new Promise((resolve) => process.once('message', resolve));
const { hostname, port } = new URL(setting.url);
const agents = new Map();

const attack = {
  ...setting,
  stopped: false,
  pause: (ms) => delay(ms),
  async untilStopped() {
    while (!attack.stopped) await delay(50);
  },

  /** Does `work` again and again on each of `width` lanes. */
  lanes: (width, work) =>
    Promise.all(
      Array.from({ length: width }, async (_, lane) => {
        while (!attack.stopped) {
          try {
            await work(lane);
          } catch (error) {
            count(error.code ?? error.message);
            await delay(AFTER_CUT_MS);
          }
        }
      }),
    ),

  /** One operation over HTTP; counts the status and the code of its first error. */
  request({ from, forwarded, token, body }) {
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    if (token) headers.authorization = `Bearer ${token}`;
    if (forwarded) headers['x-forwarded-for'] = forwarded;
    if (!agents.has(from)) agents.set(from, new Agent({ keepAlive: true, localAddress: from }));
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { hostname, port, path: '/graphql', method: 'POST', agent: agents.get(from), headers },
        (response) => {
          let head = '';
          response.on('data', (chunk) => {
            if (head.length < 4_096) head += chunk.toString('latin1');
          });
          response.on('error', reject);
          response.on('end', () => {
            count(`${response.statusCode} ${/"code":"(\w+)"/.exec(head)?.[1] ?? 'data'}`);
            resolve();
          });
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  },

  /** Sends a request and never reads the answer. */
  unread({ from, token, body }) {
    const text = JSON.stringify(body);
    const authorization = token ? `authorization: Bearer ${token}\r\n` : '';
    const socket = connect({ host: hostname, port: Number(port), localAddress: from });
    socket.pause();
    socket.on('error', ({ code }) => count(code));
    socket.on('close', () => count('closed'));
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\n${authorization}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  },

  /** A WebSocket that says nothing; resolves when it is closed or the attack is over. */
  async idleSocket(from) {
    const socket = new WebSocket(`ws://${hostname}:${port}/graphql`, 'graphql-transport-ws', { localAddress: from });
    await new Promise((resolve) => {
      socket.on('error', (error) => count(error.code ?? error.message));
      socket.on('close', (code) => {
        count(`closed ${code}`);
        resolve();
      });
    });
    await delay(AFTER_CUT_MS);
  },

  /** A signed-in WebSocket. */
  async socket(token) {
    const ws = new WebSocket(`ws://${hostname}:${port}/graphql`, 'graphql-transport-ws', { localAddress: '127.8.8.8' });
    let heard;
    const first = new Promise((resolve) => (heard = resolve));
    const tell = (message) => ws.readyState === ws.OPEN && ws.send(JSON.stringify(message));
    ws.once('open', () => tell({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await new Promise((resolve, reject) => {
      ws.on('error', reject);
      ws.on('close', (code) => {
        count(`closed ${code}`);
        heard();
        reject(new Error(`closed ${code}`));
      });
      ws.on('message', (/** @type {Buffer} */ data) => {
        const { type, payload } = JSON.parse(data.toString('utf8'));
        if (type === 'connection_ack') {
          setTimeout(() => heard(), 100);
          return resolve();
        }
        if (type === 'error') count(`error ${payload[0]?.extensions?.code}`);
        else count(type);
        return heard();
      });
    });
    return {
      subscribe: (id, payload) => tell({ id, type: 'subscribe', payload }),
      first: () => first,
      stopReading: () => ws.pause(),
      end: () => ws.close(1000),
    };
  },
};

process.on('message', (message) => {
  if (message !== 'stop') return;
  attack.stopped = true;
  setTimeout(report, 300);
});
process.on('disconnect', () => process.exit(0));
setTimeout(report, MAX_MS);
await CASES[process.argv[2]].run(attack).catch((error) => count(error.code ?? error.message));
