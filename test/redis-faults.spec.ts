// Faults of Redis cost only wake-ups between instances and the shared count of attempts. Each is logged once, never
// ends the process, and the service recovers with Redis.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { connect } from 'node:net';
import { copyFileSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { reportConfig } from '../src/engine/config/config-report.js';
import { LimitCounters } from '../src/engine/limits/limit-counters.js';
import { TOPICS } from '../src/engine/pubsub/pubsub.port.js';
import { RedisPubSub } from '../src/engine/pubsub/redis.pubsub.js';
import { Authority, type Certificate } from './support/certificates.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { killAll, ServiceProcess } from './support/process.js';
import { startRedis, type TestRedis } from './support/redis.js';
import { SECRET } from './support/tidings.js';
import { until } from './support/wait.js';
import { service as names } from '../src/boot/service.js';

let redis: TestRedis;
let folder: string;
let authority: Authority;
let stranger: Authority;
let good: Certificate;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  [redis, folder, authority, stranger] = await Promise.all([
    startRedis(),
    mkdtemp(join(tmpdir(), 'tidings-redis-faults-')),
    Authority.make(),
    Authority.make('Stranger'),
  ]);
  good = await authority.sign();
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).toReversed()) await step();
});
afterAll(async () => {
  await killAll();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Redis behind TLS: what it shows can be changed while it runs. */
class TlsRedis {
  private readonly open = new Set<Socket>();

  private constructor(private readonly server: Server & { setSecureContext(options: TlsOptions): void }) {}

  static async start(certificate: Certificate, clients?: string): Promise<TlsRedis> {
    const server = createTlsServer({
      ...contents(certificate),
      ...(clients ? { ca: readFileSync(clients), requestCert: true, rejectUnauthorized: true } : {}),
    });
    const proxy = new TlsRedis(server);
    server.on('connection', (socket: Socket) => {
      proxy.open.add(socket);
      socket.on('close', () => proxy.open.delete(socket)).on('error', () => {});
    });
    server.on('secureConnection', (client) => {
      const upstream = connect(redis.port, '127.0.0.1');
      client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.pipe(upstream).pipe(client);
    });
    server.on('tlsClientError', () => {});
    await listening(server);
    cleanUp.push(() => proxy.stop());
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on it shows this one; connections that are open end. */
  rotate(certificate: Certificate): void {
    this.server.setSecureContext(contents(certificate));
    for (const socket of this.open) socket.destroy();
  }

  private async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const contents = ({ cert, key }: Certificate) => ({ cert: readFileSync(cert), key: readFileSync(key) });

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
}

/** An instance's two uses of Redis, with what they say. */
class Instance {
  readonly said: string[] = [];
  readonly pubSub: RedisPubSub;
  readonly counters: LimitCounters;

  constructor(url: string) {
    const say = (line: string) => void this.said.push(line);
    const FAST = { heartbeatMs: 100, silenceMs: 400, retryMs: 100 };
    this.pubSub = new RedisPubSub({
      url,
      namespace: 'tidings',
      schemas: TOPICS,
      log: { warn: say, info: say },
      ...FAST,
    });
    this.counters = new LimitCounters({
      redisUrl: url,
      prefix: 'tidings',
      secret: Buffer.alloc(32),
      onRedisLost: (cause) => say(`counts here (${cause})`),
      onRedisBack: () => say('counts in Redis'),
    });
    this.opened = this.counters.open();
    cleanUp.push(async () => {
      this.counters.close();
      await this.pubSub.close();
    });
  }

  readonly opened: Promise<void>;
  readonly count = () => this.counters.consume({ name: 'faults', points: 1_000_000, seconds: 900 }, 'all');
}

/** True, once both uses work. */
async function working(instance: Instance): Promise<boolean> {
  await instance.opened;
  await until(() => instance.pubSub.healthy, 'wake-ups pass');
  await until(async () => {
    await instance.count();
    return instance.said.findLast((line) => line.startsWith('counts'))?.startsWith('counts here') !== true;
  }, 'attempts are counted in Redis');
  return true;
}

/** What both say when neither works, once each, through some more attempts. */
async function failure({ opened, said, pubSub, count }: Instance): Promise<string[]> {
  await opened;
  const losses = () => said.filter((line) => /^(No Redis|counts here)/.test(line));
  await until(async () => {
    await count();
    return losses().length === 2;
  }, 'both have noticed');
  for (let n = 0; n < 20; n += 1) if ((await count()) > 0) throw new Error('An attempt was refused');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  if (pubSub.healthy || said.join().includes('s3cret'))
    throw new Error(`It is healthy, or tells too much: ${said.join()}`);
  return losses();
}

const twice = (cause: RegExp) => [expect.stringMatching(cause), expect.stringMatching(cause)];

const secured = (port: number, search = `sslrootcert=${authority.cert}`, host = '127.0.0.1') =>
  `rediss://${host}:${port}?${search}`;

const withUser = (user: string) => redis.url.replace('//', `//${user}:s3cret@`);

/** Answers everything with `reply`. */
async function startFake(reply: string, end: boolean): Promise<string> {
  const open = new Set<Socket>();
  const fake = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.on('data', () => (end ? socket.end(reply) : socket.write(reply)));
  });
  await listening(fake);
  cleanUp.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => fake.close(resolve));
  });
  return `redis://127.0.0.1:${(fake.address() as AddressInfo).port}`;
}

