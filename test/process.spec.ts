// The service as a process: start, shutdown, kill, restart, and start-up errors that say what to do.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFailure } from '../src/boot/start-failure.js';
import { removeEmbeddedPostgres } from '../src/embedded-postgres/embedded-postgres.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GraphqlClient } from './support/graphql-client.js';
import { databaseProcess, isAlive, killAll, ServiceProcess } from './support/process.js';
import { RawSocket } from './support/socket-client.js';
import { TestTidings } from './support/tidings.js';
import { until } from './support/wait.js';

/** As a home directory: nobody else may enter it. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-process-')));
const dataDir = join(folder, 'data');
const embedded = { DATA_DIR: dataDir, PORT: '0' };

const secret = randomBytes(32).toString('base64');

let database: TestDatabase;
let own: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  own = { DATABASE_URL: database.url, APP_SECRET: secret, DATA_DIR: join(folder, 'unused'), PORT: '0' };
});
afterAll(async () => {
  await killAll();
  await removeEmbeddedPostgres(dataDir);
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** The files that the Dockerfile's last stage takes from the first, made a folder. */
function imageIn(parent: string): string {
  const app = join(parent, 'app');
  const copied = readFileSync('Dockerfile', 'utf8').matchAll(/^COPY --from=build \/app\/(\S+) (\S+)$/gm);
  for (const [, from, to] of copied) cpSync(from!, join(app, to!), { recursive: true });
  return app;
}

const ready = async (service: ServiceProcess) => (await fetch(`${service.url}/health/ready`)).status;

async function signIn(service: ServiceProcess, email = 'admin@example.com'): Promise<GraphqlClient> {
  const login = 'mutation ($e: String!) { login(input: { email: $e, password: "tidings-demo" }) { accessToken } }';
  const { login: signedIn } = await new GraphqlClient(service.url).data(login, { e: email });
  return new GraphqlClient(service.url, signedIn.accessToken);
}

const keys = async (client: GraphqlClient): Promise<string[]> =>
  (await client.data('{ projects(first: 50) { nodes { key } } }')).projects.nodes
    .map(({ key }: { key: string }) => key)
    .toSorted();

/** What a start that fails has said, on one line. */
async function failure(env: Record<string, string>): Promise<string> {
  const { code, output } = await ServiceProcess.run(env);
  expect([code, output.trim().split('\n')]).toEqual([1, [output.trim()]]);
  expect(output).not.toContain('    at ');
  return output;
}

describe('the process with the embedded database in a 0700 folder', () => {
  // One installation lives through all of this, as a person's would.
  let service: ServiceProcess;
  let demo: string[];

  it('starts from nothing and prints its address', async () => {
    service = await ServiceProcess.start(embedded);
    expect(await ready(service)).toBe(200);
    expect(Number(new URL(service.url).port)).toBeGreaterThan(0);
    expect(service.output).toContain('Sign in as admin@example.com');
    const admin = await signIn(service);
    demo = await keys(admin);
    expect(demo.length).toBeGreaterThan(3);
    await admin.data('mutation { createProject(input: { key: "KEPT", name: "Kept" }) { id } }');
  });

  it('refuses a second process in the same folder by its pid', async () => {
    expect(await failure(embedded)).toContain(`in use by another Tidings (process ${service.pid})`);
    expect(await ready(service)).toBe(200);
  });

  it('on SIGTERM drains clients and stops PostgreSQL last', async () => {
    const client = await signIn(service);
    const socket = await RawSocket.signedIn(service.url, client.accessToken!);
    const postgres = databaseProcess(dataDir);
    expect(postgres).toBeGreaterThan(0);
    expect(await service.stop('SIGTERM')).toBe(0);
    expect(await socket.closed).toMatchObject({ code: 1012 });
    expect(databaseProcess(dataDir)).toBeUndefined();
    expect(service.output).not.toMatch(/"level":"(?:warn|error|fatal)"/);
  });

  it('restarts with all data and no duplicates', async () => {
    service = await ServiceProcess.start(embedded);
    expect(await keys(await signIn(service))).toEqual([...demo, 'KEPT'].toSorted());
  });

  it('after kill -9 stops the PostgreSQL that was left, and keeps its data', async () => {
    const left = databaseProcess(dataDir)!;
    expect(await service.stop('SIGKILL')).toBe('SIGKILL');
    expect(databaseProcess(dataDir)).toBe(left);
    service = await ServiceProcess.start(embedded);
    expect(service.output).toContain(`stopped the PostgreSQL that an earlier process left running (process ${left})`);
    await until(() => !isAlive(left), 'the old PostgreSQL was gone');
    expect(databaseProcess(dataDir)).toBeGreaterThan(0);
    expect(await keys(await signIn(service))).toContain('KEPT');
  });

  it('on Ctrl-C under npm, which is SIGINT twice, stops cleanly', async () => {
    service.signal('SIGINT');
    expect(await service.stop('SIGINT')).toBe(0);
    expect(databaseProcess(dataDir)).toBeUndefined();
  });

  it.each(['SIGHUP', 'SIGQUIT'] as const)('on %s stops as on SIGTERM', async (signal) => {
    service = await ServiceProcess.start(embedded);
    expect(await service.stop(signal)).toBe(0);
    expect(databaseProcess(dataDir)).toBeUndefined();
  });

  it('stops PostgreSQL when its port is taken', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port));
    });
    try {
      const { code, output } = await ServiceProcess.run({ ...embedded, PORT: String(port), LOG_LEVEL: 'error' });
      expect([code, output]).toEqual([
        1,
        `PORT ${port} of 127.0.0.1 is taken. Stop what listens there, or set PORT to another one (0 picks a free one).\n`,
      ]);
      expect(databaseProcess(dataDir)).toBeUndefined();
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe('SIGTERM during a start', () => {
  it('stops PostgreSQL without applying a migration, and the next start makes up for it', async () => {
    const elsewhere = { ...embedded, DATA_DIR: join(folder, 'interrupted') };
    try {
      const first = ServiceProcess.launch(elsewhere);
      await first.says(/making a new database/);
      process.kill(first.pid, 'SIGTERM');
      expect(await first.exited).toBe(0);
      expect(first.output).toContain('Stopping');
      expect(first.output).not.toContain('Applied migrations');
      const second = await ServiceProcess.start(elsewhere);
      expect(await ready(second)).toBe(200);
      expect(second.output).not.toContain('earlier process left');
      process.kill(second.pid, 'SIGTERM');
      expect(await second.exited).toBe(0);
    } finally {
      await killAll();
      await removeEmbeddedPostgres(elsewhere.DATA_DIR);
    }
  });

  it('does not wait for a database that does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const service = ServiceProcess.launch({ ...own, DATABASE_URL: `postgresql://a:b@127.0.0.1:${port}/c` });
    const [connection] = (await once(silent, 'connection')) as [Socket];
    process.kill(service.pid, 'SIGTERM');
    expect(await service.exited).toBe(0);
    connection.destroy();
    silent.close();
  });
});

