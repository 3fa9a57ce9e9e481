// Servers measured by fan-out.mjs: two Tidings instances with one database and one Redis, and each peer in a separate process.
import { fork, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import 'reflect-metadata';
import { JwtService } from '@nestjs/jwt';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../dist/src/embedded-postgres/embedded-postgres.js';
import { service } from '../dist/src/boot/service.js';
import { AccessTokens } from '../dist/src/engine/sessions/access-tokens.js';
import { cpuOf, memoryOf, send, startService } from './service.mjs';

const SECRET = createHash('sha256').update('tidings benches: one known secret').digest();
const PEERS = fileURLToPath(new URL('./peers/', import.meta.url));
const GRAPHQL = { host: '127.0.0.1', path: '/graphql', protocol: 'graphql-transport-ws' };
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';

/** A Redis of the bench's own; `stop` leaves nothing behind. */
export async function startRedis() {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-bench-redis-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.once('exit', () => child.kill());
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break;
  child.stdout.resume();
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Two Tidings instances: `writer` handles mutations, `fan` has the subscribers. */
export async function startOurs(redisUrl) {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: directory });
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redisUrl,
    APP_SECRET: SECRET.toString('base64'),
    ACCESS_TOKEN_TTL: '1h',
    DEMO: 'false',
    // All subscribers come from one address.
    MAX_CONNECTIONS: '100000',
    MAX_CONNECTIONS_PER_ADDRESS: '100000',
  };
  const writer = await startService(env);
  // oxlint-disable-next-line no-process-env -- to profile the node that fans out
  const fan = await startService(env, process.env['BENCH_NODE_OPTIONS']?.split(' '));
  const database = new Client({ connectionString: postgres.url });
  await database.connect();
  const tokens = new AccessTokens(new JwtService({}), {
    service,
    appSecrets: [SECRET],
    accessTokenTtl: 3_600_000,
    publicUrl: writer.url,
  });
  const inAnHour = new Date(Date.now() + 3_600_000);

  /** Accounts of `role`, each with a session, and its access token. No password is hashed. */
  async function accounts(count, role) {
    const made = Array.from({ length: count }, () => ({ id: randomUUID(), session: randomUUID() }));
    const ids = made.map(({ id }) => id);
    await database.query(
      `insert into account (id, email, name, role, password_hash)
       select id, id || '@example.com', 'Somebody', $2, 'none' from unnest($1::uuid[]) as list(id)`,
      [ids, role],
    );
    await database.query(
      `insert into session (id, account_id, seed, transport, address, idle_expires_at, expires_at)
       select session, id, decode(repeat('00', 32), 'hex'), 'BODY', '127.0.0.1', now() + interval '1 day', now() + interval '1 day'
         from unnest($1::uuid[], $2::uuid[]) as list(id, session)`,
      [ids, made.map(({ session }) => session)],
    );
    return made.map(({ id, session }) => ({ id, token: tokens.issue(id, session, role, inAnHour).token }));
  }

  const [editor] = await accounts(1, 'EDITOR');
  const [admin] = await accounts(1, 'ADMIN');

  /** A node that has subscribers. */
  const nodeOf = ({ url, cpu, memory, kill, stop }) => ({
    cpu,
    memory,
    kill,
    stop,
    to: { ...GRAPHQL, port: Number(new URL(url).port) },
    /** Waits until it has this many sockets or subscriptions. */
    async reached(what, count) {
      for (let tries = 0; tries < 600; tries += 1) {
        const { realtime } = await send(url, `{ realtime { ${what} } }`, undefined, admin.token);
        if (realtime[what] === count) return;
        await delay(50);
      }
      throw new Error(`There were never ${count} ${what}`);
    },
  });

  return {
    fan: nodeOf(fan),
    /** One more node, which has served nobody yet. */
    freshNode: async () => nodeOf(await startService(env)),
    accounts,
    /** A project of the editor that `members` see. */
    async project(members) {
      const input = { key: `BENCH-${Date.now() % 1e9}`, name: 'Bench' };
      const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id lastCursor } }';
      const { createProject } = await send(writer.url, create, { input }, editor.token);
      await this.join(createProject.id, members, 'VIEWER');
      return createProject;
    },
    /** Before a node has seen any of them: what it reads at first sight holds this. */
    async join(projectId, members, role) {
      await database.query(
        `insert into project_member (id, project_id, account_id, role, created_at)
         select gen_random_uuid(), $1, id, $2, now() from unnest($3::uuid[]) as list(id)`,
        [projectId, role, members.map(({ id }) => id)],
      );
    },
    /** Commits `count` updates as `count` writers would: at once, each in a request and a transaction of its own. */
    async post(projectId, count) {
      const one = (n) => {
        const input = { projectId, title: `Update ${n}`, body: BODY, health: 'ON_TRACK' };
        return send(writer.url, POST, { input }, editor.token);
      };
      await Promise.all(Array.from({ length: count }, (_, n) => one(n)));
    },
    async stop() {
      await database.end();
      await Promise.all([writer.stop(), fan.stop()]);
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The text of every update, ours and those of the peers. */
const BODY = 'All of it went out on Tuesday, and nobody has called since. Next week the second region follows.';

const message = (type, payload, id) => JSON.stringify({ id, type, payload });

/** How a subscriber of ours greets. */
export const greeting = (token, query, variables) => [
  { say: message('connection_init', { authorization: `Bearer ${token}` }), answered: true },
  { say: message('subscribe', { query, variables }, randomUUID()) },
];

const QUERY =
  'subscription { projectUpdated(projectId: "p") { seq cursor kind at subjectId actor { id name } update { id title body health } } }';
const watch = () => message('subscribe', { query: QUERY }, randomUUID());

/** How a subscriber of each peer greets, once its process has said `{ port, token }`. */
export const PEER_KINDS = {
  'raw `ws`, one text in a loop': { file: 'raw-ws', to: GRAPHQL, hello: () => [] },
  'Socket.IO, one room': {
    file: 'socket-io',
    to: { host: '127.0.0.1', path: '/socket.io/?EIO=4&transport=websocket' },
    hello: () => [{ answered: true }, { say: '40', answered: true }],
  },
  'graphql-ws, an iterator each': {
    file: 'graphql-ws',
    slow: true,
    to: GRAPHQL,
    hello: () => [{ say: message('connection_init'), answered: true }, { say: watch() }],
  },
  'NestJS, guards and Redis': {
    file: 'nestjs',
    slow: true,
    to: GRAPHQL,
    hello: (token) => [{ say: message('connection_init', { authorization: token }), answered: true }, { say: watch() }],
  },
  mercurius: {
    file: 'mercurius',
    slow: true,
    to: GRAPHQL,
    hello: () => [{ say: message('connection_init'), answered: true }, { say: watch() }],
  },
};

/** Installs what the peers are made of, the first time. */
export async function installPeers() {
  if (existsSync(join(PEERS, 'node_modules'))) return;
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: PEERS, stdio: 'inherit' });
  const [code] = await once(npm, 'exit');
  if (code !== 0) throw new Error(`npm ci failed in ${PEERS}`);
}