describe('rediss://', () => {
  it.each(['127.0.0.1', 'localhost'])('works with the CA of REDIS_URL, as %s', async (host) => {
    const { port } = await TlsRedis.start(good);
    expect(await working(new Instance(secured(port, undefined, host)))).toBe(true);
  });

  it('works with a client certificate, and with verification disabled', async () => {
    const { port } = await TlsRedis.start(good, authority.cert);
    const client = await authority.sign({ commonName: 'client', names: 'DNS:client' });
    const search = `sslmode=no-verify&sslcert=${client.cert}&sslkey=${client.key}`;
    expect(await working(new Instance(secured(port, search)))).toBe(true);
    expect(await failure(new Instance(secured(port, 'sslmode=no-verify')))).toEqual(twice(/alert|ECONNRESET|closed/i));
  });

  it('with an untrusted certificate continues without Redis', async () => {
    const { port } = await TlsRedis.start(await stranger.sign());
    expect(await failure(new Instance(secured(port)))).toEqual(twice(/certificate|issuer/));
    expect(await failure(new Instance(secured(port, '')))).toEqual(twice(/certificate|issuer/));
  });

  it('with an expired or mismatched certificate continues without Redis', async () => {
    const expired = await TlsRedis.start(await authority.sign({ expired: true }));
    expect(await failure(new Instance(secured(expired.port)))).toEqual(twice(/expired/));
    const other = await TlsRedis.start(await authority.sign({ names: 'DNS:other' }));
    expect(await failure(new Instance(secured(other.port)))).toEqual(twice(/does not match|altnames/));
  });

  it('loses Redis when its certificate becomes untrusted and reconnects when it is trusted again', async () => {
    const trusted = join(folder, 'trusted.pem');
    await copyFile(authority.cert, trusted);
    const proxy = await TlsRedis.start(good);
    const instance = new Instance(secured(proxy.port, `sslrootcert=${trusted}`));
    expect(await working(instance)).toBe(true);
    proxy.rotate(await stranger.sign());
    expect(await failure(instance)).toEqual(twice(/certificate|issuer|closed|ECONNRESET/));
    copyFileSync(stranger.cert, trusted);
    expect(await working(instance)).toBe(true);
    expect(instance.said.filter((line) => /is back|counts in Redis/.test(line))).toHaveLength(2);
  });

  it('against a plain port fails, and redis:// against a TLS port', async () => {
    expect(await failure(new Instance(secured(redis.port)))).toEqual(twice(/./));
    const { port } = await TlsRedis.start(good);
    expect(await failure(new Instance(`redis://127.0.0.1:${port}`))).toEqual(twice(/./));
  });
});

describe('a Redis that refuses', () => {
  let admin: Redis;
  beforeEach(() => {
    admin = new Redis(redis.url);
    cleanUp.push(() => admin.quit());
  });
  it('a wrong password', async () => {
    expect(await failure(new Instance(withUser('nobody')))).toEqual(twice(/WRONGPASS/));
  });

  it('a missing password', async () => {
    await admin.config('SET', 'requirepass', 's3cret');
    try {
      const instance = new Instance(redis.url);
      expect(await failure(instance)).toEqual(twice(/NOAUTH/));
      await admin.config('SET', 'requirepass', '');
      expect(await working(instance)).toBe(true);
    } finally {
      await admin.config('SET', 'requirepass', '');
    }
  });

  it('commands until its ACL allows them', async () => {
    const user = ['SETUSER', 'narrow', 'on', '>s3cret', '~*', '&*'];
    await admin.call('ACL', ...user, '+ping');
    const instance = new Instance(withUser('narrow'));
    expect(await failure(instance)).toEqual(twice(/NOPERM/));
    await admin.call('ACL', ...user, '+@pubsub', '+@scripting', '+@write', '+@read');
    expect(await working(instance)).toBe(true);
  });

  it('connections over its limit', async () => {
    await admin.config('SET', 'maxclients', '1');
    try {
      const instance = new Instance(redis.url);
      expect(await failure(instance)).toEqual(twice(/max number of clients|closed|Command queue|EPIPE|ECONNRESET/));
      await admin.config('SET', 'maxclients', '1000');
      expect(await working(instance)).toBe(true);
    } finally {
      await admin.config('SET', 'maxclients', '1000');
    }
  });
});

