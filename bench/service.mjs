// Shared by the benchmarks: starts a built service on embedded PostgreSQL, reads its CPU time, and has a keep-alive HTTP client.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeEmbeddedPostgres } from '../dist/src/embedded-postgres/embedded-postgres.js';

const MAIN = fileURLToPath(new URL('../dist/bin/main.js', import.meta.url));
// oxlint-disable-next-line no-process-env -- the service gets nothing else of it
const { PATH } = process.env;

/** A bench that fails or is interrupted takes its services along. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Starts `dist/` (run `npm run build:test` first) with the demo accounts and without limits; `stop` leaves nothing behind. */
export async function startService(env = {}, nodeOptions = []) {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  const child = spawn(process.execPath, [...nodeOptions, MAIN], {
    env: { PATH, PORT: '0', DATA_DIR: join(directory, 'data'), RATE_LIMITS: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  const url = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk;
      const up = /is up at (http\S+)/.exec(output)?.[1];
      if (up) resolve(up.replace('localhost', '127.0.0.1'));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`The service did not start:\n${output}`)));
  });
  return {
    url,
    /** Seconds of CPU that the service itself has used; PostgreSQL's processes are not in it. */
    cpu: () => cpuOf(child.pid),
    /** Bytes of memory that the service itself holds. */
    memory: () => memoryOf(child.pid),
    /** Address of its inspector, if `nodeOptions` open one. */
    inspector: /ws:\/\/\S+/.exec(output)?.[0],
    /** Ends it as a crash would; `stop` is still to be called. */
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    /** Ends it, by force if it has not ended after `patience` ms. */
    async stop(patience = 60_000) {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        const force = setTimeout(() => child.kill('SIGKILL'), patience);
        await gone;
        clearTimeout(force);
      }
      // As root its cluster lies elsewhere, where PostgreSQL's own user may go.
      if (!env.DATABASE_URL) await removeEmbeddedPostgres(join(directory, 'data'));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Seconds of CPU that a process has used, all its threads, by the kernel's own account in ns: the ticks of /proc/PID/stat are too coarse for short rounds. */
export function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const used = (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  return threads.reduce((sum, thread) => sum + used(thread), 0) / 1e9;
}

/** Bytes that a process holds in memory. */
export function memoryOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

const agent = new Agent({ keepAlive: true });

/** Sends one operation and returns its data. The error that it throws for an answer with errors has `refusal`: status and code of the first. */
export async function send(url, query, variables, token, headers) {
  const { status, data, errors } = await ask(url, query, variables, token, headers);
  if (!errors) return data;
  const [{ message, extensions }] = errors;
  throw Object.assign(new Error(message), { refusal: `${status} ${extensions?.code}` });
}

/** Sends one operation and returns its reply, errors and status included. */
export async function ask(url, query, variables, token, headers) {
  for (;;) {
    try {
      return await post(url, query, variables, token, headers);
    } catch (error) {
      // The server ended an idle connection just as it was used again: the one error that says nothing was done.
      if (!(error.code === 'ECONNRESET' && error.reused)) throw error;
    }
  }
}

function post(url, query, variables, token, more) {
  const body = JSON.stringify({ query, variables });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...more };
  if (token) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode, ...JSON.parse(text) });
      });
    });
    sent.on('error', (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
    sent.end(body);
  });
}

/** Signs the demo user in. */
export async function signIn(url) {
  const login =
    'mutation { login(input: { email: "user@example.com", password: "tidings-demo" }) { accessToken refreshToken } }';
  return (await send(url, login)).login;
}

/** Makes an account with password `tidings-bench` and signs it in. */
export async function register(url, name) {
  const mutation = `mutation ($input: RegisterInput!) {
    register(input: $input) { accessToken refreshToken user { id email } session { id } } }`;
  const input = { name, email: `${name}@example.com`, password: 'tidings-bench' };
  return (await send(url, mutation, { input })).register;
}

/** Runs `work` as often as `count` says, `width` at a time. */
export async function repeat(count, width, work) {
  let left = count;
  const one = async (lane) => {
    while ((left -= 1) >= 0) await work(lane);
  };
  await Promise.all(Array.from({ length: width }, (_, lane) => one(lane)));
}

export const median = (values) => quantile(values, 0.5);

/** The smallest value that `share` of `values` do not exceed. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
}
