// A PostgreSQL server of one test file, for settings that cannot be changed on the shared server.
import { appendFile, chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.js';
import type { Certificate } from './certificates.js';
import type { TestDatabase } from './database.js';

const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum: 'off' };

export class OwnPostgres {
  private readonly open: Client[] = [];

  private constructor(
    /** As superuser, with the password. */
    readonly url: string,
    private readonly admin: Client,
    /** The data directory. */
    readonly cluster: string,
    private readonly end: () => Promise<void>,
  ) {}

  static async start(settings: Record<string, string> = {}, parent = tmpdir()): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(parent, 'tidings-own-postgres-'));
    // PostgreSQL refuses to run as root.
    await chmod(folder, 0o711);
    const dataDir = join(folder, 'data');
    const postgres = await startEmbeddedPostgres({ dataDir, settings: { ...FAST, ...settings } });
    const admin = new Client(postgres.url);
    admin.on('error', () => {});
    await admin.connect();
    const { rows } = await admin.query<{ data_directory: string }>('show data_directory');
    return new OwnPostgres(postgres.url, admin, rows[0]!.data_directory, async () => {
      await admin.end();
      await postgres.stop();
      await removeEmbeddedPostgres(dataDir);
      await rm(folder, { recursive: true, force: true });
    });
  }

  async query<T = Record<string, unknown>>(sql: string, parameters: readonly unknown[] = []): Promise<T[]> {
    return (await this.admin.query(sql, [...parameters])).rows as T[];
  }

  /** The URL with the given parts replaced. */
  at(parts: { database?: string; user?: string; password?: string; host?: string; search?: string }): string {
    const url = new URL(this.url);
    if (parts.database !== undefined) url.pathname = `/${parts.database}`;
    if (parts.user !== undefined) [url.username, url.password] = [parts.user, parts.password ?? ''];
    if (parts.host !== undefined) url.hostname = parts.host;
    if (parts.search !== undefined) url.search = parts.search;
    return url.toString();
  }

  /** Creates an empty database. `how`: options of CREATE DATABASE; `search`: query parameters of the URL. */
  async createDatabase(name: string, { how = '', search = '' } = {}): Promise<TestDatabase> {
    await this.query(`create database ${name} ${how}`);
    const client = new Client(this.at({ database: name }));
    client.on('error', () => {});
    await client.connect();
    const query = async <T>(sql: string, parameters: readonly unknown[] = []) =>
      (await client.query(sql, [...parameters])).rows as T[];
    this.open.push(client);
    return {
      url: this.at({ database: name, search }),
      query,
      waiting: async () => {
        const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return (await query(sql)).length;
      },
      drop: async () => {
        await client.end();
        await this.query(`drop database ${name} with (force)`);
      },
    };
  }

  /** Enables TLS with `certificate`. `clients`: the CA of client certificates. */
  async useTls(certificate: Certificate, clients?: string): Promise<void> {
    await this.install(certificate.cert, 'server.crt');
    await this.install(certificate.key, 'server.key');
    if (clients !== undefined) {
      await this.install(clients, 'clients.crt');
      await this.query(`alter system set ssl_ca_file = 'clients.crt'`);
    }
    await this.query('alter system set ssl = on');
    await this.reload();
  }

  /** Prepends lines to pg_hba.conf. */
  async allow(...lines: string[]): Promise<void> {
    const [row] = await this.query<{ file: string; text: string }>(
      `select current_setting('hba_file') as file, pg_read_file(current_setting('hba_file')) as text`,
    );
    await rm(row!.file);
    await appendFile(row!.file, `${lines.join('\n')}\n${row!.text}`);
    await this.giveToServer(row!.file);
    await this.reload();
  }

  async stop(): Promise<void> {
    await Promise.all(this.open.map((client) => client.end()));
    await this.end();
  }

  /** pg_reload_conf() is asynchronous: waits until a new connection sees the change. */
  private async reload(): Promise<void> {
    const [before] = await this.query<{ at: string }>('select pg_conf_load_time()::text as at');
    await this.query('select pg_reload_conf()');
    for (;;) {
      const client = new Client(this.url);
      await client.connect();
      const { rows } = await client.query<{ at: string }>('select pg_conf_load_time()::text as at');
      await client.end();
      if (rows[0]!.at !== before!.at) return;
    }
  }

  private async install(from: string, name: string): Promise<void> {
    const to = join(this.cluster, name);
    await rm(to, { force: true });
    await copyFile(from, to);
    await chmod(to, 0o600);
    await this.giveToServer(to);
  }

  private async giveToServer(file: string): Promise<void> {
    const { uid, gid } = await stat(this.cluster);
    await chown(file, uid, gid);
  }
}