it('a replica delivers wake-ups and is not ready for counters', async () => {
  const replica = await startRedis();
  cleanUp.push(() => replica.stop());
  const admin = new Redis(replica.url);
  cleanUp.push(() => admin.quit());
  await admin.replicaof('127.0.0.1', redis.port);
  const instance = new Instance(replica.url);
  await instance.opened;
  await until(async () => {
    await instance.count();
    return instance.said.length > 0;
  }, 'it does not count');
  expect(instance.said).toEqual([expect.stringContaining('counts here (READONLY')]);
  await admin.replicaof('NO', 'ONE');
  expect(await working(instance)).toBe(true);
});

describe('a server that is not Redis', () => {
  it.each([
    ['speaks HTTP', 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n', true],
    ['closes every connection', '', true],
    ['never answers', '', false],
    ['is another shard of a cluster', '-MOVED 3999 127.0.0.1:6381\r\n', false],
    ['is still loading', '-LOADING Redis is loading the dataset in memory\r\n', false],
    ['says too much', '+OK\r\n+OK\r\n+OK\r\n', false],
  ])('is reported when it %s', async (_what, reply, end) => {
    expect(await failure(new Instance(await startFake(reply, end)))).toEqual(twice(/./));
  });
});

describe('REDIS_URL', () => {
  it.each([
    ['redis://r/x', 'number of a database'],
    ['redis://r/0/1', 'number of a database'],
    ['redis://r?family=6', 'family'],
    ['redis://r?retryStrategy=s3cret', 'retryStrategy'],
    ['redis://r?sslmode=no-verify', 'needs rediss://'],
    ['rediss://r?sslmode=require', 'sslmode'],
    ['rediss://r?sslmode=verify-ca', 'sslrootcert'],
    ['rediss://r?sslrootcert=ca.pem', 'absolute path as sslrootcert'],
    ['rediss://r?sslcert=/c.pem', 'sslcert and sslkey'],
    ['rediss://r?sslmode=no-verify&sslrootcert=/ca.pem', 'sslrootcert'],
    ['rediss://r?sslmode=no-verify&sslmode=no-verify', 'sslmode twice'],
    ['rediss://r?sslrootcert=/nowhere/ca.pem', 'cannot be read (ENOENT)'],
  ])('%s is refused by name', (url, reason) => {
    const { valid, text } = reportConfig({ REDIS_URL: url }, names);
    expect([valid, text]).toEqual([false, expect.stringContaining(`REDIS_URL `)]);
    expect(text).toContain(reason);
    expect(text).not.toContain('s3cret');
  });
});

describe('a process with an untrusted Redis certificate', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  it('starts, logs it and reports it in /metrics', async () => {
    const proxy = await TlsRedis.start(await stranger.sign());
    const REDIS_URL = `rediss://127.0.0.1:${proxy.port}?sslrootcert=${authority.cert}`;
    const service = await ServiceProcess.start({
      DATABASE_URL: database.url,
      APP_SECRET: SECRET,
      PORT: '0',
      REDIS_URL,
    });
    const connected = async () => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      return /^tidings_redis_connected (\d)$/m.exec(text)?.[1];
    };
    const ready = async () => (await fetch(`${service.url}/health/ready`)).status;
    await service.says(/No Redis \(unable to verify|No Redis \(self-signed|No Redis \(unable to get/);
    expect([await connected(), await ready()]).toEqual(['0', 200]);
    proxy.rotate(good);
    await service.says(/Redis is back/);
    expect([await connected(), await ready()]).toEqual(['1', 200]);
    proxy.rotate(await authority.sign({ expired: true }));
    await until(async () => (await connected()) === '0', 'Redis is lost');
    expect(await ready()).toBe(200);
    expect(service.output.match(/No Redis/g)).toHaveLength(2);
    expect(await service.stop()).toBe(0);
  });
});