describe('the process with DATABASE_URL', () => {
  it('completes a running request before it stops', async () => {
    const service = await ServiceProcess.start({ ...own, PUBLIC_URL: 'http://tidings.localhost:8080', DEMO: 'true' });
    expect(service.output).toContain('Tidings is up at http://tidings.localhost:8080');
    expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await database.query('begin');
    await database.query('lock table session in access exclusive mode');
    const signingIn = signIn(service);
    await until(async () => (await database.waiting()) > 0, 'the sign-in waits');
    const ended = service.stop('SIGTERM');
    await service.says(/Stopping/);
    await database.query('commit');
    expect((await signingIn).accessToken).toMatch(/^ey/);
    expect(await ended).toBe(0);
  });

  it('in production logs JSON only, and exits after one line for an uncaught error', async () => {
    const fault = `data:text/javascript,process.on('SIGUSR2', () => Promise.reject(new Error('nobody caught this')))`;
    const live = { NODE_ENV: 'production', PUBLIC_URL: 'https://tidings.example.com', HOST: '127.0.0.1' };
    const service = await ServiceProcess.start({ ...own, ...live }, ['--import', fault], imageIn(folder));
    expect(await ready(service)).toBe(200);
    const register =
      'mutation ($p: String!) { register(input: { email: "a@example.com", name: "A", password: $p }) { user { name } } }';
    const sent = (p: string) => new GraphqlClient(service.url).send(register, { p });
    expect((await sent('password123')).errors).toMatchObject([{ message: expect.stringContaining('most common') }]);
    expect((await sent('a password of the image')).data).toEqual({ register: { user: { name: 'A' } } });
    expect(await service.stop('SIGUSR2')).toBe(1);
    const lines = service.output.trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as { level: string; message: string });
    const faults = entries.filter(({ message }) => message.includes('nobody caught this'));
    expect(faults).toMatchObject([{ level: 'fatal', context: 'Tidings' }]);
    expect(service.output).not.toContain(secret);
  });
});

describe('a failing start', () => {
  it('names every invalid variable without its value', async () => {
    const { code, output } = await ServiceProcess.run({
      NODE_ENV: 'production',
      PORT: 'hunter2',
      ACCESS_TOKEN_TTL: 'swordfish',
      REDIS_URL: 'ftp://user:pa55word@example.com',
    });
    expect(code).toBe(1);
    const named = output.split('\n').map((line) => /^ {2}([A-Z_]+) /.exec(line)?.[1]);
    expect(named.filter((name) => name !== undefined).toSorted()).toEqual([
      'ACCESS_TOKEN_TTL',
      'APP_SECRET',
      'DATABASE_URL',
      'PORT',
      'REDIS_URL',
    ]);
    expect(output).not.toMatch(/hunter2|swordfish|pa55word|    at /);
  });

  it('reports an unreachable database in one line', async () => {
    const away = new URL(database.url);
    away.port = '1';
    const output = await failure({ ...own, DATABASE_URL: away.toString() });
    expect(output).toContain('The database at DATABASE_URL cannot be reached (ECONNREFUSED)');
    expect(output).not.toContain(away.password);
  });

  it('reports a missing database in one line without creating it', async () => {
    const nowhere = new URL(database.url);
    nowhere.pathname = '/test_that_nobody_made';
    const said = await TestTidings.start({ database: { ...database, url: nowhere.toString() } }).then(
      () => 'it started',
      describeFailure,
    );
    expect(said).toContain('does not have the database that DATABASE_URL names: create it first');
    expect(await database.query(`select 1 from pg_database where datname = 'test_that_nobody_made'`)).toEqual([]);
  });

  it('does not modify a database of a newer version', async () => {
    await database.query(`insert into migration (name, executed_at) values ('20990101000001-later', now())`);
    try {
      const said = await TestTidings.start({ database }).then(() => 'it started', describeFailure);
      expect(said).toContain('migrated by a newer version: 20990101000001-later is not known here');
    } finally {
      await database.query(`delete from migration where name = '20990101000001-later'`);
    }
  });
});
