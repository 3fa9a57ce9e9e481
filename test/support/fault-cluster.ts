// Two instances, a PostgreSQL server and a Redis server, each a process that tests can kill and restart.
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/embedded-postgres/embedded-postgres.js';
import { databaseProcess, ServiceProcess } from './process.js';
import { freePort, startRedis, type TestRedis } from './redis.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** Startup timeout of an instance in ms: long, since up to 200 clients reconnect at once on a small, busy machine. */
const RESTART_MS = 60_000;
/** ms between two start attempts. */
const SUPERVISOR_MS = 1_000;

/** A service instance at a fixed address. */
export class FaultNode {
  private service: ServiceProcess | undefined;
  private readonly earlier: ServiceProcess[] = [];

  constructor(
    readonly url: string,
    private readonly env: Record<string, string>,
  ) {}

  /** Output of all its processes so far. */
  get output(): string {
    return [...this.earlier, this.service].map((service) => service?.output ?? '').join('');
  }

  /** Retries the start until the instance is up, as a supervisor does: it fails while the database is unavailable. */
  async start(): Promise<void> {
    const deadline = Date.now() + RESTART_MS;
    for (;;) {
      if (this.service) this.earlier.push(this.service);
      this.service = ServiceProcess.launch(this.env);
      try {
        return await this.service.isUp(RESTART_MS);
      } catch (error) {
        await this.service.stop('SIGKILL');
        if (Date.now() > deadline) throw error;
        await pause(SUPERVISOR_MS);
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.service?.signal(signal);
  }

  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | NodeJS.Signals | undefined> {
    return this.service?.stop(signal);
  }
}

/** Process ids of the children of `pid`. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

export class FaultCluster {
  private constructor(
    readonly nodes: readonly FaultNode[],
    readonly redis: TestRedis,
    /** Between the first instance and Redis; the second instance connects directly. */
    readonly proxy: TcpProxy,
    private readonly dataDir: string,
    private readonly startPostgres: () => Promise<EmbeddedPostgres>,
    private postgres: EmbeddedPostgres,
  ) {}

  static async start(secret: string, variables: Readonly<Record<string, string>> = {}): Promise<FaultCluster> {
    const dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-faults-')));
    chmodSync(dataDir, 0o755);
    const port = await freePort();
    // With production durability settings: committed transactions survive a crash.
    const startPostgres = () => startEmbeddedPostgres({ dataDir, choosePort: async () => port });
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    const proxy = await startTcpProxy(redis.port);
    const nodes: FaultNode[] = [];
    for (const redisPort of [proxy.port, redis.port]) {
      const nodePort = String(await freePort());
      const env = {
        DATABASE_URL: postgres.url,
        REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        DATA_DIR: join(dataDir, 'unused'),
        PORT: nodePort,
        APP_SECRET: secret,
        ACCESS_TOKEN_TTL: '1h',
        LOG_LEVEL: 'warn',
        ...variables,
      };
      nodes.push(new FaultNode(`http://127.0.0.1:${nodePort}`, env));
    }
    const cluster = new FaultCluster(nodes, redis, proxy, dataDir, startPostgres, postgres);
    try {
      await Promise.all(nodes.map((node) => node.start()));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get urls(): readonly string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** Stops PostgreSQL, with SIGKILL if `crash`, and restarts it after `ms`. */
  async restartPostgres(ms: number, crash = false): Promise<void> {
    const pid = crash ? databaseProcess(this.dataDir) : undefined;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await this.postgres.stop();
    await pause(ms);
    this.postgres = await this.startPostgres();
  }

  /** Suspends every PostgreSQL process (SIGSTOP) for `ms`: the server accepts connections but does not respond. */
  async freezePostgres(ms: number): Promise<void> {
    const pid = databaseProcess(this.dataDir)!;
    const processes = [pid, ...childrenOf(pid)];
    for (const one of processes) process.kill(one, 'SIGSTOP');
    await pause(ms);
    for (const one of processes) process.kill(one, 'SIGCONT');
  }

  async query<T>(sql: string, parameters: readonly unknown[] = []): Promise<T[]> {
    const client = new Client(this.postgres.url);
    await client.connect();
    try {
      return (await client.query(sql, [...parameters])).rows as T[];
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop('SIGKILL')));
    await this.proxy.stop();
    await this.redis.stop();
    await this.postgres.stop();
    await removeEmbeddedPostgres(this.dataDir);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
