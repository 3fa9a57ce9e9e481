// Two nodes, a PostgreSQL and a Redis, each a process that can be killed and is started again, as a supervisor would.
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

/** ms that a node may take to be up: many when 200 clients come back on a small machine that has other work. */
const RESTART_MS = 60_000;
/** ms between two starts. */
const SUPERVISOR_MS = 1_000;

/** A node at a fixed address. */
export class FaultNode {
  private service: ServiceProcess | undefined;
  private readonly earlier: ServiceProcess[] = [];

  constructor(
    readonly url: string,
    private readonly env: Record<string, string>,
  ) {}

  /** Everything that its processes have written. */
  get output(): string {
    return [...this.earlier, this.service].map((service) => service?.output ?? '').join('');
  }

  /** Starts it again and again until it is up: without a database a start fails. */
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
    /** Between the first node and Redis; the second reaches it directly. */
    readonly proxy: TcpProxy,
    private readonly dataDir: string,
    private readonly startPostgres: () => Promise<EmbeddedPostgres>,
    private postgres: EmbeddedPostgres,
  ) {}

  static async start(secret: string, variables: Readonly<Record<string, string>> = {}): Promise<FaultCluster> {
    const dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-faults-')));
    chmodSync(dataDir, 0o755);
    const port = await freePort();
    // As an operator runs it: what is committed survives a crash.
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

  /** Stops PostgreSQL, by kill -9 if it is to `crash`, and starts it again after `ms`. */
  async restartPostgres(ms: number, crash = false): Promise<void> {
    const pid = crash ? databaseProcess(this.dataDir) : undefined;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await this.postgres.stop();
    await pause(ms);
    this.postgres = await this.startPostgres();
  }

  /** Stops every process of PostgreSQL as it is, for `ms`: it accepts connections and answers nothing. */
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