export async function startPeer({ file, to, hello }, redisUrl) {
  // oxlint-disable-next-line no-process-env -- a peer gets nothing else of it
  const { PATH } = process.env;
  const child = fork(join(PEERS, `${file}.mjs`), { env: { PATH, REDIS_URL: redisUrl } });
  process.once('exit', () => child.kill());
  let token;
  const port = await new Promise((resolve, reject) => {
    child.on('message', (said) => {
      token = said.token ?? token;
      if (said.port) resolve(said.port);
    });
    child.once('exit', () => reject(new Error(`${file} did not start`)));
  });
  let seq = 0;
  const event = () => ({
    seq: (seq += 1),
    cursor: 'AAAAAAAAAAAAAAAAAAA',
    kind: 'UPDATE_POSTED',
    at: new Date().toISOString(),
    subjectId: randomUUID(),
    projectId: 'p',
    actor: { id: randomUUID(), name: 'Somebody' },
    update: { id: randomUUID(), title: `Update ${seq}`, body: BODY, health: 'ON_TRACK' },
  });
  return {
    cpu: () => cpuOf(child.pid),
    memory: () => memoryOf(child.pid),
    to: { ...to, port },
    hello: () => hello(token),
    post: async (count) => void child.send({ events: Array.from({ length: count }, event) }),
    async stop() {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
