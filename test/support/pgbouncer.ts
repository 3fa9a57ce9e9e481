// Starts PgBouncer in transaction mode in front of a test's PostgreSQL. `global-setup.js` installs it where possible.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { OwnPostgres } from './own-postgres.js';
import { freePort } from './redis.js';

/** Debian installs pgbouncer in /usr/sbin, which is not in the PATH of ordinary users. */
const PATH = `${process.env['PATH']}:/usr/sbin`;

/** Whether PgBouncer is installed. The global setup prints the reason if not. */
export const hasPgBouncer = ((): boolean => {
  try {
    execFileSync('pgbouncer', ['--version'], { env: { PATH }, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

export interface PgBouncer {
  readonly port: number;
  /** Runs a command on the admin console. */
  command(sql: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer with a small pool, so that clients share server connections. `settings`: entries of its ini file.
 */
export async function startPgBouncer(postgres: OwnPostgres, settings: Record<string, string> = {}): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-pgbouncer-'));
  const { username, password, port: serverPort } = new URL(postgres.url);
  const [user, port] = [decodeURIComponent(username), await freePort()];
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(folder, 'users'),
    admin_users: user,
    pool_mode: 'transaction',
    default_pool_size: 4,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  await chmod(folder, 0o711);
  await writeFile(join(folder, 'users'), `"${user}" "${decodeURIComponent(password)}"\n`, { mode: 0o644 });
  const databases = `[databases]\n* = host=127.0.0.1 port=${serverPort}\n`;
  await writeFile(join(folder, 'ini'), `${databases}[pgbouncer]\n${lines.join('\n')}\n`, { mode: 0o644 });
  // PgBouncer refuses to run as root, like PostgreSQL: it runs as the owner of the cluster.
  const { uid, gid } = await stat(postgres.cluster);
  const as = process.getuid?.() === 0 ? { uid, gid } : {};
  const server = spawn('pgbouncer', [join(folder, 'ini')], { env: { PATH }, cwd: '/', ...as, stdio: 'pipe' });
  let said = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(server, 'exit');
  const command = async (sql: string): Promise<void> => {
    const client = new Client({ host: '127.0.0.1', port, user, database: 'pgbouncer' });
    try {
      await client.connect();
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      await command('show version');
      break;
    } catch (error) {
      if (server.exitCode !== null || attempt > 500)
        throw new Error(`PgBouncer did not start:\n${said}`, { cause: error });
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
  return {
    port,
    command,
    async stop() {
      server.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
